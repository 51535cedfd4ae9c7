"""A variational autoencoder with two values and a decoder that folds the plane well: the default of the processor `vae`."""

from __future__ import annotations

from typing import Any

import keras

from export.families.vae import WIDTH, Hyperparameters, Networks, VaeRecipe, dense_encoder, dense_logits, residual

#: Residual blocks of the decoder.
BLOCKS = 3
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
    for _ in range(BLOCKS):
        y = residual(y, policy)
    logits = dense_logits(y, policy)
    return Networks(dense_encoder(latent, policy), keras.Model(z, logits, name="decoder"))


RECIPE = VaeRecipe(
    "vae_2d",
    "Two values of a picture of clothes, and pictures of such values: a variational autoencoder whose decoder folds the plane.",
    networks,
    parameters=2_981_012,
    hyperparameters=Hyperparameters(epochs=30, batch=256, learning_rate=1.5e-3, hidden=0.2),
)
build, make, complete = RECIPE.build, RECIPE.make, RECIPE.complete
