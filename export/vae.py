"""Variational autoencoders (D. P. Kingma, M. Welling: Auto-Encoding Variational Bayes, 2014) of Fashion-MNIST: how they are trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from export.data import Floats
from export.fashion import SIDE, Clothes, Fashion
from export.training import Plan, fit

ops = keras.ops


@dataclass(frozen=True, slots=True)
class Networks:
    """The two halves.

    Parameters
    ----------
    encoder : keras.Model
        Picture ``[n, 28, 28, 1]`` (0 to 1) → mean and log variance of z, ``[n, d]`` each.
    decoder : keras.Model
        z ``[n, d]`` → logits of the pixels ``[n, 28, 28, 1]``.
    """

    encoder: keras.Model
    decoder: keras.Model


@keras.saving.register_keras_serializable("rtkit")
class Draw(keras.layers.Layer):
    """Draw z from the normal distribution with a mean and a log variance."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.seed_generator = keras.random.SeedGenerator(0)

    def call(self, inputs: list[Any]) -> Any:
        """z ``[n, d]`` of mean and log variance."""
        mean, log_variance = inputs
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise


@keras.saving.register_keras_serializable("rtkit")
class Bound(keras.layers.Layer):
    """The negative evidence lower bound (nats) of each picture: cross entropy of its pixels, and divergence of z from the standard normal."""

    def call(self, inputs: list[Any]) -> Any:
        """``[n, 2]``, the two parts, of picture, mean, log variance and logits."""
        picture, mean, log_variance, logits = inputs
        entropy = ops.sum(ops.softplus(logits) - picture * logits, axis=(1, 2, 3))
        divergence = 0.5 * ops.sum(ops.exp(log_variance) + ops.square(mean) - 1 - log_variance, axis=1)
        return ops.stack([entropy, divergence], axis=1)


@keras.saving.register_keras_serializable("rtkit")
def summed(_: Any, parts: Any) -> Any:
    """The loss of a model whose output is the loss in parts."""
    return ops.sum(parts, axis=-1)


def joined(networks: Networks, hidden: float) -> keras.Model:
    """The two halves as one model from picture to the parts of its bound; of the share `hidden` of the pixels, the encoder is not told."""
    picture = keras.Input((SIDE, SIDE, 1), name="picture")
    seen = keras.layers.Dropout(hidden, dtype="float32")(picture) if hidden else picture
    mean, log_variance = networks.encoder(seen)
    logits = networks.decoder(Draw(dtype="float32")([mean, log_variance]))
    return keras.Model(picture, Bound(dtype="float32")([picture, mean, log_variance, logits]))


def trained(networks: Networks, fashion: Fashion, plan: Plan, step: float, work: Path, hidden: float = 0.0) -> tuple[Networks, int]:
    """Train two halves together, by Adam with a step that warms up over an epoch and falls as a cosine; also gives the epochs seen."""
    model = joined(networks, hidden)
    pictures = unit(fashion.train)
    steps = -(-len(pictures) // plan.batch)
    rate = keras.optimizers.schedules.CosineDecay(
        step / 10, max((plan.epochs - 1) * steps, 1), 0.002, warmup_target=step, warmup_steps=steps
    )
    model.compile(keras.optimizers.Adam(rate, clipnorm=100.0), summed)

    def examples(random: np.random.Generator) -> tuple[Floats, Floats]:
        shuffled = pictures[random.permutation(len(pictures))]
        return shuffled, np.zeros((len(shuffled), 2), np.float32)

    seen = unit(fashion.held_out)
    model, epochs = fit(model, examples, (seen, np.zeros((len(seen), 2), np.float32)), plan, work, fashion.origin.sha256)
    return Networks(model.get_layer(networks.encoder.name), model.get_layer(networks.decoder.name)), epochs


def unit(clothes: Clothes) -> Floats:
    """Pixels of 0 to 255 as 0 to 1."""
    return clothes.pictures * np.float32(1 / 255)
