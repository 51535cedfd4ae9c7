"""Whether a face is that of the person it is taken for: how alike the two are, and how alike strangers are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit_faces.normalising import HIGH, WIDE

Floats = NDArray[np.floating[Any]]
Labels = NDArray[np.intp]

#: Quarters of a face that are compared by themselves, so that a mouth that is open or a shadow spoils only some: where each begins. They
#: overlap by half.
QUARTERS = tuple((top, left) for top in (0, HIGH // 4, HIGH // 2) for left in (0, WIDE // 4, WIDE // 2))
#: Likeness of strangers as it is usual, mean and deviation, and the people that it counts for.
USUAL = (0.8, 0.15)
USUAL_PEOPLE = 5
#: Faces of each person that are compared with those of all others.
COMPARED = 20
#: The score goes from 0.5 to 0.73 with this part of the strangers' deviation.
STEEP = 0.5
#: A correlation counts at most this much: at 1, Fisher's z is without bound.
HIGHEST = 0.999


def quarters(rows: Floats) -> NDArray[np.float32]:
    """The quarters of levelled faces ``[…, PIXELS]``, each of length 1, ``[9, …, pixels of a quarter]``."""
    pixels = rows.reshape(*rows.shape[:-1], HIGH, WIDE)
    cut = [pixels[..., top : top + HIGH // 2, left : left + WIDE // 2].reshape(*rows.shape[:-1], -1) for top, left in QUARTERS]
    return np.array([_unit(quarter) for quarter in cut], np.float32)


def _unit(rows: Floats) -> Floats:
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: Floats = rows / np.where(length > 0, length, 1)
    return scaled


def likeness(faces: NDArray[np.float32], examples: NDArray[np.float32]) -> Floats:
    """How alike faces are to a person, ``[n]``, in units of Fisher's z.

    Of each quarter, the correlation with the most similar example counts; their mean is put through the inverse hyperbolic tangent, whose
    values are nearer to a normal distribution.

    Parameters
    ----------
    faces, examples : ndarray
        `quarters`, ``[9, n, …]`` and ``[9, m, …]``.
    """
    best = [(own @ other.T).max(axis=1) for own, other in zip(faces, examples, strict=True)]
    values: Floats = np.arctanh(np.clip(np.mean(best, axis=0, dtype=np.float64), -HIGHEST, HIGHEST))
    return values


def strangers(rows: Floats, owners: Labels) -> tuple[float, float]:
    """Mean and deviation of the likeness of a stranger to the most similar of the enrolled people.

    Each person in turn is the stranger to the others. With few people little is known of strangers, and what is usual counts beside it.

    Parameters
    ----------
    rows : ndarray
        ``[m, 1 + v, PIXELS]``: the levelled faces of all people, and their variations.
    owners : ndarray
        ``[m]``.
    """
    people = np.unique(owners)
    means, variances, weights = [USUAL[0]], [USUAL[1] ** 2], [float(USUAL_PEOPLE)]
    if len(people) > 1:
        examples = {person: quarters(rows[owners == person].reshape(-1, rows.shape[-1])) for person in people}
        for person in people:
            own = rows[owners == person, 0]
            faces = quarters(own[np.unique(np.linspace(0, len(own) - 1, COMPARED).round().astype(int))])
            alike = np.max([likeness(faces, examples[other]) for other in people if other != person], axis=0)
            means.append(float(alike.mean()))
            variances.append(float(alike.var()))
            weights.append(1.0)
    mean = float(np.average(means, weights=weights))
    variance = np.average(np.array(variances) + (np.array(means) - mean) ** 2, weights=weights)
    return mean, math.sqrt(float(variance))


def limit(strangers: tuple[float, float], far: float) -> float:
    """The likeness that a share `far` of strangers reaches."""
    from scipy.special import ndtri

    return strangers[0] - strangers[1] * float(ndtri(far))


def score(likeness: float, strangers: tuple[float, float], far: float) -> float:
    """How sure it is that a face is no stranger's, 0 to 1: 0.5 at the limit."""
    steps = (likeness - limit(strangers, far)) / (STEEP * strangers[1])
    return 1 / (1 + math.exp(-min(max(steps, -50), 50)))
