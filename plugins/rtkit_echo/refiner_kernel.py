"""Kernel: the features of the network that refines the suppressor's gains, and what its output does to them.

Frequencies are seen through overlapping triangles, narrow below and wide above. All features are ratios of powers: the level of a
recording does not matter.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_echo.kalman_kernel import Floats
from rtkit_echo.suppressor_kernel import GAIN_FLOOR, RESIDUAL_SHARE

#: Width of a band, as a share of its frequency.
BAND_WIDTH = 0.125
#: Features: ratios of powers for each band, and numbers besides.
RATIOS, EXTRAS = 5, 2
#: Powers below this (of a spectrum of samples of ±1) are as good as none; logarithms of ratios are clipped at ± so much, and scaled.
POWER_FLOOR, MAX_LOG_RATIO, FEATURE_SCALE = 1e-9, 15.0, 0.2
#: Gains are refined as odds (logits); to have odds they must be so far from 0 and 1.
ODDS_MARGIN = 1e-3
#: Weight of the network's output: levels are best at 1, but a talker sounds better that is changed less.
REFINEMENT_WEIGHT = 0.6


def centres(bins: int) -> NDArray[np.int64]:
    """The bins in which the triangles have their peaks."""
    found = [1]
    while found[-1] < bins - 1:
        found.append(min(found[-1] + max(1, round(BAND_WIDTH * found[-1])), bins - 1))
    return np.array(found)


def triangles(bins: int) -> tuple[NDArray[np.int64], Floats]:
    """For each bin the lower of its two bands, and the share ``[bins]`` of the upper one."""
    middles = centres(bins)
    place = np.clip(np.searchsorted(middles, np.arange(bins), "right") - 1, 0, len(middles) - 2)
    share = (np.arange(bins) - middles[place]) / np.diff(middles)[place]
    return place, np.clip(share, 0, 1).astype(np.float32)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def extract(
    real: Floats,
    imaginary: Floats,
    noise: Floats,
    residual_by_leak: Floats,
    expected: Floats,
    gain: Floats,
    double_talk: Floats,
    activity: NDArray[np.int64],
    place: NDArray[np.int64],
    share: Floats,
    out: Floats,
) -> None:
    """Fill `out` ``[blocks, features]``.

    Parameters
    ----------
    real, imaginary : ndarray
        Float32 ``[blocks, bins, 2]``: spectra of error and echo.
    noise, residual_by_leak, expected, gain : ndarray
        Float32 ``[blocks, bins]``: the noise, the residual echo by the learned leak and by the filter's error variance, the rule's gain.
    double_talk, activity : ndarray
        ``[blocks]``: probability of double talk; 0 where the far end is silent.
    place, share : ndarray
        As `triangles` gives them.
    """
    bins, bands = place.size, (out.shape[1] - EXTRAS) // RATIOS
    sums = np.empty((bands, RATIOS + 1))
    for block in range(out.shape[0]):
        sums[:] = POWER_FLOOR
        for k in range(bins):
            power = real[block, k, 0] ** 2 + imaginary[block, k, 0] ** 2
            echo = real[block, k, 1] ** 2 + imaginary[block, k, 1] ** 2
            values = (
                power,
                noise[block, k],
                residual_by_leak[block, k],
                np.float32(RESIDUAL_SHARE) * expected[block, k],
                echo,
                power * gain[block, k] ** 2,
            )
            for side in range(2):
                weight = share[k] if side else 1 - share[k]
                for value in range(RATIOS + 1):
                    sums[place[k] + side, value] += weight * values[value]
        for band in range(bands):
            for ratio in range(RATIOS):
                log_ratio = np.log(sums[band, 0] / sums[band, ratio + 1])
                out[block, band * RATIOS + ratio] = FEATURE_SCALE * min(max(log_ratio, -MAX_LOG_RATIO), MAX_LOG_RATIO)
        out[block, bands * RATIOS] = double_talk[block]
        out[block, bands * RATIOS + 1] = 1 if activity[block] > 0 else 0


@numba.njit(nogil=True, cache=True, error_model="numpy")
def refine(gain: Floats, answer: Floats, double_talk: Floats, place: NDArray[np.int64], share: Floats) -> None:
    """Change gains ``[blocks, bins]`` by the network's output ``[blocks, bands]``: the logarithm of a factor to their odds.

    In double talk (probability `double_talk` ``[blocks]``), the least gain is that of the rule.
    """
    for block in range(gain.shape[0]):
        least = np.float32(GAIN_FLOOR) * double_talk[block]
        for k in range(place.size):
            log_factor = answer[block, place[k]] * (1 - share[k]) + answer[block, place[k] + 1] * share[k]
            before = min(max(gain[block, k], np.float32(ODDS_MARGIN)), np.float32(1 - ODDS_MARGIN))
            gain[block, k] = max(least, 1 / (1 + (1 - before) / before * np.exp(np.float32(-REFINEMENT_WEIGHT) * log_factor)))
