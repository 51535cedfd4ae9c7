"""Identification: what the network says of a face, and its similarity to the candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit_faces.similarity import Floats, Labels, similarity

#: People who are candidates, by the network.
CANDIDATES = 5
#: Weight of a unit of similarity beside the logarithm of a probability, and the least probability that counts.
SIMILARITY_WEIGHT, MIN_PROBABILITY = 2.0, 1e-4


def decide(
    probabilities: NDArray[np.floating[Any]], faces: NDArray[np.float32], examples: Sequence[NDArray[np.float32]]
) -> tuple[Labels, Floats]:
    """Who faces are, if they are anybody's, and their similarity to them.

    Parameters
    ----------
    probabilities : ndarray
        ``[n, people]``, by the network.
    faces : ndarray
        Patches of the faces, ``[9, n, …]``.
    examples : sequence of ndarray
        Patches of the examples of each person, ``[9, m, …]``.

    Returns
    -------
    labels, similarity : ndarray
        ``[n]``.
    """
    similarities = np.full(probabilities.shape, -np.inf)
    candidates = np.argsort(-probabilities, axis=1, kind="stable")[:, :CANDIDATES]
    for person in np.unique(candidates):
        asked = np.flatnonzero((candidates == person).any(axis=1))
        similarities[asked, person] = similarity(faces[:, asked], examples[person])
    labels: Labels = np.argmax(np.log(np.maximum(probabilities, MIN_PROBABILITY)) + SIMILARITY_WEIGHT * similarities, axis=1)
    return labels, similarities[np.arange(len(similarities)), labels]
