"""Backbones for `cam`: networks for ImageNet, cut between features and head, with their card."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rtkit_cam.cut import cut
from rtkit_cam.maps import class_map
from rtkit_cam.network import FORM

from export.data.origin import sha256
from export.data.pictures import imagenet_labels, read_imagenet_sample
from export.pipeline import quantisation
from rtkit.core.errors import InputError, RtkitError, UsageError
from rtkit.models import Card, Model, load
from rtkit.onnx import timing
from rtkit.onnx.card import File, Normalisation, Proof, Tensor, describe, publish
from rtkit.onnx.find import MODEL_FILE
from rtkit.onnx.normalising import UNIT_INTERVAL
from rtkit.onnx.picture import PictureInput

#: Largest difference from Keras, relative to the largest logit: 50 layers of float32, untrained, show up to 3e-5.
MAX_KERAS_DIFFERENCE = 1e-4
#: Largest difference of the mean of a map plus its bias from the logit, relative to the largest logit.
MAX_LAW_DIFFERENCE = 1e-4
#: An int8 variant is kept if it is so many times faster, and loses no more than this share of the pictures.
MIN_SPEEDUP, MARGIN = 1.25, 0.01
#: Sizes (height, width) at which the law is proved: the usual one, one of a camera, an odd one, a small one.
SIZES_PX = ((224, 224), (192, 256), (161, 227), (96, 64))
MEANINGS = {
    "logits": "of the classes, before softmax",
    "features": "what is averaged and weighted",
    "cam_weights": "of each feature for each class",
    "cam_bias": "of each class",
    "guide": "an earlier tensor, in which places are compared",
}


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network: its name in Keras applications (None if it is not there), what it needs of a picture, and its licence."""

    keras: str | None
    normalisation: Normalisation
    licence: str


BACKBONES = {
    "efficientnet_lite0": Backbone(None, Normalisation(), "Apache-2.0"),
    "mobilenet_v2": Backbone("MobileNetV2", Normalisation("pixels", 1 / 127.5, (1.0,)), "Apache-2.0 (Keras applications)"),
    "resnet50": Backbone(
        "ResNet50", Normalisation("pixels", 1.0, (103.939, 116.779, 123.68), colour="bgr"), "MIT (Keras applications, from K. He's weights)"
    ),
}


def make(backbone: str, weights: Path | None, pictures: Path | None, out: Path) -> Card:
    """Write a backbone as ``model.onnx`` in the form that `cam` takes, with its card.

    Parameters
    ----------
    backbone : str
        One of `BACKBONES`, or a name of your own for an ONNX file.
    weights : Path, optional
        An ONNX file; or weights of Keras applications, which are downloaded when not given.
    pictures : Path, optional
        A folder with ``imagenet_sample/labels.csv``, to measure accuracy and to try int8.
    out : Path
        The folder to write.

    Raises
    ------
    UsageError
        Weights are needed for a backbone that Keras does not have.
    InputError
        The weights are not there, do not fit, or are of a network without such a head.
    RtkitError
        ONNX Runtime and Keras differ, or the law of the maps does not hold.
    """
    known = BACKBONES.get(backbone, Backbone(None, UNIT_INTERVAL, ""))
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if weights is not None and weights.suffix == ".onnx":
            proofs: list[Proof] = []
            try:
                source = weights.read_bytes()
            except OSError as error:
                raise InputError(f"{weights}: cannot be read: {error.strerror}") from None
        elif known.keras is None:
            raise UsageError(f"cam: {backbone} is not in Keras applications; give --weights FILE.onnx")
        else:
            source, proofs = _from_keras(known.keras, weights, scratch)
        (scratch / MODEL_FILE).write_bytes(cut(source, str(weights or backbone)))
        card = _card(backbone, known, scratch, proofs, weights, pictures)
        publish(card, scratch, out)
    load(out / MODEL_FILE)
    return card


