"""A variational autoencoder with 16 values."""

from __future__ import annotations

from pathlib import Path

import keras

from export import vae
from export.fashion import SIDE
from export.road import Trained
from export.vae import Networks, Recipe
from export.vae_2d import bypassed, encoder

PARAMETERS = 1_883_952
RECIPE = Recipe(epochs=24, batch=256, step=1.5e-3, hidden=0.1)
LATENT, WIDTH = 16, 512


def networks(latent: int = LATENT, policy: str = "float32") -> Networks:
    """The two halves, not trained; the inner layers of a precision, as Keras calls it."""
    layers = keras.layers
    z = keras.Input((latent,), name="z")
    y = bypassed(layers.Dense(WIDTH, dtype=policy)(z), WIDTH, policy)
    y = layers.Activation("silu", dtype=policy)(layers.LayerNormalization()(y))
    logits = layers.Reshape((SIDE, SIDE, 1), name="logits", dtype="float32")(layers.Dense(SIDE * SIDE, dtype="float32")(y))
    return Networks(encoder(latent, policy), keras.Model(z, logits, name="decoder"))


def build() -> keras.Model:
    """The encoder, not trained."""
    return networks().encoder


def make(folder: Path, epochs: int | None, seed: int, work: Path) -> Trained:
    """Train and judge it; see `export.vae.make`."""
    does = "Sixteen values of a picture of clothes, and pictures of such values: a variational autoencoder."
    return vae.make("vae_16d", does, networks, PARAMETERS, RECIPE, folder, epochs, seed, work)


complete = vae.complete
