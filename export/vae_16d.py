"""A variational autoencoder with 16 values."""

from __future__ import annotations

from pathlib import Path

import keras

from export.fashion import SIDE
from export import vae
from export.road import Trained
from export.vae import Networks, Recipe
from export.vae_2d import bypassed, encoder

RECIPE = Recipe(epochs=20, batch=256, step=1.5e-3, hidden=0.1)
LATENT, WIDTH = 16, 256


def networks(latent: int = LATENT, policy: str = "float32") -> Networks:
    """The two halves, not trained; the inner layers of a precision, as Keras calls it."""
    layers = keras.layers
    z = keras.Input((latent,), name="z")
    y = bypassed(layers.Dense(WIDTH, dtype=policy)(z), WIDTH, policy)
    y = layers.Activation("silu", dtype=policy)(layers.LayerNormalization()(y))
    smooth = layers.Reshape((SIDE, SIDE, 1), dtype="float32")(layers.Dense(SIDE * SIDE, dtype="float32")(y))
    y = layers.Reshape((7, 7, 64), dtype=policy)(layers.Dense(7 * 7 * 64, activation="silu", dtype=policy)(y))
    y = layers.Conv2DTranspose(48, 4, strides=2, padding="same", activation="silu", dtype=policy)(y)
    y = layers.Conv2D(4, 3, padding="same", dtype="float32")(y)  # four pixels a place
    sharp = layers.Reshape((SIDE, SIDE, 1))(layers.Permute((1, 3, 2, 4))(layers.Reshape((SIDE // 2, SIDE // 2, 2, 2))(y)))
    logits = layers.Add(name="logits", dtype="float32")([smooth, sharp])
    return Networks(encoder(latent, WIDTH, policy), keras.Model(z, logits, name="decoder"))


def build() -> keras.Model:
    """The encoder, not trained."""
    return networks().encoder


def make(folder: Path, epochs: int | None, seed: int, work: Path) -> Trained:
    """Train and judge it; see `export.vae.make`."""
    does = "Sixteen values of a picture of clothes, and pictures of such values: a variational autoencoder."
    return vae.make("vae_16d", does, networks, PARAMETERS, RECIPE, folder, epochs, seed, work)


complete = vae.complete
