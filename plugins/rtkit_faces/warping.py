"""Pieces of pictures, turned and scaled without aliasing."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rtkit import Image
from rtkit.images import opencv

#: Most times that a piece is cut out larger than it will be.
LARGEST = 16


def warp(image: Image, move: NDArray[np.floating], size: tuple[int, int]) -> Image:
    """A piece of a picture, moved by a similarity ``[2, 3]`` into a new one of so many pixels across and down; edges go on outside.

    A piece that gets smaller is cut out at a whole multiple of the size first, and then averaged.
    """
    cv2 = opencv()
    scale = math.sqrt(abs(float(np.linalg.det(move[:, :2]))))
    times = max(1, min(LARGEST, math.ceil(1 / max(scale, 1e-6))))
    finer = move * times
    finer[:, 2] += (times - 1) / 2  # a pixel's middle is half a pixel from its edge
    large = cv2.warpAffine(image, finer, (size[0] * times, size[1] * times), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(large, size, interpolation=cv2.INTER_AREA) if times > 1 else large, np.uint8)
