"""The colorizer as it was designed: an autoencoder that makes colours of grey, trained on Fruits-360."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from export.colours import grey_copy, judge, table
from export.data import Floats
from export.painting import painted_by
from export.pictures import fruits360
from export.road import Trained, Words
from export.training import Plan, fit
from rtkit.core.items import Image
from rtkit.onnx.card import Normalisation
from rtkit.video.size import to_grey

PARAMETERS = 452_803
EPOCHS, BATCH = 24, 16
#: Largest step of Adam, which warms up over two epochs and falls as a cosine.
STEP = 1e-3
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


def make(folder: Path, epochs: int | None, seed: int, work: Path) -> Trained:
    """Train on the training pictures of Fruits-360, judge on its test pictures.

    Parameters
    ----------
    folder : Path
        Holds ``fruits360_subset.zip``.
    epochs : int, optional
        Instead of `EPOCHS`.
    seed : int
        Of everything random.
    work : Path
        Folder for what a later run goes on from.
    """
    pictures, _, origin = fruits360(folder, "train")
    tests, _, _ = fruits360(folder, "test")
    grey, colours = as_grey(pictures), scaled(pictures[..., ::-1])
    keras.utils.set_random_seed(seed)
    model = build(grey.shape[1], "mixed_bfloat16")  # half the time, where the processor has it
    count = epochs or EPOCHS
    steps = -(-len(grey) // BATCH)
    warm_up = 2 * steps
    rate = keras.optimizers.schedules.CosineDecay(
        STEP / 10, max(count * steps - warm_up, 1), 0.01, warmup_target=STEP, warmup_steps=warm_up
    )
    model.compile(keras.optimizers.Adam(rate), "mse")

    def examples(random: np.random.Generator) -> tuple[Floats, Floats]:
        order = random.permutation(len(grey))
        return grey[order], colours[order]

    model, seen = fit(model, examples, None, Plan("as designed", count, BATCH, seed), work / "training", origin.sha256)
    plain = build()
    plain.set_weights(model.get_weights())
    metrics = []
    with painted_by(plain, RANGE) as paint:
        for name, one in (("this network", paint), ("the table", table(list(pictures))), ("grey copy", grey_copy)):
            metrics += judge(one, list(tests), f"Fruits-360, test: {name}", on_white=True)
    return Trained(
        name="colorize_designed",
        does="Makes a picture in colours of a grey one: an autoencoder of convolutions, which sees some 30 pixels around each.",
        limits="Knows ten fruits on white; slow (it works at full resolution) and soft (it makes the whole picture anew).",
        licence="MIT, as the data",
        model=plain,
        parameters=PARAMETERS,
        words={
            "grey": Words("luma, 0 to 255, brought to -1 to 1", "", (-1.0, 1.0)),
            "colours": Words("red, green, blue, 0 to 255, brought to -1 to 1", "", (-1.0, 1.0)),
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
