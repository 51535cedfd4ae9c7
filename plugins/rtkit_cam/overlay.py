"""Maps, labels and boxes drawn on frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Image, UsageError

FONT_SIZE = 1 / 960  # of the height of the frame, for OpenCV's font, whose unit is some 22 pixels
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def colormap_number(name: str) -> int:
    """OpenCV's number of a colormap.

    Raises
    ------
    UsageError
        It has none of that name.
    """
    import cv2

    known = {key.removeprefix("COLORMAP_").lower(): value for key, value in vars(cv2).items() if key.startswith("COLORMAP_")}
    if name.lower() not in known:
        raise UsageError(f"cam: colormap={name} does not fit; expected one of {', '.join(sorted(known))}")
    return int(known[name.lower()])


def as_bytes(heat: NDArray[np.floating[Any]]) -> Image:
    """A map as 0 to 255: 0 for what is not above 0, 255 for its peak."""
    top = float(heat.max())
    scaled = np.maximum(heat, 0) * (255 / top) if top > 0 else np.zeros_like(heat)
    return np.asarray(scaled.round(), np.uint8)


def blend(image: Image, heat: Image, colormap: int, alpha: float) -> Image:
    """A new picture: the map, enlarged bilinearly and coloured, over the frame.

    Parameters
    ----------
    image : ndarray
        ``[h, w, 3]``; not written into.
    heat : ndarray
        uint8 of any size.
    colormap : int
        As of `colormap_number`.
    alpha : float
        Weight of the map, 0 to 1.
    """
    import cv2

    large = cv2.resize(heat, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    coloured = cv2.applyColorMap(large, colormap)
    return np.asarray(cv2.addWeighted(coloured, alpha, image, 1 - alpha, 0, dst=coloured), np.uint8)


def draw_lines(image: Image, lines: Sequence[str]) -> None:
    """Write lines of text into the upper left corner of a picture, in place, readable on any ground."""
    import cv2

    scale = max(0.5, image.shape[0] * FONT_SIZE)
    thick = max(1, round(1.5 * scale))
    step = round(30 * scale)
    for number, line in enumerate(lines, 1):
        at = (round(10 * scale), step * number)
        for (x, y), ink in (((at[0] + thick, at[1] + thick), BLACK), (at, WHITE)):
            cv2.putText(image, line, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, thick, cv2.LINE_AA)


def draw_box(image: Image, box: Sequence[int], peak: Sequence[int]) -> None:
    """Draw a box ``[x, y, w, h]`` and a cross at the peak ``[x, y]`` into a picture, in place."""
    import cv2

    x, y, wide, high = box
    thick = max(1, image.shape[0] // 240)
    cv2.rectangle(image, (x, y), (x + wide - 1, y + high - 1), WHITE, thick)
    cv2.drawMarker(image, (peak[0], peak[1]), WHITE, cv2.MARKER_CROSS, 8 * thick, thick)


def mosaic(image: Image, heats: Sequence[Image], titles: Sequence[str], colormap: int, alpha: float) -> Image:
    """A new picture of the size of the frame: the frame nine times, 3 x 3, each time under another map."""
    import cv2

    height, width = image.shape[:2]
    out = np.zeros_like(image)
    high, wide = height // 3, width // 3
    small = np.asarray(cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)
    for number, (heat, title) in enumerate(zip(heats, titles, strict=True)):
        row, column = divmod(number, 3)
        tile = blend(small, heat, colormap, alpha)
        draw_lines(tile, [title])
        out[row * high : (row + 1) * high, column * wide : (column + 1) * wide] = tile
    return out
