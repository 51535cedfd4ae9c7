"""The autoencoder with a bottleneck of two values, as `cluster` was designed, for colour and for grey: network, training, accuracies."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rtkit_cluster.clusters import Floats
from rtkit_cluster.fit import k_means, space_of

from export.cluster import SETS, Fruits, Images, accuracy, inputs, write_beside
from export.pictures import FRUITS
from export.road import Trained, Words
from export.training import Finished, Plan, fit, make_deterministic
from rtkit.onnx import Tensor
from rtkit.onnx.card import Normalisation
from rtkit.onnx.picture import PictureInput

SIDE = 100
#: Filters of the encoder, the other way round in the decoder. The design tells the kinds of layers and how many parameters they have
#: in colour; these widths have exactly so many.
WIDTHS = (72, 48, 60)
#: Parameters of the autoencoder, by the number of colours.
PARAMETERS = {3: 204_857, 1: 199_959}
#: The set whose encoder is shipped: of two values, ten fruits are too many.
SHIPPED = SETS[3]
#: Epochs, by the number of fruits.
EPOCHS = {2: 15, 4: 30, 10: 12}
BATCH, STEP = 16, 1e-3
UNIT = Normalisation("pixels", 1 / 255)


def build(colours: int) -> keras.Model:
    """The autoencoder, not trained, for pictures of 3 colours or 1; its layer ``latent`` gives the two values."""
    layers = keras.layers
    x = picture = keras.Input((SIDE, SIDE, colours), name="picture")
    for filters, kernel in zip(WIDTHS, (5, 3, 3), strict=True):
        x = layers.Conv2D(filters, kernel, strides=2, padding="same", activation="relu")(x)
    _, height, width, depth = x.shape
    latent = layers.Dense(2, name="latent")(layers.Flatten()(x))
    x = layers.Dense(height * width * depth, activation="relu")(latent)
    x = layers.Reshape((height, width, depth))(x)
    for filters in reversed(WIDTHS):
        x = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2D(colours, 3, padding="same", activation="sigmoid")(x)
    return keras.Model(picture, layers.Cropping2D(2)(x), name="bottleneck")  # from 104 to 100 pixels


def make(name: str, colours: int, folder: Path, epochs: int | None, seed: int, work: Path) -> Trained:
    """Train an autoencoder for each set of fruits, judge the clusters of its latents, and take the encoder of `SHIPPED`.

    Parameters
    ----------
    name : str
        What the model is called.
    colours : int
        3, or 1 for grey.
    folder : Path
        Holds ``fruits360_subset.zip``.
    epochs : int, optional
        Of each training, instead of `EPOCHS`.
    seed : int
        Of everything random.
    work : Path
        Folder for what a later run goes on from.
    """
    fruits = Fruits.read(folder)
    done = Finished(work, f"{fruits.origin.sha256} {name} {epochs} {seed}")
    metrics = []
    for kinds in (kinds for kinds in SETS if kinds != SHIPPED):
        of_kinds, title = fruits.only(kinds), _title(kinds, colours)
        value = done.once(title, functools.partial(_judge, of_kinds, colours, epochs, seed, done, title))
        metrics.append(_row(title, value, of_kinds))
    title, chosen = _title(SHIPPED, colours), fruits.only(SHIPPED)
    model = _trained(chosen, colours, epochs, seed, done, title)
    metrics.append(_row(title, _accuracy(model, chosen), chosen))
    return Trained(
        name=name,
        does="Two values of a picture, by the encoder of an autoencoder, in which k-means finds clusters; beside it, those of four fruits.",
        limits=f"Made for comparison: it knows {', '.join(SHIPPED)} on white, and says little of other pictures.",
        licence="MIT as the pictures: Fruits-360",
        model=model,
        parameters=model.count_params(),
        words={
            "picture": Words(f"the whole picture; {'RGB' if colours == 3 else 'grey'}", "", (0.0, 1.0)),
            "latent": Words("the bottleneck"),
        },
        examples=_inputs(chosen.train[::9], colours),
        data=[fruits.origin],
        metrics=metrics,
        normalisation=UNIT,
        made_by={"epochs": epochs or EPOCHS[len(SHIPPED)], "autoencoder_parameters": PARAMETERS[colours], "trained_on": list(SHIPPED)},
    )


def complete(folder: Path, out: Path) -> None:
    """Find the clusters of the four fruits with the encoder in `out`, and write them beside it."""
    write_beside(Fruits.read(folder).only(SHIPPED), out)


def _title(kinds: tuple[str, ...], colours: int) -> str:
    return f"{', '.join(kinds) if len(kinds) < len(FRUITS) else 'ten fruits'}, {'colour' if colours == 3 else 'grey'}"


def _row(title: str, value: float, fruits: Fruits) -> dict[str, Any]:
    """An accuracy, as it stands on the card."""
    return {"metric": "accuracy", "value": round(value, 4), "unit": "1", "split": f"Fruits-360 test, {title}", "count": len(fruits.test)}


def _judge(fruits: Fruits, colours: int, epochs: int | None, seed: int, done: Finished, title: str) -> float:
    return _accuracy(_trained(fruits, colours, epochs, seed, done, title), fruits)


def _accuracy(encoder: keras.Model, fruits: Fruits) -> float:
    """Accuracy on the test pictures of clusters that were found in the latents of the training pictures."""
    colours = encoder.input_shape[-1]
    train, test = (np.asarray(encoder.predict(_inputs(images, colours), verbose=0)) for images in (fruits.train, fruits.test))
    space = space_of(train)
    seen, unseen = (space.latents(space.prepared(features)) for features in (train, test))
    return accuracy(k_means(seen, len(set(fruits.kinds))).predict(unseen), fruits.test_kinds)


def _trained(fruits: Fruits, colours: int, epochs: int | None, seed: int, done: Finished, title: str) -> keras.Model:
    """The encoder of an autoencoder that was trained on the training pictures."""
    make_deterministic(seed)
    pictures = _inputs(fruits.train, colours)
    model = build(colours)
    assert model.count_params() == PARAMETERS[colours]
    model.compile(keras.optimizers.Adam(STEP), "mse")

    def examples(random: np.random.Generator) -> tuple[Floats, Floats]:
        shuffled = pictures[random.permutation(len(pictures))]
        return shuffled, shuffled

    plan = Plan(title, epochs or EPOCHS[len(set(fruits.kinds))], BATCH, seed)
    model, _ = fit(model, examples, None, plan, done.folder)
    return keras.Model(model.input, model.get_layer("latent").output)


def _inputs(images: Images, colours: int) -> Floats:
    taken = PictureInput(Tensor("picture", "float32", ("n", SIDE, SIDE, colours)), UNIT, SIDE, SIDE, "bottleneck")
    return inputs(taken, images, False)
