"""Heartbeats that come one a row, cut out by somebody else: normal or abnormal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Samples of a heartbeat as the network takes it; a row may hold a label behind them.
BEAT_SAMPLES = 140


class HeartbeatClassifier:
    """The network that tells a normal heartbeat from an abnormal one, from its samples alone (model ``heartbeat``)."""

    def __init__(self) -> None:
        from rtkit.models import load

        self._model = load("heartbeat")

    def __call__(self, row: NDArray[np.floating[Any]]) -> tuple[str, float] | None:
        """Class and probability of a heartbeat ``[140 or 141]`` in any unit; None if a sample is missing or all are the same."""
        beat = row[:BEAT_SAMPLES].astype(np.float64)
        if not np.isfinite(beat).all() or np.ptp(beat) == 0:
            return None
        beat = (beat - beat.mean()) / beat.std()
        abnormal = float(self._model.run({self._model.inputs[0].name: beat.astype(np.float32)[None, :, None]})[0].ravel()[0])
        return ("abnormal", abnormal) if abnormal >= 0.5 else ("normal", 1 - abnormal)
