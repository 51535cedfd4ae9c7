"""Preprocessing: the centre square of a frame, with its background made black."""

from __future__ import annotations

from typing import Literal

import numpy as np

from rtkit import Image
from rtkit_vae.elbo import Floats

Background = Literal["auto", "black", "white"]


def centre_square(image: Image) -> Image:
    """The largest square in the middle of a picture, not copied."""
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    return image[top : top + side, left : left + side]


def normalise_background(picture: Floats, background: Background) -> Floats:
    """A picture ``[h, w, 1]`` of 0 to 1 with the grey of its background made black, and what is furthest from that made white.

    Parameters
    ----------
    picture : ndarray
        Not written into.
    background : str
        ``black``: it stays as it is; ``white``: dark and light change places; ``auto``: the median of the outermost pixels is made black,
        and dark and light change places if that is lighter than the middle grey.
    """
    if background == "black":
        return picture
    if background == "white":
        return 1 - picture
    edges = (picture[0], picture[-1], picture[1:-1, 0], picture[1:-1, -1])
    ground = np.float32(np.median(np.concatenate([edge.ravel() for edge in edges])))
    away = (picture - ground) / (1 - ground) if ground <= 0.5 else (ground - picture) / ground
    clipped: Floats = np.clip(away, 0, 1)
    return clipped
