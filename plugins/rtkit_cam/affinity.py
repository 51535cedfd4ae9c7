"""Affinity: which places of a picture have similar features, and a map averaged over those, which ends where the thing ends."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

#: Random projections of a guide's channels that are kept, at the least: more are slower and hardly better.
PROJECTIONS = 160
#: Places that all are compared with, at the most: of a finer guide the means of 2 x 2 places.
MAX_PLACES = 512
#: Power that a map is raised to, before and after: its peaks tell more than its slopes.
CONTRAST = 3
#: Differences between places below this are rounding.
FLAT = 1e-5
SMALLEST = np.finfo(np.float32).tiny


class Affinity:
    """Affinity of any two places of a guide, in arrays that are used again for each frame.

    Parameters
    ----------
    shape : tuple of int
        ``[G, y, x]`` of the guide: a tensor of the network that the map is of, earlier and finer than the map.

    References
    ----------
    Wang, Zhang, Kan, Shan, Chen: Self-supervised Equivariant Attention Mechanism for Weakly Supervised Semantic Segmentation. CVPR 2020
    (section 3.4: a map averaged by the rectified cosine of features). Charikar, Chen, Farach-Colton: Finding Frequent Items in Data
    Streams. ICALP 2002 (sums of channels with random signs keep inner products).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        channels, rows, columns = shape
        folds = max(1, channels // PROJECTIONS)
        self._folded = folds, channels // folds
        self._signs = np.random.default_rng(0).choice(np.array([-1, 1], np.float32), self._folded)
        self._shape = rows, columns
        self._weights = np.zeros((rows * columns, self._pooled(np.zeros((1, rows, columns))).shape[1]), np.float32)

    def _pooled(self, places: Floats) -> Floats:
        """Of ``[…, y, x]`` the places that all are compared with, ``[…, s]``."""
        while places[0].size > MAX_PLACES:
            rows, columns = (size // 2 * 2 for size in places.shape[1:])
            pairs = places[:, 0:rows:2] + places[:, 1:rows:2]
            places = (pairs[..., 0:columns:2] + pairs[..., 1:columns:2]) / 4
        return places.reshape(len(places), -1)

    def compare(self, guide: Floats) -> None:
        """Compute the affinities of a guide ``[G, y, x]``."""
        folds, sums = self._folded
        places = np.einsum("fsp,fs->sp", guide[: folds * sums].reshape(folds, sums, -1), self._signs)
        places -= places.mean(axis=1, keepdims=True)
        places /= np.maximum(np.sqrt(np.einsum("sp,sp->p", places, places)), SMALLEST)
        weights = np.matmul(places.T, self._pooled(places.reshape(sums, *self._shape)), out=self._weights)
        np.sqrt(np.maximum(weights, 0, out=weights), out=weights)

    def refine(self, heat: Floats) -> Floats:
        """A map, averaged over the places with a high affinity.

        Parameters
        ----------
        heat : ndarray
            ``[h, w]`` of any size; what is below 0 does not count.

        Returns
        -------
        ndarray
            ``[y, x]``, 0 to 1.
        """
        import cv2

        rows, columns = self._shape
        fine = np.asarray(cv2.resize(heat.astype(np.float32), (columns, rows), interpolation=cv2.INTER_CUBIC))
        pooled = self._pooled((np.maximum(fine, 0) / max(fine.max(), SMALLEST))[None] ** CONTRAST)[0]
        sums, totals = (self._weights @ np.stack([pooled, np.ones_like(pooled)], axis=1)).T
        mean = sums / np.maximum(totals, SMALLEST)
        mean -= mean.min()
        made: Floats = (mean / max(mean.max(), FLAT)) ** CONTRAST
        return made.reshape(self._shape)
