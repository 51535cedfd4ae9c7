"""Sizes of frames: as text, and frames of one size made from those of another."""

from __future__ import annotations

import re

import numpy as np

from rtkit.core.errors import UsageError
from rtkit.core.items import Image
from rtkit.video.opencv import opencv

#: Largest side of a frame in pixels; more is taken for a damaged header.
MAX_SIDE_PX = 16384


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Width and height from ``"640x480"``; None from None.

    Raises
    ------
    UsageError
        Not of that form, or a side of no or too many pixels.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,6})x(\d{1,6})", text.strip().lower())
    if found is None or not all(1 <= int(side) <= MAX_SIDE_PX for side in found.groups()):
        raise UsageError(f"size={text} does not fit; expected WIDTHxHEIGHT, such as 640x480, at most {MAX_SIDE_PX} a side")
    return int(found[1]), int(found[2])


def fit(image: Image, width: int, height: int) -> Image:
    """The picture in the given size (pixels): the same array if it has that size, else resized with a letterbox, undistorted, on black."""
    high, wide = image.shape[:2]
    if (wide, high) == (width, height):
        return image
    cv2 = opencv()
    scale = min(width / wide, height / high)
    inner = (max(1, round(scale * wide)), max(1, round(scale * high)))
    interpolation = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR  # linear is 3 times as fast, and as good down to a half
    resized: Image = np.asarray(cv2.resize(image, inner, interpolation=interpolation), np.uint8)
    if inner == (width, height):
        return resized
    out = np.zeros((height, width, *image.shape[2:]), np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    out[top : top + inner[1], left : left + inner[0]] = resized
    return out


def to_colour(image: Image) -> Image:
    """The picture as ``[h, w, 3]``; the same array if it is that."""
    return image if image.ndim == 3 else np.asarray(opencv().cvtColor(image, opencv().COLOR_GRAY2BGR), np.uint8)


def to_grey(image: Image) -> Image:
    """The picture as ``[h, w]``, luma after ITU-R BT.601; the same array if it is that."""
    return image if image.ndim == 2 else np.asarray(opencv().cvtColor(image, opencv().COLOR_BGR2GRAY), np.uint8)


def colour_copy(image: Image) -> Image:
    """The picture as ``[h, w, 3]`` in an array of its own, to draw on."""
    return image.copy() if image.ndim == 3 else to_colour(image)
