"""Chroma that does not flicker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Image, read_state
from rtkit.images import TemporalSmoother

Floats = NDArray[np.floating[Any]]

#: Change of a place's luma (grey levels, 0 to 255) from one frame to the next from which on its new chroma is taken as it is.
MOTION_LEVELS = 48.0


class ChromaSmoother:
    """A `TemporalSmoother` for the chroma of each place that follows motion: the more the luma of a place changes, the less it averages.

    So what moves takes its colour along.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self._smoother = TemporalSmoother("chroma")
        self._luma: Floats = np.zeros((0, 0), np.float32)

    def __call__(self, chroma: Floats, grey: Image, time_s: float, time_constant_s: float) -> Floats:
        """Take in the chroma ``[y, x, 2]`` of a frame, its luma ``[h, w]`` and its time (s); give it smoothed, valid until the next.

        Parameters
        ----------
        chroma, grey, time_s
            Of the frame.
        time_constant_s : float
            0 gives the frame's own, and nothing is remembered.
        """
        if time_constant_s == 0:
            self.clear()
            return chroma
        import cv2

        luma = np.asarray(cv2.resize(grey, chroma.shape[1::-1], interpolation=cv2.INTER_AREA), np.float32)
        motion: Floats | None = None
        if luma.shape == self._luma.shape:
            change = cv2.blur(np.abs(luma - self._luma), (3, 3))  # blurred: what moves changes its outline, not its inside
            motion = np.asarray((change / MOTION_LEVELS) ** 2, np.float32)[..., None]
        self._luma = luma
        return self._smoother({"chroma": chroma}, grey, time_s, time_constant_s, motion)["chroma"]

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of the smoothed chroma, the luma of the last frame, its time (s) and its scene; empty where nothing is remembered."""
        return {"luma": self._luma.copy(), **self._smoother.state()} if self._luma.size else {}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            It is no state of a smoother of chroma.
        """
        if not state:
            self.clear()
            return
        luma = read_state("colorize", {"luma": (None, None)}, state)["luma"]
        self._smoother.load_state(state, {"chroma": (*luma.shape, 2)})
        self._luma = luma
