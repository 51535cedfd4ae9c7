"""The kernel of the rule `autoencoder`: linear autoencoders of one unit each, every one learning on what those before it left."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_pca.centring import FAST, FILLED, SEEN, Floats, Singles, Statistics, centre, weight_of
from rtkit_pca.vectors import AMNESIA, begin, move, move_and_remove, respond


@numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def learn(
    rows: NDArray[Any],
    statistics: Statistics,
    vectors: Singles,
    variances: Floats,
    encoders: Singles,
) -> None:
    """Learn from some rows ``[n, d]``.

    A unit codes what the units before it left, u, as y = aᵀu and decodes it as y v; both learn from the square of the error e = u - y v:
    the decoder by v ← v + w y e / E[y²], w the weight of the row, and the encoder by a ← a + (eᵀv) u / ‖u‖², both scale-free. After
    each step the scale that could wander between the two is put into the encoder, so that v has length 1.

    Parameters
    ----------
    rows : ndarray
        In single or double precision.
    statistics : Statistics
        Of the rows; brought up to date.
    vectors, encoders : ndarray
        Float32 ``[k, d]``, the decoders v and the encoders a; there are ``counts[FILLED]`` of them.
    variances : ndarray
        Float64 ``[k]``, of the codes y.
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
            code, square, _ = respond(encoders[j], row)
            along, _, own = respond(vectors[j], row)
            if not square > 0:
                continue
            step = (along - code * own) / square
            move(encoders[j], row, 1.0, step)
            code += step * square
            old = variances[j]
            variances[j] += power * code * code
            if not variances[j] > 0:
                continue
            keep, add = old / variances[j], power * code / variances[j]
            size = np.sqrt(max(keep * keep * own + 2 * keep * add * along + add * add * square, 0.0))
            if not size > 0:
                continue
            move(encoders[j], row, size, 0.0)
            variances[j] *= size * size
            move_and_remove(vectors[j], row, keep / size, add / size, code * size)
        if begin(row, power, counts, vectors, variances):
            encoders[counts[FILLED] - 1] = vectors[counts[FILLED] - 1]
