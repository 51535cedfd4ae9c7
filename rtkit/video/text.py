"""Text on frames."""

from __future__ import annotations

from collections.abc import Sequence

from rtkit.core.items import Image
from rtkit.video.opencv import opencv

#: On a frame of this height, text has scale 1 of OpenCV's font.
REFERENCE_HEIGHT_PX = 900
Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)


def write_lines(image: Image, lines: Sequence[str]) -> None:
    """Write lines of text on a dark ground into the upper left corner of a picture ``[h, w, 3]``, in place."""
    cv2 = opencv()
    scale = max(0.4, image.shape[0] / REFERENCE_HEIGHT_PX)
    thick, step = max(1, round(1.4 * scale)), round(32 * scale)
    wide = max(cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)[0][0] for line in lines)
    ground = image[: step * len(lines) + step // 2, : wide + step]
    ground //= 3
    for number, line in enumerate(lines, 1):
        write_line(image, line, (step // 2, step * number), scale, WHITE, thick)


def write_line(image: Image, text: str, at: tuple[int, int], scale: float, ink: Colour, thick: int) -> None:
    """Write a line of text that begins at the point `at` (x, y) of its base line, in place."""
    cv2 = opencv()
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, thick, cv2.LINE_AA)
