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


#: Cosine from which a component counts as the one that was read in its place before.
SAME = 0.5


def read(vectors: Floats, variances: Floats, before: NDArray[np.float32]) -> Reading:
    """Order vectors by variance, make them orthonormal, and settle their signs.

    Parameters
    ----------
    vectors : ndarray
        ``[m, d]``, of length 1.
    variances : ndarray
        ``[m]``.
    before : ndarray
        ``[k, d]``, k at least m: the components as they were read before. Those that are still the same keep their sign; of others the
        largest value is positive.
    """
    order = np.argsort(-variances, kind="stable")
    vectors, variances = vectors[order], variances[order]
    cosines = np.abs(vectors @ vectors.T)
    np.fill_diagonal(cosines, 0)
    found, spread = np.zeros_like(before), np.zeros(len(before))
    number = min(vectors.shape)  # no more can be orthogonal than there are values
    found[:number] = np.linalg.qr(vectors[:number].T)[0].T
    spread[:number] = np.maximum(variances[:number], 0)
    largest = np.take_along_axis(found, np.abs(found).argmax(axis=1)[:, None], axis=1)[:, 0]
    likeness = np.einsum("kd,kd->k", found, before)
    found[np.where(np.abs(likeness) > SAME, likeness, largest) < 0] *= -1
    return Reading(found, spread, float(cosines.max(initial=0.0)))
