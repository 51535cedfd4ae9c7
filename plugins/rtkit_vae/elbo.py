"""The evidence lower bound of a variational autoencoder, in nats, and what it is made of.

D. P. Kingma, M. Welling: Auto-Encoding Variational Bayes (2014). Greys of 0 to 1 are taken as probabilities of white.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
_PIXELS = (-3, -2, -1)


def kl_divergence(mean: Floats, log_variance: Floats) -> Floats:
    """Kullback-Leibler divergence ``[n]`` (nats) of normal distributions, mean and log variance ``[n, d]``, from the standard one."""
    found: Floats = 0.5 * (np.exp(log_variance) + np.square(mean) - 1 - log_variance).sum(axis=-1, dtype=np.float64)
    return found


def cross_entropy(pictures: Floats, logits: Floats) -> Floats:
    """Cross entropy (nats) of pictures under the logits of their pixels: both ``[…, h, w, 1]``, gives ``[…]``."""
    softplus = np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))
    found: Floats = (softplus - pictures * logits).sum(axis=_PIXELS, dtype=np.float64)
    return found


def entropy(pictures: Floats) -> Floats:
    """Entropy (nats) of the pixels of pictures ``[…, h, w, 1]``, the least that their cross entropy can be, ``[…]``."""
    inside = np.clip(pictures, 1e-12, 1 - 1e-7)
    found: Floats = -(pictures * np.log(inside) + (1 - pictures) * np.log1p(-inside)).sum(axis=_PIXELS, dtype=np.float64)
    return found


def normal_points(size: int, pairs: int) -> NDArray[np.float32]:
    """Points ``[2 · pairs, size]`` that stand for the standard normal distribution, the same each time, with mean 0 and variance 1.

    The lattice of M. Roberts (The unreasonable effectiveness of quasirandom sequences, 2018) through the inverse of the distribution
    function, each point with its opposite.
    """
    ratio = 2.0  # the root of x^(size + 1) = x + 1
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (size + 1))
    steps = ratio ** -np.arange(1.0, size + 1)
    places = (0.5 + np.outer(np.arange(1, pairs + 1), steps)) % 1
    points = np.vectorize(NormalDist().inv_cdf, otypes=[np.float64])(np.clip(places, 1e-6, 1 - 1e-6))
    points /= np.sqrt(np.square(points).mean(axis=0))
    return np.concatenate([points, -points]).astype(np.float32)
