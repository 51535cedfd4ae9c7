"""Where a map points: its peak, and a box around what stands out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

#: Times by which a map is enlarged before it is measured: a cell of 32 pixels then has 8 x 8 places.
FINER = 8


def locate(heat: Floats, extent: Floats, width: int, height: int, threshold: float) -> tuple[list[int], list[int]]:
    """Where a thing is, its peak, and how far it reaches, its box.

    Parameters
    ----------
    heat : ndarray
        ``[h, w]``; what is below 0 speaks against the class and does not count.
    extent : ndarray
        A map of any size that the box is measured on; where both are large is the peak. May be the same.
    width, height : int
        Size (pixels) of the frame that it is about.
    threshold : float
        Part of the peak from which on a place belongs to the box.

    Returns
    -------
    peak : list of int
        ``[x, y]`` in pixels of the frame.
    box : list of int
        ``[x, y, w, h]`` around the connected region above the threshold that holds the peak; the whole frame if the map is 0 throughout.
    """
    import cv2

    size = FINER * heat.shape[1], FINER * heat.shape[0]
    fine, reach = (cv2.resize(one.astype(np.float32), size, interpolation=cv2.INTER_CUBIC) for one in (heat, extent))
    top = float(reach.max())
    inside = reach >= threshold * top if top > 0 else np.ones_like(reach, bool)
    y, x = divmod(int(np.where(inside, fine * np.abs(reach), -np.inf).argmax()), size[0])
    across, down = width / size[0], height / size[1]
    peak = [int((x + 0.5) * across), int((y + 0.5) * down)]
    _, regions, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8))
    left, upper, wide, high, _ = stats[regions[y, x]].tolist()
    begin = round(left * across), round(upper * down)
    end = round((left + wide) * across), round((upper + high) * down)
    return peak, [*begin, end[0] - begin[0], end[1] - begin[1]]
