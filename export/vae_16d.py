"""A variational autoencoder with 16 values."""

from __future__ import annotations

import keras

from export.fashion import SIDE
from export.vae import Networks
from export.vae_2d import bypassed, encoder

EPOCHS, BATCH, STEP = 30, 256, 1.5e-3
HIDDEN = 0.1
LATENT, WIDTH = 16, 256


def build(latent: int = LATENT, policy: str = "float32") -> Networks:
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
