"""The variational autoencoder as it was designed: two values, convolutions of 32 and 64."""

from __future__ import annotations

import keras

from export.data.fashion_mnist import SIDE_PX
from export.families.vae import Hyperparameters, Networks, VaeRecipe


def networks(latent: int = 2, policy: str = "float32") -> Networks:
    """The two halves, not trained; the inner layers of a precision, as Keras calls it."""
    layers = keras.layers
    picture = keras.Input((SIDE_PX, SIDE_PX, 1), name="picture")
    x = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu", dtype=policy)(picture)
    x = layers.Conv2D(64, 3, strides=2, padding="same", activation="relu", dtype=policy)(x)
    x = layers.Dense(16, activation="relu", dtype=policy)(layers.Flatten(dtype=policy)(x))
    mean, log_variance = (layers.Dense(latent, name=name, dtype="float32")(x) for name in ("mean", "log_variance"))
    z = keras.Input((latent,), name="z")
    y = layers.Dense(7 * 7 * 64, activation="relu", dtype=policy)(z)
    y = layers.Reshape((7, 7, 64), dtype=policy)(y)
    for filters in (64, 32):
        y = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", activation="relu", dtype=policy)(y)
    logits = layers.Conv2DTranspose(1, 3, padding="same", name="logits", dtype="float32")(y)
    return Networks(keras.Model(picture, [mean, log_variance], name="encoder"), keras.Model(z, logits, name="decoder"))


RECIPE = VaeRecipe(
    "vae_designed",
    "Two values of a picture of clothes, and pictures of such values: a variational autoencoder as it was designed.",
    networks,
    parameters=134_165,
    hyperparameters=Hyperparameters(epochs=30, batch=128, learning_rate=1.5e-3),
)
build, make, complete = RECIPE.build, RECIPE.make, RECIPE.complete
