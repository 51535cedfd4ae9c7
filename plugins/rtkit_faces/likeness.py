"""Whether a face is that of the person it is taken for: likeness, and how alike strangers are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Labels = NDArray[np.intp]

#: Likeness of strangers as it was measured on faces that are not shipped, mean and deviation, and the people that it counts for.
USUAL = (0.75, 0.15)
USUAL_PEOPLE = 5
#: Fewest people from whom anything is learned about strangers.
FEWEST = 2
#: Faces of each person that are compared with all others.
COMPARED = 20
#: The score rises from 0.5 with this part of the strangers' deviation.
STEEP = 0.5


def likeness(row: Floats, rows: Floats) -> float:
    """How alike a levelled face ``[PIXELS]`` is to the most similar one of ``[n, PIXELS]``, in units of Fisher's z.

    That is the inverse hyperbolic tangent of the correlation, which is nearer to a normal distribution.
    """
    return float(np.arctanh(np.clip((rows @ row).max(), -0.999, 0.999)))


def strangers(rows: Floats, owners: Labels) -> tuple[float, float]:
    """Mean and deviation of the likeness of a person who is not enrolled to the most similar of those who are.

    Each person in turn is the stranger to the others. With few people little is known, and what is usual counts with them.

    Parameters
    ----------
    rows : ndarray
        ``[m, 1 + v, PIXELS]``: the levelled faces of all people, and their variations.
    owners : ndarray
        ``[m]``.
    """
    people = np.unique(owners)
    mean, variance, count = USUAL[0], USUAL[1] ** 2, float(USUAL_PEOPLE)
    if len(people) >= FEWEST:
        values = []
        for person in people:
            own, others = rows[owners == person, 0], rows[owners != person].reshape(-1, rows.shape[-1])
            chosen = own[np.unique(np.linspace(0, len(own) - 1, COMPARED).round().astype(int))]
            values.append(np.arctanh(np.clip((chosen @ others.T).max(axis=1), -0.999, 0.999)))
        means, spreads = np.array([value.mean() for value in values]), np.array([value.var() for value in values])
        total = count + len(people)
        found = float(means.mean())
        spread = float(spreads.mean() + means.var())
        middle = (count * mean + len(people) * found) / total
        variance = (count * (variance + (mean - middle) ** 2) + len(people) * (spread + (found - middle) ** 2)) / total
        mean = middle
    return mean, float(np.sqrt(variance))


def limit(strangers: tuple[float, float], far: float) -> float:
    """The likeness that a share `far` of strangers reaches."""
    from scipy.stats import norm

    return strangers[0] + strangers[1] * float(norm.isf(far))


def score(likeness: float, strangers: tuple[float, float], far: float) -> float:
    """0 to 1: 0.5 at the limit."""
    steps = (likeness - limit(strangers, far)) / (STEEP * strangers[1])
    return float(1 / (1 + np.exp(-np.clip(steps, -50, 50))))
