"""Pictures of latents: panels on a frame, the map, and sheets of pictures that a decoder makes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Image
from rtkit_vae.elbo import Floats
from rtkit_vae.reference import MAP_EXTENT

#: A panel has this share of the frame's shorter side; those with a smaller side (pixels) are not drawn.
PANEL_SHARE, MIN_PANEL_SIDE = 0.25, 14
#: How many times as large sheets show a picture.
ENLARGED = 2
WHITE = (255, 255, 255)


def as_bytes(picture: Floats) -> NDArray[np.uint8]:
    """0 to 1 as 0 to 255."""
    return np.asarray((picture * 255).round(), np.uint8)


def beside(image: Image, seen: Floats, made: Floats) -> None:
    """Lay the network's picture and its reconstruction, ``[h, w, 1]`` of 0 to 1, into the lower left corner of a frame, in place."""
    import cv2

    side = _panel(image)
    if side:
        pair = np.concatenate([as_bytes(seen), as_bytes(made)], axis=1)[..., 0]
        large = cv2.resize(pair, (2 * side, side), interpolation=cv2.INTER_NEAREST)
        image[-side:, : 2 * side] = large[..., None]


def place(image: Image, plane: Image, z: Floats) -> None:
    """Lay the map into the lower right corner of a frame with a mark at the latent ``[2]``, in place."""
    import cv2

    side = _panel(image)
    if side:
        panel = np.asarray(cv2.resize(plane, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
        at = [round(float(value)) for value in np.clip(on_map(z, side), 0, side - 1)]
        size = max(5, side // 8)
        for ink, thick in (((0, 0, 0), 3), (WHITE, 1)):
            cv2.drawMarker(panel, at, ink, cv2.MARKER_TILTED_CROSS, size, thick)
        image[-side:, -side:] = panel


def _panel(image: Image) -> int:
    """Side of a panel (pixels), 0 if there is no room for any."""
    side = int(PANEL_SHARE * min(image.shape[:2]))
    return side if side >= MIN_PANEL_SIDE else 0


def on_map(z: Floats, side: int) -> Floats:
    """Places (x, y) of latents ``[…, 2]`` on a map of that side (pixels)."""
    places: Floats = (np.stack([z[..., 0], -z[..., 1]], axis=-1) / MAP_EXTENT + 1) * (side / 2) - 0.5
    return places


def sheet(pictures: Floats, across: int) -> Image:
    """Pictures ``[n, h, w, 1]`` of 0 to 1 in rows of `across`, black where there are fewer, enlarged."""
    count, high, wide = pictures.shape[:3]
    down = -(-count // across)
    filled = np.zeros((down * across, high, wide), np.uint8)
    filled[:count] = as_bytes(pictures[..., 0])
    rows = filled.reshape(down, across, high, wide).transpose(0, 2, 1, 3).reshape(down * high, across * wide)
    return np.repeat(np.repeat(rows, ENLARGED, axis=0), ENLARGED, axis=1)


def manifold(count: int) -> NDArray[np.float32]:
    """Latents ``[count², 2]`` in rows from the upper left, in the middles of as many parts of the plane that are equally likely."""
    from statistics import NormalDist

    steps = [NormalDist().inv_cdf((number + 0.5) / count) for number in range(count)]
    x, y = np.meshgrid(steps, steps[::-1])
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def between(one: Floats, other: Floats, count: int) -> NDArray[np.float32]:
    """Latents ``[count, d]`` on the way from one to another ``[d]``, both included."""
    shares: NDArray[Any] = np.linspace(0, 1, count)[:, None]
    return np.asarray((1 - shares) * one + shares * other, np.float32)