def build(application: str, weights: str | None = None) -> Any:
    """A network of Keras applications for pictures of any size, with logits at its end; not trained unless `weights` names some."""
    import keras

    make = getattr(keras.applications, application)
    whole = make(weights=weights, classifier_activation=None)  # Keras makes it with its head for one size only
    body = make(include_top=False, input_shape=(None, None, 3), weights=None)
    pooled = keras.layers.GlobalAveragePooling2D()(body.output)
    model = keras.Model(body.input, keras.layers.Dense(whole.output_shape[-1], name="logits")(pooled))
    model.set_weights(whole.get_weights())
    return model


def _from_keras(application: str, weights: Path | None, scratch: Path) -> tuple[bytes, list[Proof]]:
    from export.pipeline import verification
    from export.pipeline.conversion import convert

    if weights is not None and not weights.is_file():
        raise InputError(f"{weights}: no such file; expected weights of Keras's {application}, or an ONNX file")
    try:
        model = build(application, "imagenet" if weights is None else str(weights))
    except Exception as error:  # of the download, of HDF5, of shapes
        what = f"{weights}: no weights of Keras's {application}" if weights else f"the weights of {application} cannot be downloaded"
        raise InputError(f"{what}: {' '.join(str(error).split())[:200]}; give --weights FILE") from None
    path = scratch / "whole.onnx"
    convert(model, path)
    return path.read_bytes(), verification.against_keras(
        model, load(path), limit=MAX_KERAS_DIFFERENCE, batches=(1, 3), sizes=(96, 141, 224)
    )


def prove_law(model: Model) -> list[Proof]:
    """How far the mean of each map plus its bias is from the logit, relative to the largest logit, on noise of several sizes.

    Raises
    ------
    RtkitError
        Beyond `MAX_LAW_DIFFERENCE`.
    """
    tensor, random, proofs = model.inputs[0], np.random.default_rng(0), list[Proof]()
    for height, width in SIZES_PX:
        taken = PictureInput(tensor, Normalisation(), width, height, model.path)
        if (taken.height, taken.width) != (height, width) and proofs:
            continue  # a network of one size
        shape = [taken.sizes[size] if isinstance(size, str) else size for size in tensor.shape]
        picture = random.uniform(0, 255, shape).astype(tensor.dtype)
        logits, features, weights, bias = model.session.run(list(FORM), {tensor.name: picture})
        means = np.array([class_map(features[0], weights[:, number]).mean() for number in range(len(bias))])
        difference = float(np.abs(means + bias - logits[0]).max() / np.abs(logits).max())
        if not difference <= MAX_LAW_DIFFERENCE:
            raise RtkitError(f"{model.path}: the mean of a map plus its bias differs from the logit by {difference:.1e}")
        proofs.append(Proof(f"mean of each map + bias against the logit, {taken.height} x {taken.width}", difference))
    return proofs


