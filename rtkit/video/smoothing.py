"""Temporal smoothing: what is seen in frames, averaged over time, and begun anew where the scene changes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.core.items import Image
from rtkit.core.processor import read_state
from rtkit.video.scene import SceneCutDetector

Floats = NDArray[np.floating[Any]]


def smoothing_weight(elapsed_s: float, time_constant_s: float) -> float:
    """Weight of the newest value in exponential smoothing, 0 to 1, so much time after the one before it; time constant above 0."""
    return -math.expm1(-max(0.0, elapsed_s) / time_constant_s)


class TemporalSmoother:
    """Exponential smoothing of several arrays with one time constant.

    It is linear, so what is linear in the arrays, as the map of a class and its logit, may be computed from the smoothed ones. A frame of
    another scene, or arrays of another shape, begin anew.

    Parameters
    ----------
    *names : str
        Of the arrays.
    """

    def __init__(self, *names: str) -> None:
        self._names = names
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self._means: dict[str, Floats] = {}
        self._time_s = 0.0
        self._scenes = SceneCutDetector()

    def __call__(
        self, values: Mapping[str, Floats], image: Image, time_s: float, time_constant_s: float, motion: Floats | None = None
    ) -> dict[str, Floats]:
        """Take in the arrays of a frame, and give the smoothed ones; those are valid until the next call.

        Parameters
        ----------
        values : dict of str to ndarray
            Of this frame, by name; not kept.
        image : ndarray
            The frame, for scene cuts.
        time_s : float
            Of the frame (s).
        time_constant_s : float
            0 gives the frame's own arrays, and nothing is remembered.
        motion : ndarray, optional
            Of a shape that fits the arrays: the least weight of the frame's own values at each place, from 1 on they are taken as they are.
        """
        if time_constant_s == 0:
            self.clear()
            return dict(values)
        is_new = self._scenes.is_new(image)
        shapes = {name: mean.shape for name, mean in self._means.items()}
        if is_new or shapes != {name: value.shape for name, value in values.items()}:
            self._means = {name: value.copy() for name, value in values.items()}
        else:
            weight: Any = smoothing_weight(time_s - self._time_s, time_constant_s)
            if motion is not None:
                weight = np.clip(motion, weight, 1)
            for name, value in values.items():
                self._means[name] += weight * (value - self._means[name])
        self._time_s = time_s
        return self._means

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of the smoothed arrays, the time (s) and the scene of the last frame; empty where nothing is remembered."""
        if not self._means:
            return {}
        own = {**self._means, "time": np.array(self._time_s), **self._scenes.state()}
        return {name: array.copy() for name, array in own.items()}

    def load_state(self, state: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int | None, ...]]) -> None:
        """Put back what `state` gave.

        Parameters
        ----------
        state : dict of str to ndarray
            As `state` gave it.
        shapes : dict of str to tuple of int
            That the arrays must have, None for any size.

        Raises
        ------
        InputError
            An array is missing or of another shape; nothing is changed then.
        """
        if not state:
            self.clear()
            return
        own = read_state("temporal smoothing", {**{name: shapes[name] for name in self._names}, "time": ()}, state)
        self._scenes.load_state(state)
        self._time_s = float(own.pop("time"))
        self._means = own
