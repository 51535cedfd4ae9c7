"""The clusters as they were designed: a convolutional autoencoder with a bottleneck of two values, whose encoder `cluster` takes."""

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
#: Parameters of the autoencoder, for colour and grey.
PARAMETERS = {3: 29_365, 1: 28_211}
#: The set whose encoder is shipped: of two values, ten fruits are too many.
SHIPPED = SETS[3]
#: Sets, grey or not, that are not among the first: the one that is trained last, and ten fruits in grey, for which two values are too few.
LAST = ((SHIPPED, False), (FRUITS, True))
#: Epochs, by the number of fruits.
EPOCHS = {2: 25, 4: 100, 10: 20}
BATCH = 32
UNIT = Normalisation("pixels", 1 / 255)


def build(colours: int = 3) -> keras.Model:
    """The autoencoder, not trained; its layer ``latent`` gives the two values."""
    layers = keras.layers
    x = picture = keras.Input((SIDE, SIDE, colours), name="picture")
    for filters in (32, 16, 8):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    latent = layers.Dense(2, name="latent")(layers.Flatten()(x))
    x = layers.Reshape((13, 13, 8))(layers.Dense(13 * 13 * 8, activation="relu")(latent))
    for filters in (16, 32, 32):
        x = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2D(colours, 3, padding="same", activation="sigmoid")(x)
    return keras.Model(picture, layers.Cropping2D(2)(x), name="cluster_designed")  # from 104 to 100 pixels


def make(folder: Path, epochs: int | None, seed: int, work: Path) -> Trained:
    """Train an autoencoder for each set of fruits, judge the clusters of its latents, and take the encoder of `SHIPPED`.

    Parameters
    ----------
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
    done = Finished(work, f"{fruits.origin.sha256} {epochs} {seed}")
    metrics = []
    for kinds, grey in ((kinds, grey) for kinds in SETS for grey in (False, True) if (kinds, grey) not in LAST):
        title, of_kinds = _title(kinds, grey), fruits.only(kinds)
        value = done.once(title, functools.partial(_judge, of_kinds, grey, epochs, seed, done, title))
        metrics.append(_row(title, value, of_kinds))
    title, chosen = _title(SHIPPED, False), fruits.only(SHIPPED)
    model = _trained(chosen, False, epochs, seed, done, title)
    metrics.append(_row(title, _accuracy(model, chosen, False), chosen))
    return Trained(
        name="cluster_designed",
        does="Two values of a picture, by the encoder of an autoencoder, in which k-means finds clusters; beside it, those of four fruits.",
        limits=f"Made for comparison: it knows {', '.join(SHIPPED)} on white, and says little of other pictures.",
        licence="MIT as the pictures: Fruits-360",
        model=model,
        parameters=model.count_params(),
        words={
            "picture": Words("the whole picture; RGB", "", (0.0, 1.0)),
            "latent": Words("the bottleneck"),
        },
        examples=_inputs(chosen.train[::9], False),
        data=[fruits.origin],
        metrics=metrics,
        normalisation=UNIT,
        made_by={"epochs": epochs or EPOCHS[len(SHIPPED)], "autoencoder_parameters": PARAMETERS[3], "trained_on": list(SHIPPED)},
    )


def complete(folder: Path, out: Path) -> None:
    """Find the clusters of the four fruits with the encoder in `out`, and write them beside it."""
    write_beside(Fruits.read(folder).only(SHIPPED), out)


def _title(kinds: tuple[str, ...], grey: bool) -> str:
    return f"{', '.join(kinds) if len(kinds) < len(FRUITS) else 'ten fruits'}, {'grey' if grey else 'colour'}"


def _row(title: str, value: float, fruits: Fruits) -> dict[str, Any]:
    """An accuracy, as it stands on the card."""
    return {"metric": "accuracy", "value": round(value, 4), "unit": "1", "split": f"Fruits-360 test, {title}", "count": len(fruits.test)}


def _judge(fruits: Fruits, grey: bool, epochs: int | None, seed: int, done: Finished, title: str) -> float:
    return _accuracy(_trained(fruits, grey, epochs, seed, done, title), fruits, grey)


def _accuracy(encoder: keras.Model, fruits: Fruits, grey: bool) -> float:
    """Accuracy on the test pictures of clusters that were found in the latents of the training pictures."""
    train, test = (np.asarray(encoder.predict(_inputs(images, grey), verbose=0)) for images in (fruits.train, fruits.test))
    space = space_of(train)
    seen, unseen = (space.latents(space.prepared(features)) for features in (train, test))
    return accuracy(k_means(seen, len(set(fruits.kinds))).predict(unseen), fruits.test_kinds)


def _trained(fruits: Fruits, grey: bool, epochs: int | None, seed: int, done: Finished, title: str) -> keras.Model:
    """The encoder of an autoencoder that was trained on the training pictures."""
    make_deterministic(seed)
    pictures = _inputs(fruits.train, grey)
    model = build(pictures.shape[-1])
    assert model.count_params() == PARAMETERS[pictures.shape[-1]]
    model.compile(keras.optimizers.Adam(2e-3), "mse")

    def examples(random: np.random.Generator) -> tuple[Floats, Floats]:
        shuffled = pictures[random.permutation(len(pictures))]
        return shuffled, shuffled

    plan = Plan(title, epochs or EPOCHS[len(set(fruits.kinds))], BATCH, seed)
    model, _ = fit(model, examples, None, plan, done.folder)
    return keras.Model(model.input, model.get_layer("latent").output, name="cluster_designed")


def _inputs(images: Images, grey: bool) -> Floats:
    shape = ("n", SIDE, SIDE, 1 if grey else 3)
    return inputs(PictureInput(Tensor("picture", "float32", shape), UNIT, SIDE, SIDE, "cluster_designed"), images, False)
