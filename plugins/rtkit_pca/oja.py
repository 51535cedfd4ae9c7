"""The kernel of the rule `oja`: the subspace rule."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_pca.centring import FAST, FILLED, SEEN, Floats, Singles, Statistics, centre, weight_of
from rtkit_pca.gain import factorise, gather, innovate, substitute
from rtkit_pca.vectors import AMNESIA, begin, move, project, take_away


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def learn(
    rows: NDArray[Any],
    statistics: Statistics,
    vectors: Singles,
    variances: Floats,
    moments: Floats,
) -> None:
    """Learn from some rows ``[n, d]``.

    W ← W + α y eᵀ with y = W u and e = u - Wᵀ y. The step α is the weight of the row times the inverse of the covariance of y, so that
    the gain of the rows does not matter and weak directions learn at the pace of strong ones (B. Yang, "Projection approximation
    subspace tracking", IEEE Transactions on Signal Processing 43, 1995). W is then made orthonormal again as it was before, which is a
    change of rank one, so that no step, however large, makes it grow.

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
    row, turn = np.empty(mean.size, np.float32), np.empty(mean.size, np.float32)
    along, gain, factor = np.empty(len(variances), np.float32), np.empty(len(variances)), np.empty(moments.shape)
    for n in range(rows.shape[0]):
        length = centre(rows[n], statistics, row)
        if length < 0:
            continue
        weight = weight_of(counts[SEEN], AMNESIA, floor)
        moments *= 1 - weight
        if length > 0:
            power, filled = weight * length * length, counts[FILLED]
            project(vectors, filled, row, along)
            left = take_away(vectors, filled, row, along)
            gather(moments, filled, power, along)
            trace = factorise(moments, filled, factor)
            energy = 0.0
            if trace > 0:
                innovate(factor, filled, along, gain)
                substitute(factor, filled, gain)
                for j in range(filled):
                    energy += gain[j] * gain[j]
            if energy > 0:
                size = np.sqrt(energy)
                step = power / trace * size
                stretch = np.sqrt(1 + step * step * left)
                turn[:] = 0
                for j in range(filled):
                    gain[j] /= size
                    move(turn, vectors[j], 1.0, gain[j])
                move(turn, row, 1 / stretch - 1, step / stretch)
                for j in range(filled):
                    move(vectors[j], turn, 1.0, gain[j])
            if begin(row, power, counts, vectors, variances):
                moments[filled, filled] = variances[filled]
        for j in range(counts[FILLED]):
            variances[j] = moments[j, j]
