"""Boxes and names on frames."""

from __future__ import annotations

from collections.abc import Sequence

from rtkit import Image
from rtkit.images import opencv

#: Colours (BGR) of a person who is enrolled, and of others.
KNOWN_COLOUR, UNKNOWN_COLOUR = (120, 200, 60), (60, 140, 255)
BLACK = (0, 0, 0)
#: Text on a frame of this height (pixels) has the size 1 of OpenCV's font.
HEIGHT = 800


def draw(image: Image, box: Sequence[int], text: str, known: bool) -> None:
    """Draw a box ``[x, y, w, h]`` with a line of text above it, or below if there is no room, into a picture, in place."""
    cv2 = opencv()
    x, y, wide, high = box
    scale = max(0.45, image.shape[0] / HEIGHT)
    thick, ink = max(1, round(2 * scale)), KNOWN_COLOUR if known else UNKNOWN_COLOUR
    cv2.rectangle(image, (x, y), (x + wide - 1, y + high - 1), ink, thick)
    (across, up), down = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    top = y - up - down - 4 if y >= up + down + 4 else min(y + high, image.shape[0] - up - down - 4)
    left = max(0, min(x, image.shape[1] - across - 4))
    cv2.rectangle(image, (left, top), (left + across + 4, top + up + down + 4), ink, cv2.FILLED)
    cv2.putText(image, text, (left + 2, top + up + 2), cv2.FONT_HERSHEY_SIMPLEX, scale, BLACK, max(1, round(1.2 * scale)), cv2.LINE_AA)
