"""What the rule of the residual echo suppressor hands to the network that refines its gains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtkit_echo.kalman_kernel import Floats


@dataclass(frozen=True, slots=True)
class BlockSpectra:
    """Spectra of some blocks, and what the rule makes of them.

    Parameters
    ----------
    real, imaginary : ndarray
        Float32 ``[blocks, bins, 2]``: of error and echo.
    noise, residual_by_leak, expected : ndarray
        Float32 ``[blocks, bins]``: power of the noise, and of the residual echo by the learned leak and by the filter's error variance.
    double_talk : ndarray
        Float32 ``[blocks]``: probability of double talk (0 to 1).
    activity : ndarray
        As of `rtkit_echo.linear.LinearStageOutput`.
    gain : ndarray
        Float32 ``[blocks, bins]``: what the rule lets pass; may be changed.
    """

    real: Floats
    imaginary: Floats
    noise: Floats
    residual_by_leak: Floats
    expected: Floats
    double_talk: Floats
    activity: NDArray[np.int64]
    gain: Floats
