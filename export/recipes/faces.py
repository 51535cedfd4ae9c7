"""The recogniser of faces as it was designed: 200, 50 and 1 units on principal components, for two people, or n units for more."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rtkit_faces import evaluation, people, similarity
from rtkit_faces.enrolment import DOES, LIMITS
from rtkit_faces.normalising import PIXELS
from rtkit_faces.recogniser import INPUT, OUTPUT
from rtkit_faces.training import COMPONENTS, HIDDEN, RATE, Floats, Labels, Projection, count_variations, levelled, project

from export.data.album import Album
from export.pipeline.release import TensorInfo, TrainedModel
from export.pipeline.training import ResultCache, TrainingPlan, fit, make_deterministic
from rtkit.onnx.find import MODEL_FILE

#: Components and people of the design, and the parameters of its network.
DESIGNED = (10, 2)
PARAMETERS = 12_301
EPOCHS, BATCH = 15, 64


def build(components: int = DESIGNED[0], count: int = DESIGNED[1]) -> keras.Model:
    """The network on whitened components, not trained, for so many people."""
    layers = keras.layers
    x = values = keras.Input((components,), name="components")
    for number, units in enumerate(HIDDEN):
        x = layers.Dense(units, activation="tanh", name=f"hidden_{number + 1}")(x)
    last = layers.Dense(1, activation="sigmoid", name=OUTPUT) if count == 2 else layers.Dense(count, activation="softmax", name=OUTPUT)
    return keras.Model(values, last(x), name="faces")


def count_parameters(components: int, count: int) -> int:
    """Parameters of the network, and of the projection before it."""
    widths = [components, *HIDDEN, 1 if count == 2 else count]
    return sum((inputs + 1) * units for inputs, units in zip([PIXELS, *widths], widths, strict=False))


def with_projection(network: keras.Model, projection: Projection) -> keras.Model:
    """The network behind the projection that was learned for it, as a layer that is not trained: levelled faces in."""
    layer = projection.dense()
    face = keras.Input((PIXELS,), name=INPUT)
    project = keras.layers.Dense(len(layer.bias), name="projection", trainable=False)
    x = project(face)
    project.set_weights([layer.weights.astype(np.float32), layer.bias.astype(np.float32)])
    for inner in network.layers[1:]:
        x = inner(x)
    return keras.Model(face, x, name="faces")


def make(folder: Path, epochs: int | None, seed: int, work: Path) -> TrainedModel:
    """Judge the network on faces that are left out in turn, and train it on all.

    Data: a folder of pictures for each person. See `export.recipes.Recipe.make`.
    """
    album = Album.read(folder)
    rows = levelled(album.faces, count_variations(len(album.faces)))
    done = ResultCache(work, f"{album.origin.sha256} {epochs} {seed}")
    metrics = [
        _metric(f"{evaluation.FOLDS} parts left out in turn, {components} components", right, len(rows))
        for components in (DESIGNED[0], COMPONENTS)
        for right in [done.once(str(components), functools.partial(_left_out, rows, album.owners, components, epochs, seed, done))]
    ]
    model, projection = _trained(rows, album.owners, COMPONENTS, epochs, seed, done, "all faces")
    return TrainedModel(
        name="faces",
        does=DOES,
        limits=LIMITS,
        licence="that of the pictures",
        model=with_projection(model, projection),
        parameters=count_parameters(projection.axes.shape[1], len(album.names)),
        tensors={
            INPUT: TensorInfo("a levelled face, row by row, of mean 0 and length 1"),
            OUTPUT: TensorInfo("probability of the second of two people, or of each", "1", (0.0, 1.0)),
        },
        examples=rows[:, 0].astype(np.float32),
        data=[album.origin],
        metrics=metrics,
        labels=album.names,
        made_by={"epochs": epochs or EPOCHS, "faces": len(rows), "variations": rows.shape[1] - 1},
    )


def complete(folder: Path, out: Path) -> None:
    """Write the people and their faces beside the network in `out`, for the processor `faces` and for enrolling more."""
    album = Album.read(folder)
    usual = similarity.impostors(levelled(album.faces, count_variations(len(album.faces))), album.owners)
    digest = hashlib.sha256((out / MODEL_FILE).read_bytes()).hexdigest()
    people.write(people.People(album.names, album.faces, album.owners, usual, ".", digest), out)


def _left_out(rows: Floats, owners: Labels, components: int, epochs: int | None, seed: int, done: ResultCache) -> float:
    """Share of the faces that a network gives to the right person which has not seen them."""
    right = 0
    for number, places in enumerate(evaluation.parts(owners)):
        kept = np.setdiff1d(np.arange(len(rows)), places)
        title = f"part {number + 1} of {evaluation.FOLDS}, {components} components"
        model, projection = _trained(rows[kept], owners[kept], components, epochs, seed, done, title)
        found = np.asarray(model((rows[places, 0] - projection.mean) @ projection.axes))
        labels = (found[:, 0] >= 0.5).astype(int) if found.shape[1] == 1 else found.argmax(axis=1)
        right += int((labels == owners[places]).sum())
    return right / len(rows)


def _trained(
    rows: Floats, owners: Labels, components: int, epochs: int | None, seed: int, done: ResultCache, title: str
) -> tuple[keras.Model, Projection]:
    """The network, and the projection before it, learned from levelled faces ``[m, 1 + v, PIXELS]``."""
    flat, targets = rows.reshape(-1, PIXELS), np.repeat(owners, rows.shape[1])
    projection = project(flat, len(rows), components, seed)
    values = ((flat - projection.mean) @ projection.axes).astype(np.float32)
    make_deterministic(seed)
    count = int(owners.max()) + 1
    model = build(values.shape[1], count)
    model.compile(keras.optimizers.Adam(RATE), "binary_crossentropy" if count == 2 else "sparse_categorical_crossentropy")

    def examples(random: np.random.Generator) -> tuple[Floats, Any]:
        order = random.permutation(len(values))
        return values[order], targets[order]

    key = hashlib.sha256(values.tobytes()).hexdigest()
    return fit(model, examples, None, TrainingPlan(title, epochs or EPOCHS, BATCH, seed), done.folder, key)[0], projection


def _metric(split: str, right: float, count: int) -> dict[str, Any]:
    return {"metric": "accuracy", "value": round(right, 4), "unit": "1", "split": split, "count": count}
