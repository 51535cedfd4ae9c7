"""Synthetic textures without a colour to speak of, to learn from: roads, walls and tables, with marks, shadows and things on them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from rtkit.core.items import Image

#: Largest deviation (0 to 255) of a colour of the whole texture from grey is about three times this.
TINT = 3.0
#: Shares of surfaces that are evenly grey, and of those with things on them.
EVEN_SHARE, FURNISHED_SHARE = 0.15, 0.7
#: Most specks, lines and things on one.
MAX_SPECKS, MAX_LINES, MAX_OBJECTS = 60, 4, 3


def texture(side: int, random: np.random.Generator) -> Image:
    """A road or a wall: nearly grey, unevenly lit, more or less rough. Without such a colorizer takes each for the skin of a tomato.

    Parameters
    ----------
    side : int
        Of the square picture (pixels).
    random : numpy.random.Generator
        Everything comes from it.
    """
    level = 235 * random.uniform(0.05, 1) ** 1.5 + 8  # the darker, the more often: asphalt
    luma = np.full((side, side), level)
    if random.random() > EVEN_SHARE:
        luma += _light_gradient(side, random) + _grain(side, random)
    if random.random() < FURNISHED_SHARE:
        _add_marks_and_objects(luma, random)
    tint = random.normal(0, TINT, 3)
    return np.asarray(np.clip(luma[..., None] + tint, 0, 255), np.uint8)


def _light_gradient(side: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Light that falls off to one side."""
    across, down = random.uniform(-40, 40, 2)
    at = np.linspace(-1, 1, side)
    return np.asarray(across * at + down * at[:, None])


def _grain(side: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Roughness of several sizes."""
    grain = np.zeros((side, side))
    for size in (0.8, 3.0, 15.0):
        rough = cv2.GaussianBlur(random.standard_normal((side, side)), (0, 0), size)
        grain += rough / rough.std() * random.exponential(4)
    return grain


def _add_marks_and_objects(luma: NDArray[np.float64], random: np.random.Generator) -> None:
    """Put specks, painted lines, and things with their shadows on a texture, in place."""
    side = len(luma)

    def point(beyond: float = 0.0) -> tuple[int, int]:
        x, y = random.uniform(-beyond * side, (1 + beyond) * side, 2)
        return int(x), int(y)

    for _ in range(random.integers(MAX_SPECKS)):
        cv2.circle(luma, point(), int(random.integers(0, 2)), random.uniform(0, 255), cv2.FILLED)
    for _ in range(random.integers(MAX_LINES)):
        cv2.line(luma, point(0.2), point(0.2), random.uniform(0, 255), int(random.integers(1, 6)), cv2.LINE_AA)
    for _ in range(random.integers(MAX_OBJECTS + 1)):
        centre, size = point(0.2), side * random.uniform(0.1, 0.6, 2)
        turned = float(random.uniform(0, 180))
        shadow = np.ones_like(luma)
        away = random.uniform(-0.1, 0.1, 2) * side
        cv2.ellipse(shadow, ((centre[0] + away[0], centre[1] + away[1]), tuple(size), turned), random.uniform(0.3, 0.9), cv2.FILLED)
        luma[:] = luma * cv2.GaussianBlur(shadow, (0, 0), random.uniform(1, 8))
        mask = np.zeros_like(luma)
        if random.random() < 0.5:
            cv2.ellipse(mask, (centre, tuple(size), turned), 1.0, cv2.FILLED)
        else:
            corners = cv2.boxPoints((centre, tuple(size), turned))
            cv2.fillConvexPoly(mask, corners.astype(np.int32), 1.0)
        mask[:] = cv2.GaussianBlur(mask, (0, 0), random.uniform(0.6, 1.5))
        shade = random.uniform(0, 255) + _light_gradient(side, random)
        luma[:] = luma + mask * (shade - luma)
