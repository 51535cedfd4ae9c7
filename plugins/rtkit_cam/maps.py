"""Class activation maps in closed form, and where they point."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

#: Classes that count for where a thing is.
LIKELY = 5
#: Filters that the mode of that name shows.
FILTERS = 9


def class_map(features: Floats, weights: Floats) -> Floats:
    """The map of one class: what each place adds to its logit.

    As pooling and the dense layer are linear, the mean of the map plus the bias of the class is its logit.

    Parameters
    ----------
    features : ndarray
        ``[C, h, w]``, the tensor that is averaged.
    weights : ndarray
        ``[C]``, of the class.

    Returns
    -------
    ndarray
        ``[h, w]``.

    References
    ----------
    Zhou, Khosla, Lapedriza, Oliva, Torralba: Learning Deep Features for Discriminative Localization. CVPR 2016.
    """
    made: Floats = (weights @ features.reshape(len(features), -1)).reshape(features.shape[1:])
    return made


def evidence_weights(chances: Floats, weights: Floats) -> Floats:
    """Weights ``[C]`` for where the thing is, when it is not quite sure what it is.

    Those of the `LIKELY` most probable classes, mixed by their probabilities, as a dog of an unsure breed is a dog all the same; and of
    these only what speaks for them, as what speaks against a class is often its own less typical part. Points better than the map of
    the one predicted class (docs/cam.md).

    Parameters
    ----------
    chances : ndarray
        ``[K]``, probabilities.
    weights : ndarray
        ``[K, C]``.
    """
    likely = np.argsort(-chances)[:LIKELY]
    mixed: Floats = (chances[likely] / chances[likely].sum()) @ weights[likely]
    return np.maximum(mixed, 0).astype(weights.dtype)


def filter_maps(features: Floats, weights: Floats, count: int = FILTERS) -> tuple[NDArray[np.intp], Floats]:
    """The filters that add most to the logit of a class, and the map of each.

    Returns
    -------
    numbers : ndarray
        ``[count]``, those with the largest weight times global average, the largest first.
    maps : ndarray
        ``[count, h, w]``: weight times feature; their sum is the part of the class's map that comes from these filters.
    """
    shares = weights * features.mean(axis=(1, 2))
    numbers = np.argsort(-shares)[:count]
    return numbers, weights[numbers, None, None] * features[numbers]


def eigen_map(features: Floats) -> Floats:
    """The first principal component of the features over the places, whatever the class.

    Parameters
    ----------
    features : ndarray
        ``[C, h, w]``.

    Returns
    -------
    ndarray
        ``[h, w]``, with the sign that makes it large where the features are.

    References
    ----------
    Muhammad, Yeasin: Eigen-CAM: Class Activation Map using Principal Components. IJCNN 2020.
    """
    places = features.reshape(len(features), -1)
    centred = places - places.mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(centred.T @ centred)  # of h w x h w, which is far smaller than C x C
    component = vectors[:, -1]
    if component @ places.mean(axis=0) < 0:
        component = -component
    return np.asarray(component.reshape(features.shape[1:]))


def softmax(logits: Floats) -> Floats:
    """Probabilities of the classes; of a single logit, that of its class."""
    if len(logits) == 1:
        return np.asarray(1 / (1 + np.exp(-logits.astype(np.float64))))
    powers = np.exp(logits.astype(np.float64) - logits.max())
    return np.asarray(powers / powers.sum())
