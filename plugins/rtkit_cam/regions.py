"""Where a map points: its peak, and a box around what stands out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Times by which a map is enlarged before it is measured: a cell of 32 pixels then has 16 x 16 places.
FINER = 16


def locate(heat: NDArray[np.floating[Any]], width: int, height: int, threshold: float) -> tuple[list[int], list[int]]:
    """Peak and box of a map.

    Parameters
    ----------
    heat : ndarray
        ``[h, w]``; what is below 0 speaks against the class and does not count.
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

    rows, columns = heat.shape
    fine = cv2.resize(heat.astype(np.float32), (FINER * columns, FINER * rows), interpolation=cv2.INTER_CUBIC)
    place = int(fine.argmax())
    top = float(fine.flat[place])
    across, down = width / fine.shape[1], height / fine.shape[0]
    y, x = divmod(place, fine.shape[1])
    peak = [int((x + 0.5) * across), int((y + 0.5) * down)]
    if not top > 0:
        return peak, [0, 0, width, height]
    _, regions, stats, _ = cv2.connectedComponentsWithStats((fine >= threshold * top).astype(np.uint8))
    left, upper, wide, high, _ = stats[regions[y, x]].tolist()
    begin = round(left * across), round(upper * down)
    end = round((left + wide) * across), round((upper + high) * down)
    return peak, [*begin, end[0] - begin[0], end[1] - begin[1]]
