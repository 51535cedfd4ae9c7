"""What a network saw, steadied over time, and begun anew where the scene changes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Image
from rtkit.images import Scenes

Floats = NDArray[np.floating[Any]]


class Steady:
    """Smooths logits and features with one time constant.

    The map of a class is linear in the features, so the law that ties it to the logit holds for the smoothed ones, too.
    """

    def __init__(self) -> None:
        self._logits: Floats | None = None
        self._features: Floats | None = None
        self._time = 0.0
        self._scenes = Scenes()

    def __call__(self, logits: Floats, features: Floats, image: Image, time: float, seconds: float) -> tuple[Floats, Floats]:
        """Take in what was seen in a frame, and give the smoothed logits ``[K]`` and features ``[C, h, w]``.

        Parameters
        ----------
        logits, features : ndarray
            Of this frame; copied.
        image : ndarray
            The frame.
        time : float
            Of the frame (s).
        seconds : float
            Time constant (s).
        """
        if self._scenes.is_new(image) or self._logits is None or self._features is None or self._features.shape != features.shape:
            self._logits, self._features = logits.copy(), features.copy()
        else:
            weight = -math.expm1(-max(0.0, time - self._time) / seconds)
            self._logits += weight * (logits - self._logits)
            self._features += weight * (features - self._features)
        self._time = time
        return self._logits, self._features
