"""How well people are recognised: their own faces, left out in turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit_faces.decision import decide
from rtkit_faces.similarity import patches
from rtkit_faces.training import COMPONENTS, Floats, Labels, project, train

#: Parts in which faces are left out in turn when people are enrolled.
FOLDS = 3


def cross_validate(rows: Floats, owners: Labels, folds: Iterable[Labels], components: int = COMPONENTS) -> tuple[Labels, Floats]:
    """Recognise faces by what was learned from the others.

    Parameters
    ----------
    rows : ndarray
        ``[m, 1 + v, PIXELS]``: levelled faces and their variations, which are learned with them.
    owners : ndarray
        ``[m]``, of people 0, 1, …, each with faces outside each part.
    folds : iterable of ndarray
        Places that are left out together.
    components : int
        Most principal components.

    Returns
    -------
    labels, similarity : ndarray
        ``[m]``: who the faces were taken for, and their similarity to them.
    """
    labels, similarities = np.zeros(len(rows), np.intp), np.zeros(len(rows))
    cut = patches(rows)
    for left_out in folds:
        kept = np.setdiff1d(np.arange(len(rows)), left_out)
        found = probabilities(rows[kept], owners[kept], rows[left_out, 0], components)
        examples = [cut[:, kept[owners[kept] == person]] for person in range(found.shape[1])]
        examples = [own.reshape(len(own), -1, own.shape[-1]) for own in examples]
        labels[left_out], similarities[left_out] = decide(found, cut[:, left_out, 0], examples)
    return labels, similarities


def probabilities(rows: Floats, owners: Labels, others: Floats, components: int = COMPONENTS) -> NDArray[np.floating[Any]]:
    """The probabilities ``[n, people]`` of other faces ``[n, PIXELS]``, by what is learned from faces and their variations."""
    flat, repeated = rows.reshape(-1, rows.shape[-1]), np.repeat(owners, rows.shape[1])
    projection = project(flat, len(rows), components)
    values = (others - projection.mean) @ projection.axes
    for layer in train((flat - projection.mean) @ projection.axes, repeated):
        values = layer.run(values)
    return np.concatenate([1 - values, values], axis=1) if values.shape[1] == 1 else values


def parts(owners: Labels, count: int = FOLDS) -> list[Labels]:
    """Places of faces ``[m]`` in so many parts, the faces of each person spread over all of them."""
    number = np.zeros(len(owners), np.intp)
    for person in np.unique(owners):
        own = np.flatnonzero(owners == person)
        number[own] = np.arange(len(own)) % count
    return [np.flatnonzero(number == part) for part in range(count)]
