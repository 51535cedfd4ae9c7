"""The kernel of the rule `sanger`: the generalised Hebbian algorithm."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_pca.centring import FAST, FILLED, SEEN, centre, weight_of
from rtkit_pca.incremental import project
from rtkit_pca.vectors import AMNESIA, begin, move, respond


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def learn(
    rows: NDArray[Any],
    mean: NDArray[np.float64],
    counts: NDArray[np.int64],
    levels: NDArray[np.float64],
    floor: float,
    vectors: NDArray[np.float32],
    variances: NDArray[np.float64],
) -> None:
    """Learn from some rows ``[n, d]``.

    w_j ← w_j + α_j y_j (u - Σ_{i ≤ j} y_i w_i) with y = W u. Each unit's step α_j is the weight of the row divided by the variance of
    y_j, so that the gain of the rows does not matter and weak components learn at the pace of strong ones.

    Parameters
    ----------
    rows, mean, counts, levels, floor
        As of `rtkit_pca.centring.centre`.
    vectors : ndarray
        Float32 ``[k, d]``, the weights W; there are ``counts[FILLED]`` of them.
    variances : ndarray
        Float64 ``[k]``, of y.
    """
    row, along = np.empty(mean.size, np.float32), np.empty(len(variances), np.float32)
    for n in range(rows.shape[0]):
        length = centre(rows[n], mean, counts, levels, row, floor)
        if length < 0:
            continue
        weight = weight_of(counts[SEEN], AMNESIA, floor)
        variances *= 1 - weight
        if length == 0:
            continue
        power = weight * length * length
        project(vectors, counts[FILLED], row, along)
        for j in range(counts[FILLED]):
            variances[j] += power * along[j] * along[j]
            move(row, vectors[j], 1.0, -along[j])
            if variances[j] > 0:
                _, square, own = respond(vectors[j], row)
                step = power / variances[j] * along[j]
                size = np.sqrt(own + step * step * square)
                move(vectors[j], row, 1 / size, step / size)
        begin(row, power, counts, vectors, variances)
