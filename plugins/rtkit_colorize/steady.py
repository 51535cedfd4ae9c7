"""Chroma that does not flicker."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Image
from rtkit.images import Scenes

Floats = NDArray[np.floating[Any]]

#: Change of a place's luma (0 to 255) from one frame to the next from which on its new chroma is taken as it is.
MOVED = 48.0


class Steady:
    """Averages the chroma of each place over time, the less the more its luma changes: what moves takes its colour along.

    A frame of another scene, or of another size, begins anew.
    """

    def __init__(self) -> None:
        self._chroma: Floats | None = None
        self._grey: Floats | None = None
        self._time = 0.0
        self._scenes = Scenes()

    def __call__(self, chroma: Floats, grey: Image, time: float, seconds: float) -> Floats:
        """Take in the chroma ``[y, x, 2]`` of a frame, its luma ``[h, w]`` and its time (s); give the chroma to show.

        Parameters
        ----------
        seconds : float
            Time constant (s); 0 gives the frame's own.
        """
        import cv2

        coarse = np.asarray(cv2.resize(grey, chroma.shape[1::-1], interpolation=cv2.INTER_AREA), np.float32)
        is_new = self._scenes.is_new(grey)
        if is_new or seconds == 0 or self._chroma is None or self._grey is None or self._chroma.shape != chroma.shape:
            self._chroma = chroma.copy()
        else:
            still = -math.expm1(-max(0.0, time - self._time) / seconds)
            moved = (cv2.blur(np.abs(coarse - self._grey), (3, 3)) / MOVED) ** 2  # blurred: what moves changes its outline, not its inside
            self._chroma = self._chroma + np.clip(moved, still, 1)[..., None] * (chroma - self._chroma)
        self._grey, self._time = coarse, time
        return self._chroma
