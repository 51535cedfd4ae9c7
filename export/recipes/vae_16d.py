"""A variational autoencoder with 16 values."""

from __future__ import annotations

import keras

from export.families.vae import WIDTH, Hyperparameters, Networks, VaeRecipe, dense_encoder, dense_logits, residual


def networks(latent: int = 16, policy: str = "float32") -> Networks:
    """The two halves, not trained; the inner layers of a precision, as Keras calls it."""
    z = keras.Input((latent,), name="z")
    logits = dense_logits(residual(keras.layers.Dense(WIDTH, dtype=policy)(z), policy), policy)
    return Networks(dense_encoder(latent, policy), keras.Model(z, logits, name="decoder"))


RECIPE = VaeRecipe(
    "vae_16d",
    "Sixteen values of a picture of clothes, and pictures of such values: a variational autoencoder.",
    networks,
    parameters=1_883_952,
    hyperparameters=Hyperparameters(epochs=24, batch=256, learning_rate=1.5e-3, hidden=0.1),
)
build, make, complete = RECIPE.build, RECIPE.make, RECIPE.complete
