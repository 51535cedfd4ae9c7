"""The kernel that all rules begin with: check a row, move the mean, and give what the row adds to the covariance."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Singles: TypeAlias = NDArray[np.float32]

#: Values beyond this are no more measured than NaN is; products of them would overflow. It is 10³⁰ as single precision has it.
MAX_MAGNITUDE = float(np.float32(1e30))
# places in `counts`
SEEN, SKIPPED, FILLED = range(3)
COUNTS = 3
# places in `levels`: the total variance, and the weight of the newest row
TOTAL, WEIGHT = range(2)
LEVELS = 2

#: Sums may be reordered; NaN and Inf still count.
FAST = {"reassoc", "contract", "nsz"}


class Statistics(NamedTuple):
    """What every rule keeps of the rows up to now, and how it weighs them.

    Parameters
    ----------
    mean : ndarray
        Float64 ``[d]``.
    counts : ndarray
        Int64 ``[COUNTS]``: rows seen and skipped, and vectors filled, at the places named above.
    levels : ndarray
        Float64 ``[LEVELS]``: the total variance, and the weight of the newest row.
    floor : float
        Least weight of a row, so that the past is forgotten; 0 if all rows are to count alike.
    """

    mean: Floats
    counts: NDArray[np.int64]
    levels: Floats
    floor: float


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def weight_of(seen: int, amnesia: float, floor: float) -> float:
    """Weight of the newest of so many rows: (1 + amnesia) times that of a plain mean, but 1 for the first; no less than `floor`."""
    return max((1 + amnesia) / (seen + amnesia), floor)


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def centre(row: NDArray[Any], statistics: Statistics, unit: Singles) -> float:
    """Move the mean by a row, and leave in `unit` the direction, of length 1, in which it widens the covariance; gives by how much.

    With the weight w of the newest row and δ its difference from the mean before, mean ← mean + w δ, and the covariance *about the mean
    of all rows up to now* is C ← (1 - w) C + w u uᵀ with u = √(1 - w) δ, exactly (B. P. Welford, Technometrics 4, 1962, with weights).
    A rule that learns from u has thus nothing to forget of the wrong mean that it began with.

    Parameters
    ----------
    row : ndarray
        ``[d]``.
    statistics : Statistics
        Brought up to date.
    unit : ndarray
        Float32 ``[d]``, filled with u / ‖u‖; not if ‖u‖ is 0.

    Returns
    -------
    float
        ‖u‖; -1 for a row with a value that is not finite or beyond `MAX_MAGNITUDE`, which is counted and nothing else.
    """
    mean, counts, levels, floor = statistics
    good = True
    for i in range(row.size):
        good &= abs(row[i]) <= MAX_MAGNITUDE  # NaN is not
    if not good:
        counts[SKIPPED] += 1
        return -1.0
    counts[SEEN] += 1
    weight = weight_of(counts[SEEN], 0.0, floor) if counts[SEEN] > 1 else 1.0
    square = 0.0
    for i in range(row.size):
        difference = np.float64(row[i]) - mean[i]
        square += difference * difference
    levels[WEIGHT] = weight
    levels[TOTAL] = (1 - weight) * (levels[TOTAL] + weight * square)
    scale = 1 / np.sqrt(square) if square > 0 else 0.0
    for i in range(row.size):
        difference = np.float64(row[i]) - mean[i]
        mean[i] += weight * difference
        unit[i] = np.float32(difference * scale)
    return float(np.sqrt((1 - weight) * square))
