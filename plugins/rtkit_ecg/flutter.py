"""Ventricular flutter and fibrillation: a signal that is one wave and no beats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Seconds of signal that are looked at, once a second.
SPAN_S = 4.0
#: Periods (s) of the wave.
MIN_PERIOD_S, MAX_PERIOD_S = 0.12, 0.42
#: Share of the signal that is left when it is added to itself half a period later; 0 for a pure wave.
MAX_LEAKAGE = 0.42


def is_flutter(x: NDArray[np.floating[Any]], rate: float) -> bool:
    """Whether the last seconds ``[n]`` (mV at `rate`) look like ventricular flutter or fibrillation.

    The measure is the leakage of the VF filter: S. Kuo, R. Dillman, "Computer detection of ventricular fibrillation", Computers in
    Cardiology (1978). The wave must also have no flat stretches, as there are between the beats of even a fast rhythm.
    """
    step = max(1, round(rate / 125))
    x = x[: len(x) // step * step].reshape(-1, step).mean(axis=1)
    rate = rate / step
    width = max(1, round(0.5 * rate))
    level = np.convolve(x, np.ones(2 * width + 1) / (2 * width + 1), "valid")
    x = x[width:-width] - level
    total, moved = float(np.abs(x).sum()), float(np.abs(np.diff(x)).sum())
    if moved <= 0:
        return False
    half = int(np.pi * total / moved + 0.5)
    if not MIN_PERIOD_S <= 2 * half / rate <= MAX_PERIOD_S:
        return False
    leakage = np.abs(x[half:] + x[:-half]).sum() / (np.abs(x[half:]) + np.abs(x[:-half])).sum()
    return bool(leakage < MAX_LEAKAGE)
