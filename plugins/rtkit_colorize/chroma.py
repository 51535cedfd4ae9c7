"""Luma and chroma: a full grey picture, and the colours of its places, which may be coarse."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Image

Floats = NDArray[np.floating[Any]]


def join(grey: Image, chroma: Floats) -> Image:
    """A colour picture from luma and chroma (ITU-R BT.601, full range, as in JPEG).

    Parameters
    ----------
    grey : ndarray
        ``[h, w]`` uint8, luma.
    chroma : ndarray
        ``[y, x, 2]``, Cr and Cb, -1 to 1, of any size; enlarged bilinearly.

    Returns
    -------
    ndarray
        ``[h, w, 3]`` uint8, BGR.
    """
    import cv2

    height, width = grey.shape
    coarse = np.clip(np.nan_to_num(chroma) * 128 + 128, 0, 255).round().astype(np.uint8)
    fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(cv2.merge([grey, *cv2.split(fine)]), cv2.COLOR_YCrCb2BGR), np.uint8)


def split(image: Image, height: int, width: int) -> tuple[Image, NDArray[np.float32]]:
    """The opposite: luma ``[h, w]`` uint8 of a BGR picture, and its chroma ``[height, width, 2]``, -1 to 1, averaged."""
    import cv2

    luma, *colours = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb))
    averages = [cv2.resize(colour.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) for colour in colours]
    return np.asarray(luma, np.uint8), np.asarray(np.stack(averages, axis=-1) / 128 - 1, np.float32)
