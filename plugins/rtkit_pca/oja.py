"""The kernel of the rule `oja`: the subspace rule."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_pca.centring import FAST, FILLED, SEEN, centre, weight_of
from rtkit_pca.incremental import project, take_away
from rtkit_pca.vectors import AMNESIA, begin, move


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def learn(
    rows: NDArray[Any],
    mean: NDArray[np.float64],
    counts: NDArray[np.int64],
    levels: NDArray[np.float64],
    floor: float,
    vectors: NDArray[np.float32],
    variances: NDArray[np.float64],
    moments: NDArray[np.float64],
) -> None:
    """Learn from some rows ``[n, d]``.

    W ← W + α y eᵀ with y = W u and e = u - Wᵀ y. The step α is the weight of the row divided by the least variance of a unit, so that
    the gain of the rows does not matter; it is bounded by the energy of the row.

    Parameters
    ----------
    rows, mean, counts, levels, floor
        As of `rtkit_pca.centring.centre`.
    vectors : ndarray
        Float32 ``[k, d]``, the weights W; there are ``counts[FILLED]`` of them.
    variances, moments : ndarray
        Float64 ``[k]`` and ``[k, k]``, of y.
    """
    row, before = np.empty(mean.size, np.float32), np.empty(mean.size, np.float32)
    along = np.empty(len(variances), np.float32)
    for n in range(rows.shape[0]):
        length = centre(rows[n], mean, counts, levels, row, floor)
        if length < 0:
            continue
        weight = weight_of(counts[SEEN], AMNESIA, floor)
        moments *= 1 - weight
        if length > 0:
            power, filled = weight * length * length, counts[FILLED]
            project(vectors, filled, row, along)
            before[:] = row
            left = take_away(vectors, filled, row, along)
            for i in range(filled):
                for j in range(filled):
                    moments[i, j] += power * along[i] * along[j]
            least = np.inf
            for j in range(filled):
                least = min(least, moments[j, j])
            energy = 0.0
            for j in range(filled):
                energy += along[j] * along[j]
            if least > 0 and energy > 0:
                step = power / least
                size = np.sqrt(1 + step * step * energy * left)
                move(before, row, (1 / size - 1) / energy, step / size - (1 / size - 1) / energy)
                for j in range(filled):
                    move(vectors[j], before, 1.0, along[j])
            if begin(row, power, counts, vectors, variances):
                moments[filled, filled] = variances[filled]
        for j in range(counts[FILLED]):
            variances[j] = moments[j, j]
