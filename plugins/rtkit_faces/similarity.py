"""Verification: whether a face is that of the person it is taken for, by its similarity, and how similar impostors are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit_faces.normalising import HIGH, WIDE

Floats = NDArray[np.floating[Any]]
Labels = NDArray[np.intp]

#: Where each of the patches begins (row, column in pixels) that are compared by themselves, each a quarter of a face, so that a mouth that
#: is open or a shadow spoils only some. They overlap by half.
PATCHES = tuple((top, left) for top in (0, HIGH // 4, HIGH // 2) for left in (0, WIDE // 4, WIDE // 2))
#: Prior of the similarity of impostors (Fisher's z), mean and deviation, and the number of people that it counts for.
PRIOR = (0.8, 0.15)
PRIOR_PEOPLE = 5
#: Faces of each person that are compared with those of all others.
MAX_COMPARED = 20
#: Width of the score's logistic function, as a part of the deviation of impostors: the score goes from 0.5 to 0.73 over it.
SCORE_WIDTH = 0.5
#: A correlation counts at most this much: at 1, Fisher's z is without bound.
MAX_CORRELATION = 0.999


def patches(rows: Floats) -> NDArray[np.float32]:
    """The patches of levelled faces ``[…, PIXELS]``, each of length 1, ``[9, …, pixels of a patch]``."""
    pixels = rows.reshape(*rows.shape[:-1], HIGH, WIDE)
    cut = [pixels[..., top : top + HIGH // 2, left : left + WIDE // 2].reshape(*rows.shape[:-1], -1) for top, left in PATCHES]
    return np.array([_unit(patch) for patch in cut], np.float32)


def _unit(rows: Floats) -> Floats:
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: Floats = rows / np.where(length > 0, length, 1)
    return scaled


def similarity(faces: NDArray[np.float32], examples: NDArray[np.float32]) -> Floats:
    """Similarity of faces to a person, ``[n]``, in units of Fisher's z.

    Of each patch, the correlation with the most similar example counts; their mean is put through the inverse hyperbolic tangent, whose
    values are nearer to a normal distribution.

    Parameters
    ----------
    faces, examples : ndarray
        `patches`, ``[9, n, …]`` and ``[9, m, …]``.
    """
    best = [(own @ other.T).max(axis=1) for own, other in zip(faces, examples, strict=True)]
    values: Floats = np.arctanh(np.clip(np.mean(best, axis=0, dtype=np.float64), -MAX_CORRELATION, MAX_CORRELATION))
    return values


def impostors(rows: Floats, owners: Labels) -> tuple[float, float]:
    """Mean and deviation of the similarity of an impostor to the most similar of the enrolled people.

    Each person in turn is an impostor to the others. With few people little is known of impostors, and a prior counts beside it.

    Parameters
    ----------
    rows : ndarray
        ``[m, 1 + v, PIXELS]``: the levelled faces of all people, and their variations.
    owners : ndarray
        ``[m]``.
    """
    people = np.unique(owners)
    means, variances, weights = [PRIOR[0]], [PRIOR[1] ** 2], [float(PRIOR_PEOPLE)]
    if len(people) > 1:
        examples = {person: patches(rows[owners == person].reshape(-1, rows.shape[-1])) for person in people}
        for person in people:
            own = rows[owners == person, 0]
            faces = patches(own[np.unique(np.linspace(0, len(own) - 1, MAX_COMPARED).round().astype(int))])
            found = np.max([similarity(faces, examples[other]) for other in people if other != person], axis=0)
            means.append(float(found.mean()))
            variances.append(float(found.var()))
            weights.append(1.0)
    mean = float(np.average(means, weights=weights))
    variance = np.average(np.array(variances) + (np.array(means) - mean) ** 2, weights=weights)
    return mean, math.sqrt(float(variance))


def threshold(impostors: tuple[float, float], far: float) -> float:
    """The operating point: the similarity that a share `far` of impostors reaches."""
    from scipy.special import ndtri

    return impostors[0] - impostors[1] * float(ndtri(far))


def score(similarity: float, impostors: tuple[float, float], far: float) -> float:
    """How sure it is that a face is no impostor's, 0 to 1: 0.5 at the threshold."""
    steps = (similarity - threshold(impostors, far)) / (SCORE_WIDTH * impostors[1])
    return 1 / (1 + math.exp(-min(max(steps, -50), 50)))
