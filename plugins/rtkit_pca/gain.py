"""The step of the rules `oja` and `sanger`: from the covariance of the outputs, so that strong and weak components learn at one pace."""

from __future__ import annotations

import numba
import numpy as np

from rtkit_pca.centring import FAST, Floats, Singles

#: Variances below this share of the mean one count as this much, so that no step is without bound.
LEAST = 1e-6


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def factorise(moments: Floats, count: int, factor: Floats) -> float:
    """Fill the lower triangle of `factor` by Cholesky's decomposition of the first part of a covariance over its trace; gives the trace."""
    trace = 0.0
    for j in range(count):
        trace += moments[j, j]
    if not trace > 0:
        return 0.0
    for i in range(count):
        for j in range(i + 1):
            left = moments[i, j] / trace + (LEAST / count if i == j else 0.0)
            for n in range(j):
                left -= factor[i, n] * factor[j, n]
            factor[i, j] = left / factor[j, j] if i > j else np.sqrt(max(left, LEAST / count))
    return trace


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def innovate(factor: Floats, count: int, along: Singles, gain: Floats) -> None:
    """Fill `gain` with L⁻¹ y: each output less what those before it tell of it, over its deviation."""
    for i in range(count):
        left = np.float64(along[i])
        for n in range(i):
            left -= factor[i, n] * gain[n]
        gain[i] = left / factor[i, i]


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def substitute(factor: Floats, count: int, gain: Floats) -> None:
    """Turn L⁻¹ y into L⁻ᵀ L⁻¹ y, the product of the inverse of the covariance with y."""
    for i in range(count - 1, -1, -1):
        left = gain[i]
        for n in range(i + 1, count):
            left -= factor[n, i] * gain[n]
        gain[i] = left / factor[i, i]


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def gather(moments: Floats, count: int, power: float, along: Singles) -> None:
    """Add ``power * y yᵀ`` to the first part of a covariance."""
    for i in range(count):
        for j in range(count):
            moments[i, j] += power * along[i] * along[j]