def _card(backbone: str, known: Backbone, scratch: Path, proofs: list[Proof], weights: Path | None, pictures: Path | None) -> Card:
    import importlib.metadata

    metrics: list[dict[str, Any]] = []
    table: list[dict[str, Any]] = []
    if pictures is not None:
        images, classes = _pictures(pictures, load(scratch / MODEL_FILE), known.normalisation)
        calibration, rest = slice(None, None, 4), np.arange(len(images)) % 4 != 0
        chosen, table = quantisation.best(
            scratch / MODEL_FILE,
            images[calibration],
            lambda model: _top(model, images[rest], classes[rest], 1),
            MARGIN,
            scratch,
            MIN_SPEEDUP,
        )
        try:
            prove_law(load(chosen))
            chosen.replace(scratch / MODEL_FILE)
        except RtkitError as reason:  # an int8 head is no longer linear in its features
            refused = {"kept": False, "refused": str(reason).partition(": ")[2]}
            table = [table[0] | {"kept": True}, *(row | (refused if row.get("kept") else {}) for row in table[1:])]
        split = "imagenet_sample, centre crop 224 of 256; probably training pictures, so optimistic"
        for count in (1, 5):
            value = round(100 * _top(load(scratch / MODEL_FILE), images, classes, count), 2)
            metrics.append({"metric": f"top-{count}", "value": value, "unit": "%", "split": split, "count": len(images)})
    model, names = load(scratch / MODEL_FILE), imagenet_labels()
    made_by: dict[str, Any] = {"command": f"python -m export cam --backbone {backbone}", "date": date.today().isoformat()}
    if weights is not None:
        made_by |= {"weights": weights.name, "weights_sha256": sha256(weights)}
    return Card(
        format=1,
        name=backbone,
        does=f"{backbone}: one of 1,000 classes of ImageNet in a picture, and, by its class activation maps, where.",
        limits="Knows the classes of ImageNet only, and names one of them whatever the picture shows.",
        licence=known.licence,
        files={MODEL_FILE: _described(scratch / MODEL_FILE, model)},
        normalisation=known.normalisation if model.inputs[0].dtype != "uint8" else Normalisation(),
        labels=tuple(names) if model.outputs[0].shape[1] == len(names) else (),
        parameters=_count(scratch / MODEL_FILE),
        metrics=metrics,
        verification=proofs + prove_law(model),
        quantisation=table,
        latency=[_latency(model, side) for side in (224, 448)],
        made_by=made_by | {"versions": {name: importlib.metadata.version(name) for name in ("onnx", "onnxruntime", "numpy")}},
    )


def _count(path: Path) -> int:
    """Numbers that were learned: all floats in the file."""
    import onnx

    return sum(int(np.prod(tensor.dims)) for tensor in onnx.load(path).graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT)


def _latency(model: Model, side: int) -> dict[str, Any]:
    tensor = model.inputs[0]
    taken = PictureInput(tensor, Normalisation(), side, side, model.path)
    picture = np.zeros([taken.sizes[size] if isinstance(size, str) else size for size in tensor.shape], tensor.dtype)
    seconds = timing.medians({"call": lambda: model.session.run(["logits", "features"], {tensor.name: picture})})["call"]
    return {"case": f"one picture of {taken.width} x {taken.height}", "us": round(1e6 * seconds, 1), "processor": timing.processor_name()}


def _described(path: Path, model: Model) -> File:
    outputs = tuple(Tensor(tensor.name, tensor.dtype, tensor.shape, MEANINGS[tensor.name]) for tensor in model.outputs)
    inputs = tuple(Tensor(tensor.name, tensor.dtype, tensor.shape, "picture") for tensor in model.inputs)
    return describe(path, inputs, outputs, {})


def _pictures(folder: Path, model: Model, normalisation: Normalisation) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Inputs ``[n, …]`` of the pictures, their centres at 224 x 224, and their classes ``[n]``."""
    pictures, classes, _ = read_imagenet_sample(folder)
    tensor = model.inputs[0]
    taken = PictureInput(tensor, Normalisation() if tensor.dtype == "uint8" else normalisation, 224, 224, model.path)
    shape = [taken.sizes[size] if isinstance(size, str) else size for size in tensor.shape]
    images = np.zeros((len(pictures), *shape[1:]), tensor.dtype)
    for index, image in enumerate(pictures):
        height, width = image.shape[:2]
        side = int(min(height, width) * 224 / 256)
        top, left = (height - side) // 2, (width - side) // 2
        taken.fill(image[top : top + side, left : left + side], images[index : index + 1])
    return images, classes


def _top(model: Model, images: NDArray[Any], classes: NDArray[np.int64], count: int) -> float:
    """Share of the pictures whose class is among the `count` most probable."""
    name = model.inputs[0].name
    logits = np.concatenate([model.session.run(["logits"], {name: images[index : index + 1]})[0] for index in range(len(images))])
    best = np.argsort(-logits, axis=1)[:, :count]
    return float((best == classes[:, None]).any(axis=1).mean())
