"""Learning people: principal components of their faces by an online learner, and a small network on them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Image, create
from rtkit.models import Dense
from rtkit_faces.normalising import PIXELS, level
from rtkit_faces.variations import variations

Floats = NDArray[np.floating[Any]]
Labels = NDArray[np.intp]

#: Most principal components, and passes over the faces in which they are learned.
COMPONENTS, PASSES = 60, 4
#: Variations of each face that are learned beside it; fewer where there are very many faces, so that no more rows than this are learned.
VARIATIONS, MOST_ROWS = 10, 20_000
#: Units of the two layers.
HIDDEN = (200, 50)
#: Rows in a step of the training, and steps at least and at most.
BATCH, STEPS = 64, (200, 4000)
#: Times that each row is seen, step size, and weight of the squared weights.
EPOCHS, RATE, DECAY = 12, 2e-3, 1e-3
#: What is added to the variance of a component before it is brought to 1, as a share of the largest.
SOFTENED = 1e-3


@dataclass(frozen=True, slots=True)
class Projection:
    """From levelled faces to whitened principal components: (row - mean) @ axes.

    Parameters
    ----------
    mean : ndarray
        ``[PIXELS]``.
    axes : ndarray
        ``[PIXELS, k]``: the components, each over the deviation of the faces along it.
    """

    mean: Floats
    axes: Floats

    def dense(self) -> Dense:
        """The same as a layer."""
        return Dense(self.axes, -self.mean @ self.axes)


def levelled(faces: Sequence[Image] | NDArray[np.uint8], count: int = VARIATIONS) -> NDArray[np.float32]:
    """Rows ``[n, 1 + count, PIXELS]`` of upright faces and of their variations."""
    out = np.empty((len(faces), 1 + count, PIXELS), np.float32)
    for number, face in enumerate(faces):
        for place, varied in enumerate(variations(face, count, number)):
            out[number, place] = level(varied)
    return out


def count_variations(faces: int) -> int:
    """How many variations of each of so many faces are learned."""
    return int(np.clip(MOST_ROWS // max(faces, 1) - 1, 1, VARIATIONS))


def project(rows: Floats, faces: int, components: int = COMPONENTS, seed: int = 0) -> Projection:
    """Learn the projection of rows ``[n, PIXELS]`` that show so many different faces.

    The components are learned row by row by candid covariance-free incremental PCA, in passes in different orders.
    """
    learner: Any = create("pca", components=max(1, min(components, faces - 1)), rule="ccipca")
    random = np.random.default_rng(seed)
    for _ in range(PASSES):
        learner.partial(rows[random.permutation(len(rows))])
    mean, axes = np.asarray(learner.mean, np.float64), np.asarray(learner.components, np.float64).T
    variances = ((rows - mean) @ axes).var(axis=0)
    return Projection(mean, axes / np.sqrt(variances + SOFTENED * variances.max() + np.finfo(np.float32).tiny))


def train(rows: Floats, owners: Labels, seed: int = 0) -> list[Dense]:
    """Train the network of 200, 50 and 1 units (two people), or 200, 50 and n, on components ``[n, k]`` of people 0, 1, ….

    Returns
    -------
    list of Dense
        Two layers of tanh, and one sigmoid unit that tells how probable the second person is, or a softmax over all.
    """
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits

    a_pass = -(-len(rows) // BATCH)
    epochs = int(np.clip(EPOCHS * a_pass, *STEPS)) // a_pass
    network = MLPClassifier(
        HIDDEN, activation="tanh", alpha=DECAY, batch_size=min(BATCH, len(rows)), learning_rate_init=RATE, random_state=seed,
        max_iter=max(1, epochs), tol=0.0, n_iter_no_change=epochs + 1,
    )  # fmt: skip
    with threadpool_limits(1), warnings.catch_warnings():  # several threads would add up in another order each time
        warnings.simplefilter("ignore")  # it warns that it stops where it was told to
        network.fit(rows.astype(np.float32), owners)
    pairs = list(zip(network.coefs_, network.intercepts_, strict=True))
    return [Dense(*pair, "tanh") for pair in pairs[:-1]] + [Dense(*pairs[-1], "sigmoid" if len(network.classes_) == 2 else "softmax")]
