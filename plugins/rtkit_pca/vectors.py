"""What the kernels share: loops over vectors, written so that they run in SIMD registers."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_pca.centring import FAST, FILLED, Floats, Singles

#: What is left of a row that is this small beside it is rounding, and no new direction.
NOTHING = 3e-6
#: How much more than in a plain mean the newest row counts, so that what was learned from wrong vectors fades; Weng et al. ask for 2 to 4.
AMNESIA = 2.0


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def respond(vector: Singles, row: Singles) -> tuple[float, float, float]:
    """The product of a vector with a row, and the squares of both."""
    product = square = own = np.float32(0)
    for i in range(row.size):
        product += vector[i] * row[i]
        square += row[i] * row[i]
        own += vector[i] * vector[i]
    return float(product), float(square), float(own)


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def move(vector: Singles, row: Singles, keep: float, add: float) -> None:
    """``vector = keep * vector + add * row``."""
    kept, added = np.float32(keep), np.float32(add)
    for i in range(row.size):
        vector[i] = kept * vector[i] + added * row[i]


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def move_and_remove(vector: Singles, row: Singles, keep: float, add: float, share: float) -> None:
    """``vector = keep * vector + add * row``, and then ``row -= share * vector``, in one pass."""
    kept, added, shared = np.float32(keep), np.float32(add), np.float32(share)
    for i in range(row.size):
        value = kept * vector[i] + added * row[i]
        vector[i] = value
        row[i] -= shared * value


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def project(basis: Singles, count: int, vector: Singles, along: Singles) -> None:
    """Fill ``along[:count]`` with the products of a vector with the first rows of a basis."""
    size = vector.size
    whole = count - count % 4
    for j in range(0, whole, 4):
        first, second, third, fourth = basis[j], basis[j + 1], basis[j + 2], basis[j + 3]
        a = b = c = d = np.float32(0)
        for i in range(size):
            value = vector[i]
            a += first[i] * value
            b += second[i] * value
            c += third[i] * value
            d += fourth[i] * value
        along[j], along[j + 1], along[j + 2], along[j + 3] = a, b, c, d
    for j in range(whole, count):
        first = basis[j]
        a = np.float32(0)
        for i in range(size):
            a += first[i] * vector[i]
        along[j] = a


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def take_away(basis: Singles, count: int, vector: Singles, along: Singles) -> float:
    """Take so much of each of the first rows of a basis from a vector; gives the square of its length."""
    size = vector.size
    whole = count - count % 4
    for j in range(0, whole, 4):
        first, second, third, fourth = basis[j], basis[j + 1], basis[j + 2], basis[j + 3]
        a, b, c, d = along[j], along[j + 1], along[j + 2], along[j + 3]
        for i in range(size):
            vector[i] -= a * first[i] + b * second[i] + c * third[i] + d * fourth[i]
    for j in range(whole, count):
        first = basis[j]
        a = along[j]
        for i in range(size):
            vector[i] -= a * first[i]
    square = np.float32(0)
    for i in range(size):
        square += vector[i] * vector[i]
    return float(square)


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def begin(row: Singles, power: float, counts: NDArray[np.int64], vectors: Singles, variances: Floats) -> bool:
    """Make what is left of a row the next vector, if one is wanted and something is left; gives whether it did.

    Its variance is `power`, the weight of the row times its energy, times the square of what is left of a row of length 1.
    """
    filled = counts[FILLED]
    if filled == vectors.shape[0]:
        return False
    square = np.float32(0)
    for i in range(row.size):
        square += row[i] * row[i]
    if not square > NOTHING * NOTHING:
        return False
    move(vectors[filled], row, 0.0, 1 / np.sqrt(square))
    variances[filled] = power * square
    counts[FILLED] += 1
    return True
