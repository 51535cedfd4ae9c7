"""Temporal smoothing: what is seen in frames, averaged over time, and begun anew where the scene changes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import InputError
from rtkit.core.items import Image
from rtkit.core.processor import read_state
from rtkit.video.scene import Scenes

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
        self._means: dict[str, Floats] = {}
        self._time_s = 0.0
        self._scenes = Scenes()

    def __call__(
        self, values: Mapping[str, Floats], image: Image, time_s: float, time_constant_s: float, motion: Floats | None = None
    ) -> dict[str, Floats]:
        """Take in the arrays of a frame, and give the smoothed ones, valid until the next call.

        Parameters
        ----------
        values : dict of str to ndarray
            Of this frame, by name; copied.
        image : ndarray
            The frame, for scene cuts.
        time_s : float
            Of the frame (s).
        time_constant_s : float
            0 gives the frame's own.
        motion : ndarray, optional
            Of a shape that fits the arrays: the least weight of the frame's own values at each place, from 1 on they are taken as they are.
        """
        is_new = self._scenes.is_new(image)
        shapes = {name: mean.shape for name, mean in self._means.items()}
        if is_new or time_constant_s == 0 or shapes != {name: value.shape for name, value in values.items()}:
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
        """The smoothed arrays (empty before the first frame), the time (s) and the scene of the last frame."""
        means = {name: self._means.get(name, np.zeros(0, np.float32)) for name in self._names}
        return {**means, "time": np.array(self._time_s), **self._scenes.state()}

    def load_state(self, state: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]] | None = None) -> None:
        """Put back what `state` gave.

        Parameters
        ----------
        state : dict of str to ndarray
            As `state` gave it.
        shapes : dict of str to tuple of int, optional
            What the arrays of some names must have.

        Raises
        ------
        InputError
            An array is missing or of another shape; nothing is changed then.
        """
        time_s = read_state("temporal smoothing", {"time": ()}, state)["time"]
        for name in self._names:
            if name not in state:
                raise InputError(f"state: has no {name}")
        for name, shape in (shapes or {}).items():
            if state[name].size and state[name].shape != shape:
                raise InputError(f"state: {name} should have shape {shape}, found {state[name].shape}")
        self._scenes.load_state(state)
        self._time_s = float(time_s)
        self._means = {name: state[name].copy() for name in self._names if state[name].size}
