"""The kernel of the rule `incremental`: the singular value decomposition of all rows up to now, kept up row by row."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_pca.centring import FAST, FILLED, WEIGHT, Floats, Singles, Statistics, centre
from rtkit_pca.vectors import NOTHING, project, take_away

#: What is left of a row without its part along the directions is made orthogonal once more where it is smaller than this, as rounding
#: then counts.
FAINT = 0.2
#: Rotations after which the directions are made orthonormal again, as rounding piles up.
TIDY = 16
#: Columns that are rotated at once: few enough that they stay in the cache, and that the product is not worth a second thread.
COLUMNS = 128


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def rotate(rotation: Singles, basis: Singles) -> None:
    """Put ``rotation @ basis`` into the first rows of `basis`."""
    count, rows = rotation.shape
    for start in range(0, basis.shape[1], COLUMNS):
        part = basis[:rows, start : start + COLUMNS]
        part[:count] = np.dot(rotation, np.ascontiguousarray(part))


@numba.njit(nogil=True, cache=True, error_model="numpy")
def tidy(basis: Singles, count: int) -> None:
    """Make the first rows orthonormal again, which they nearly are."""
    along = np.empty(count, np.float32)
    for j in range(count):
        project(basis, j, basis[j], along)
        length = np.sqrt(take_away(basis, j, basis[j], along))
        basis[j] /= np.float32(length)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def truncate(basis: Singles, moments: Floats, kept: int) -> None:
    """Turn the basis to the directions of most variance, of which so many are kept, and forget the rest."""
    values, vectors = np.linalg.eigh(moments)
    best = vectors[:, ::-1][:, :kept]
    rotate(np.ascontiguousarray(best.T).astype(np.float32), basis)
    moments[:] = 0
    for j in range(kept):
        moments[j, j] = max(values[values.size - 1 - j], 0.0)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def learn(
    rows: NDArray[Any],
    statistics: Statistics,
    basis: Singles,
    moments: Floats,
    turns: NDArray[np.int64],
    kept: int,
) -> None:
    """Learn from some rows ``[n, d]``.

    Parameters
    ----------
    rows : ndarray
        In single or double precision.
    statistics : Statistics
        Of the rows; brought up to date.
    basis : ndarray
        Float32 ``[room, d]``; the first ``counts[FILLED]`` rows are orthonormal.
    moments : ndarray
        Float64 ``[room, room]``: the covariance in the coordinates of the basis.
    turns : ndarray
        ``[1]``: how often the basis was turned.
    kept : int
        Directions that are kept when the room is full. There is room for more, so that the basis is turned once in a while and not with
        every row.
    """
    _, counts, levels, _ = statistics
    room, width = basis.shape
    unit = np.empty(width, np.float32)
    along, again = np.empty(room, np.float32), np.empty(room, np.float32)
    position = np.zeros(room)
    for n in range(rows.shape[0]):
        length = centre(rows[n], statistics, unit)
        if length < 0:
            continue
        weight = levels[WEIGHT]
        moments *= 1 - weight
        if length == 0:
            continue
        filled = counts[FILLED]
        project(basis, filled, unit, along)
        left = np.sqrt(take_away(basis, filled, unit, along))
        if left < FAINT:
            project(basis, filled, unit, again)
            left = np.sqrt(take_away(basis, filled, unit, again))
            along[:filled] += again[:filled]
        for j in range(filled):
            position[j] = length * along[j]
        if filled < room and left > NOTHING:
            for i in range(width):
                basis[filled, i] = unit[i] / np.float32(left)
            position[filled] = length * left
            filled += 1
        for i in range(filled):
            for j in range(filled):
                moments[i, j] += weight * position[i] * position[j]
        if filled == room and room < width:
            truncate(basis, moments, kept)
            filled = kept
            turns[0] += 1
            if turns[0] % TIDY == 0:
                tidy(basis, filled)
        counts[FILLED] = filled
