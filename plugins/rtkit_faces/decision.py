"""Who is meant: what the network says of a face, and how alike it is to the people who come into question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit_faces.likeness import Floats, Labels, likeness

#: People who come into question, by the network.
CANDIDATES = 5
#: What a unit of likeness is worth beside the logarithm of a chance, and the least chance that counts.
WORTH, LEAST = 2.0, 1e-4


def decide(
    chances: NDArray[np.floating[Any]], faces: NDArray[np.float32], examples: Sequence[NDArray[np.float32]]
) -> tuple[Labels, Floats]:
    """Who faces are, if they are anybody's, and how alike they are to them.

    Parameters
    ----------
    chances : ndarray
        ``[n, people]``, by the network.
    faces : ndarray
        Quarters of the faces, ``[9, n, …]``.
    examples : sequence of ndarray
        Quarters of the examples of each person, ``[9, m, …]``.

    Returns
    -------
    labels, likeness : ndarray
        ``[n]``.
    """
    alike = np.full(chances.shape, -np.inf)
    candidates = np.argsort(-chances, axis=1, kind="stable")[:, :CANDIDATES]
    for person in np.unique(candidates):
        asked = np.flatnonzero((candidates == person).any(axis=1))
        alike[asked, person] = likeness(faces[:, asked], examples[person])
    labels: Labels = np.argmax(np.log(np.maximum(chances, LEAST)) + WORTH * alike, axis=1)
    return labels, alike[np.arange(len(alike)), labels]
