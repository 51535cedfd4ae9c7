"""The kernel of the rule `ccipca`: candid covariance-free incremental principal component analysis."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_pca.centring import FAST, FILLED, SEEN, Floats, Singles, Statistics, centre, weight_of
from rtkit_pca.vectors import AMNESIA, begin, move_and_remove, respond


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def learn(
    rows: NDArray[Any],
    statistics: Statistics,
    vectors: Singles,
    variances: Floats,
) -> None:
    """Learn from some rows ``[n, d]``.

    v_j ← (1 - w) v_j + w u uᵀv_j / ‖v_j‖, and u less its part along v_j goes on to the next. The paper's v_j is here
    ``variances[j] * vectors[j]``, the second of length 1, so that nothing of single precision grows with the square of the rows.

    Parameters
    ----------
    rows : ndarray
        In single or double precision.
    statistics : Statistics
        Of the rows; brought up to date.
    vectors : ndarray
        Float32 ``[k, d]``; there are ``counts[FILLED]`` of them.
    variances : ndarray
        Float64 ``[k]``.
    """
    mean, counts, _, floor = statistics
    row = np.empty(mean.size, np.float32)
    for n in range(rows.shape[0]):
        length = centre(rows[n], statistics, row)
        if length < 0:
            continue
        weight = weight_of(counts[SEEN], AMNESIA, floor)
        variances *= 1 - weight
        if length == 0:
            continue
        power = weight * length * length
        for j in range(counts[FILLED]):
            along, square, own = respond(vectors[j], row)
            old, new = variances[j], power * along
            largest = max(old, abs(new))
            if largest == 0:
                continue
            keep, add = old / largest, new / largest  # so that no square leaves the range of numbers
            size = np.sqrt(max(keep * keep * own + 2 * keep * add * along + add * add * square, 0.0))
            variances[j] = largest * size
            move_and_remove(vectors[j], row, keep / size, add / size, (keep * along + add * square) / size)
        begin(row, power, counts, vectors, variances)
