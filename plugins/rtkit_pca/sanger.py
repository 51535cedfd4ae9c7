"""The kernel of the rule `sanger`: the generalised Hebbian algorithm."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_pca.centring import FAST, FILLED, SEEN, Floats, Singles, Statistics, centre, weight_of
from rtkit_pca.gain import factorise, gather, innovate
from rtkit_pca.vectors import AMNESIA, begin, move, project, respond


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def learn(
    rows: NDArray[Any],
    statistics: Statistics,
    vectors: Singles,
    variances: Floats,
    moments: Floats,
) -> None:
    """Learn from some rows ``[n, d]``.

    w_j ← w_j + α_j ỹ_j (u - Σ_{i ≤ j} y_i w_i) with y = W u. The Hebbian factor ỹ_j is y_j less what y_1 … y_{j-1} tell of it, and the step
    α_j the weight of the row divided by the variance of ỹ_j: the gain of the rows does not matter, weak components learn at the pace of
    strong ones, and what a weak one has of a strong one does not shake it. With y_j itself, a step that suits the tenth component of
    pictures is unstable along the first. Each w_j is then brought back to length 1, so that no step, however large, makes it grow.

    Parameters
    ----------
    rows : ndarray
        In single or double precision.
    statistics : Statistics
        Of the rows; brought up to date.
    vectors : ndarray
        Float32 ``[k, d]``, the weights W; there are ``counts[FILLED]`` of them.
    variances, moments : ndarray
        Float64 ``[k]`` and ``[k, k]``, of y.
    """
    mean, counts, _, floor = statistics
    row, factor = np.empty(mean.size, np.float32), np.empty(moments.shape)
    along, gain = np.empty(len(variances), np.float32), np.empty(len(variances))
    for n in range(rows.shape[0]):
        length = centre(rows[n], statistics, row)
        if length < 0:
            continue
        weight = weight_of(counts[SEEN], AMNESIA, floor)
        moments *= 1 - weight
        if length > 0:
            power, filled = weight * length * length, counts[FILLED]
            project(vectors, filled, row, along)
            gather(moments, filled, power, along)
            trace = factorise(moments, filled, factor)
            if trace > 0:
                innovate(factor, filled, along, gain)
                for j in range(filled):
                    move(row, vectors[j], 1.0, -along[j])
                    product, square, own = respond(vectors[j], row)
                    step = power / trace * gain[j] / factor[j, j]
                    size = np.sqrt(max(own + step * step * square + 2 * step * product, 0.0))
                    if size > 0:
                        move(vectors[j], row, 1 / size, step / size)
            if begin(row, power, counts, vectors, variances):
                moments[filled, filled] = variances[filled]
        for j in range(counts[FILLED]):
            variances[j] = moments[j, j]
