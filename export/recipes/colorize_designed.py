"""The colorizer as it was designed: an autoencoder that makes colours of grey, trained on Fruits-360."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from export.data import Floats
from export.data.pictures import read_fruits360
from export.evaluation.colorize import compare_with_baselines, grey_to_colour_table, model_colorizer
from export.pipeline.release import TensorInfo, TrainedModel
from export.pipeline.training import TrainingPlan, fit, warm_up_cosine
from rtkit.core.items import Image
from rtkit.onnx.card import Normalisation
from rtkit.video.size import to_grey

PARAMETERS = 452_803
EPOCHS, WARM_UP_EPOCHS, BATCH = 24, 2, 16
LEARNING_RATE = 1e-3
#: Grey and colours are taken from 0..255 to the range of tanh.
RANGE = Normalisation("pixels", 1 / 127.5, (1.0,))


def build(side: int | None = None, policy: str = "float32") -> keras.Model:
    """The network, not trained.

    Parameters
    ----------
    side : int, optional
        Of its pictures (pixels): training is many times faster where it is known. Any multiple of 4 when not given.
    policy : str
        Precision of the inner layers, as Keras calls it.
    """
    layers = keras.layers
    grey = keras.Input((side, side, 1), name="grey")
    x = layers.Conv2D(256, 5, padding="same", activation="relu", dtype=policy)(grey)
    x = layers.MaxPooling2D(dtype=policy)(x)
    x = layers.Conv2D(128, 3, padding="same", activation="relu", dtype=policy)(x)
    x = layers.MaxPooling2D(dtype=policy)(x)
    x = layers.Conv2D(64, 3, padding="same", activation="relu", dtype=policy)(x)
    x = layers.UpSampling2D(dtype=policy)(x)
    x = layers.Conv2D(128, 3, padding="same", activation="relu", dtype=policy)(x)
    x = layers.UpSampling2D(dtype=policy)(x)
    return keras.Model(grey, layers.Conv2D(3, 3, padding="same", activation="tanh", name="colours")(x), name="colorize_designed")


def make(folder: Path, epochs: int | None, seed: int, work: Path) -> TrainedModel:
    """Train on the training pictures of Fruits-360, judge on its test pictures.

    Data: ``fruits360_subset.zip``. See `export.recipes.Recipe.make`.
    """
    pictures, _, origin = read_fruits360(folder, "train")
    tests, _, _ = read_fruits360(folder, "test")
    grey, colours = as_grey(pictures), scaled(pictures[..., ::-1])
    keras.utils.set_random_seed(seed)
    model = build(grey.shape[1], "mixed_bfloat16")  # half the time, where the processor has it
    count = epochs or EPOCHS
    steps = -(-len(grey) // BATCH)
    rate = warm_up_cosine(LEARNING_RATE, count * steps, WARM_UP_EPOCHS * steps, start=LEARNING_RATE / 10, floor=0.01)
    model.compile(keras.optimizers.Adam(rate), "mse")

    def examples(random: np.random.Generator) -> tuple[Floats, Floats]:
        order = random.permutation(len(grey))
        return grey[order], colours[order]

    model, seen = fit(model, examples, None, TrainingPlan("as designed", count, BATCH, seed), work / "training", origin.sha256)
    plain = build()
    plain.set_weights(model.get_weights())
    with model_colorizer(plain, RANGE) as colorizer:
        metrics = compare_with_baselines(colorizer, grey_to_colour_table(list(pictures)), list(tests), "Fruits-360, test", on_white=True)
    return TrainedModel(
        name="colorize_designed",
        does="Makes a picture in colours of a grey one: an autoencoder of convolutions, which sees some 30 pixels around each.",
        limits="Knows ten fruits on white; slow (it works at full resolution) and soft (it makes the whole picture anew).",
        licence="MIT, as the data",
        model=plain,
        parameters=PARAMETERS,
        tensors={
            "grey": TensorInfo("luma, 0 to 255, brought to -1 to 1", "", (-1.0, 1.0)),
            "colours": TensorInfo("red, green, blue, 0 to 255, brought to -1 to 1", "", (-1.0, 1.0)),
        },
        examples=grey,
        data=[origin],
        metrics=metrics,
        normalisation=RANGE,
        made_by={"epochs": seen},
    )


def as_grey(pictures: list[Image] | np.ndarray) -> Floats:
    """The grey of BGR pictures as the network takes it, ``[n, h, w, 1]``."""
    return scaled(np.stack([to_grey(picture) for picture in pictures])[..., None])


def scaled(pixels: np.ndarray) -> Floats:
    """0 to 255 as -1 to 1."""
    return np.asarray(pixels / np.float32(127.5) - 1, np.float32)
