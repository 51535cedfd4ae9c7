"""A variational autoencoder with two values and a decoder that folds the plane well: the default of the processor `vae`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from export import vae
from export.fashion import SIDE
from export.road import Trained
from export.vae import Networks, Recipe

PARAMETERS = 2_981_012
RECIPE = Recipe(epochs=30, batch=256, step=1.5e-3, hidden=0.2)
#: Units of the layers, and pairs of layers that are bypassed.
WIDTH, PAIRS = 512, 3
#: Waves across the plane, and the deviation of their wave numbers at the start (1 / standard deviation of z).
WAVES, WAVE_NUMBER = 128, 1.5


@keras.saving.register_keras_serializable("rtkit")
class Sine(keras.layers.Layer):  # type: ignore[misc]
    """The sine of each value: z as waves, so that what is near may be far apart (M. Tancik et al.: Fourier features, 2020)."""

    def call(self, inputs: Any) -> Any:
        """Of any shape."""
        return keras.ops.sin(inputs)


def networks(latent: int = 2, policy: str = "float32") -> Networks:
    """The two halves, not trained; the inner layers of a precision, as Keras calls it."""
    layers = keras.layers
    z = keras.Input((latent,), name="z")
    waves = layers.Dense(WAVES, kernel_initializer=keras.initializers.RandomNormal(stddev=WAVE_NUMBER), bias_initializer="random_uniform")
    y = layers.Concatenate()([z, Sine()(waves(z))])
    y = layers.Dense(WIDTH, dtype=policy)(y)
    for _ in range(PAIRS):
        y = bypassed(y, WIDTH, policy)
    y = layers.Activation("silu", dtype=policy)(layers.LayerNormalization()(y))
    logits = layers.Reshape((SIDE, SIDE, 1), name="logits", dtype="float32")(layers.Dense(SIDE * SIDE, dtype="float32")(y))
    return Networks(encoder(latent, policy), keras.Model(z, logits, name="decoder"))


def encoder(latent: int, policy: str) -> keras.Model:
    """Dense layers from picture to mean and log variance, not trained."""
    layers = keras.layers
    picture = keras.Input((SIDE, SIDE, 1), name="picture")
    x = bypassed(layers.Dense(WIDTH, dtype=policy)(layers.Flatten(dtype=policy)(picture)), WIDTH, policy)
    x = layers.Activation("silu", dtype=policy)(layers.LayerNormalization()(x))
    mean, log_variance = (layers.Dense(latent, name=name, dtype="float32")(x) for name in ("mean", "log_variance"))
    return keras.Model(picture, [mean, log_variance], name="encoder")


def bypassed(x: Any, width: int, policy: str) -> Any:
    """Two dense layers whose output is added to their input."""
    layers = keras.layers
    y = layers.Activation("silu", dtype=policy)(layers.LayerNormalization()(x))
    y = layers.Dense(width, activation="silu", dtype=policy)(y)
    return layers.Add(dtype=policy)([x, layers.Dense(width, dtype=policy)(y)])


def build() -> keras.Model:
    """The encoder, not trained."""
    return networks().encoder


def make(folder: Path, epochs: int | None, seed: int, work: Path) -> Trained:
    """Train and judge it; see `export.vae.make`."""
    does = "Two values of a picture of clothes, and pictures of such values: a variational autoencoder whose decoder folds the plane."
    return vae.make("vae_2d", does, networks, PARAMETERS, RECIPE, folder, epochs, seed, work)


complete = vae.complete
