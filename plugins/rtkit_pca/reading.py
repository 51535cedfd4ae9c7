"""Components as they are given to others, read from the vectors of a rule."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtkit_pca.rules import Floats


class Reading(NamedTuple):
    """What was learned: components float32 ``[k, d]``, the variances along them ``[k]``, and how far from orthogonal the rule had them."""

    components: NDArray[np.float32]
    variances: Floats
    orthogonality: float


def read(vectors: Floats, variances: Floats, count: int) -> Reading:
    """Order vectors by variance, make them orthonormal, and settle their signs.

    Parameters
    ----------
    vectors : ndarray
        ``[m, d]``, of length 1.
    variances : ndarray
        ``[m]``.
    count : int
        k, at least m; what there is less of is filled up with zeros.
    """
    order = np.argsort(-variances, kind="stable")
    vectors, variances = vectors[order], variances[order]
    cosines = np.abs(vectors @ vectors.T)
    np.fill_diagonal(cosines, 0)
    found = np.zeros((count, vectors.shape[1]), np.float32)
    spread = np.zeros(count)
    number = min(vectors.shape)  # no more can be orthogonal than there are values
    found[:number] = np.linalg.qr(vectors[:number].T)[0].T
    largest = np.take_along_axis(found, np.abs(found).argmax(axis=1)[:, None], axis=1)
    found[largest[:, 0] < 0] *= -1
    spread[:number] = np.maximum(variances[:number], 0)
    return Reading(found, spread, float(cosines.max(initial=0.0)))
