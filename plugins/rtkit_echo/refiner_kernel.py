"""Kernel: what the network that refines the suppressor's gains is told, and what its answer does to them.

Frequencies are seen through overlapping triangles, narrow below and wide above. All that is told are ratios of powers: the level of a
recording does not matter.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_echo.kalman_kernel import Floats
from rtkit_echo.suppressor_kernel import FLOOR, TRUE

#: Share of its frequency that a band is wide.
WIDE = 0.125
#: Ratios of powers that are told for each band, and numbers that are told besides.
RATIOS, BESIDES = 5, 2
#: Powers below this (of a spectrum of samples of ±1) are as good as none; ratios are told up to e to the power of so much, scaled.
FAINT, MOST, SCALE = 1e-9, 15.0, 0.2
#: Gains are refined as odds, and to have odds they must be so far from 0 and 1.
AWAY = 1e-3
#: The answer counts by so much: its levels are best as they are, but a talker sounds better that is changed less.
TRUST = 0.6


def centres(bins: int) -> NDArray[np.int64]:
    """The bins in which the triangles have their peaks."""
    found = [1]
    while found[-1] < bins - 1:
        found.append(min(found[-1] + max(1, round(WIDE * found[-1])), bins - 1))
    return np.array(found)


def triangles(bins: int) -> tuple[NDArray[np.int64], Floats]:
    """For each bin the lower of its two bands, and the share ``[bins]`` of the upper one."""
    middles = centres(bins)
    place = np.clip(np.searchsorted(middles, np.arange(bins), "right") - 1, 0, len(middles) - 2)
    share = (np.arange(bins) - middles[place]) / np.diff(middles)[place]
    return place, np.clip(share, 0, 1).astype(np.float32)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def describe(
    real: Floats,
    imaginary: Floats,
    floor: Floats,
    known: Floats,
    expected: Floats,
    gain: Floats,
    talk: Floats,
    notes: NDArray[np.int64],
    place: NDArray[np.int64],
    share: Floats,
    out: Floats,
) -> None:
    """Fill `out` ``[blocks, features]``.

    Parameters
    ----------
    real, imaginary : ndarray
        Float32 ``[blocks, bins, 2]``: spectra of error and echo.
    floor, known, expected, gain : ndarray
        Float32 ``[blocks, bins]``: the noise, the residual echo by the learned leak and by the filter's doubt, and the rule's gain.
    talk, notes : ndarray
        ``[blocks]``: how far the rule believes in a talker; 0 where the far end is silent.
    place, share : ndarray
        As `triangles` gives them.
    """
    bins, bands = place.size, (out.shape[1] - BESIDES) // RATIOS
    sums = np.empty((bands, RATIOS + 1))
    for block in range(out.shape[0]):
        sums[:] = FAINT
        for k in range(bins):
            power = real[block, k, 0] ** 2 + imaginary[block, k, 0] ** 2
            echo = real[block, k, 1] ** 2 + imaginary[block, k, 1] ** 2
            values = (power, floor[block, k], known[block, k], np.float32(TRUE) * expected[block, k], echo, power * gain[block, k] ** 2)
            for side in range(2):
                weight = share[k] if side else 1 - share[k]
                for value in range(RATIOS + 1):
                    sums[place[k] + side, value] += weight * values[value]
        for band in range(bands):
            for ratio in range(RATIOS):
                told = np.log(sums[band, 0] / sums[band, ratio + 1])
                out[block, band * RATIOS + ratio] = SCALE * min(max(told, -MOST), MOST)
        out[block, bands * RATIOS] = talk[block]
        out[block, bands * RATIOS + 1] = 1 if notes[block] > 0 else 0


@numba.njit(nogil=True, cache=True, error_model="numpy")
def refine(gain: Floats, answer: Floats, talk: Floats, place: NDArray[np.int64], share: Floats) -> None:
    """Change gains ``[blocks, bins]`` by what the network answered ``[blocks, bands]``: the logarithm of a factor to their odds.

    Where a talker is believed in (`talk` ``[blocks]``), the least gain is that of the rule.
    """
    for block in range(gain.shape[0]):
        least = np.float32(FLOOR) * talk[block]
        for k in range(place.size):
            told = answer[block, place[k]] * (1 - share[k]) + answer[block, place[k] + 1] * share[k]
            before = min(max(gain[block, k], np.float32(AWAY)), np.float32(1 - AWAY))
            gain[block, k] = max(least, 1 / (1 + (1 - before) / before * np.exp(np.float32(-TRUST) * told)))
