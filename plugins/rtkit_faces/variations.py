"""Faces as they might have been seen: moved a little, and in other light."""

from __future__ import annotations

import numpy as np

from rtkit import Image
from rtkit.images import opencv
from rtkit_faces.normalising import HIGH, WIDE

#: How far a face is moved (its width), turned (degrees), and made larger or smaller, at most.
SHIFT, TURN, GROW = 0.025, 4.0, 0.05
#: How strong the light from a side is: the logarithm of what it does to a pixel at the edge, at most.
LIGHT = 1.0


def vary(face: Image, random: np.random.Generator, lit: bool) -> Image:
    """One variation of an upright face ``[HIGH, WIDE]``; with light from a side, if `lit`."""
    cv2 = opencv()
    move = cv2.getRotationMatrix2D((WIDE / 2, HIGH / 2), random.uniform(-TURN, TURN), 1 + random.uniform(-GROW, GROW))
    move[:, 2] += random.uniform(-SHIFT, SHIFT, 2) * WIDE
    moved = cv2.warpAffine(face, move, (WIDE, HIGH), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if not lit:
        return np.asarray(moved, np.uint8)
    towards, strength = random.uniform(0, 2 * np.pi), random.uniform(0, LIGHT)
    across, down = np.linspace(-1, 1, WIDE), np.linspace(-1, 1, HIGH)[:, None]
    light = np.exp(strength * (np.cos(towards) * across + 0.5 * np.sin(towards) * down))
    return np.asarray(np.clip(moved * light, 0, 255), np.uint8)


def variations(face: Image, count: int, seed: int = 0) -> list[Image]:
    """The face itself and so many variations, every second one in other light; the same each time."""
    random = np.random.default_rng(seed)
    return [face, *(vary(face, random, number % 2 == 1) for number in range(count))]
