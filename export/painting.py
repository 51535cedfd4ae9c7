"""A Keras model that colours pictures, as the processor `colorize` runs it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
from rtkit_colorize.colorize import Colorize

import rtkit
from export.colours import Paint
from export.conversion import convert
from rtkit.core.items import Image
from rtkit.onnx import Card, load
from rtkit.onnx.card import NAME, Normalisation, describe
from rtkit.onnx.find import MODEL


def painter(model: str) -> Paint:
    """Each picture by itself, by the processor with its defaults, whatever its size."""

    def paint(image: Image) -> Image:
        made, _ = rtkit.apply(Colorize(model=model), image[None], fps=1)
        picture: Image = made[0]
        return picture

    return paint


@contextlib.contextmanager
def painted_by(model: keras.Model, normalisation: Normalisation) -> Iterator[Paint]:
    """A painter by a Keras model, for as long as the context lasts."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / MODEL
        convert(model, path)
        plain = load(path)
        Card(
            format=1,
            name=model.name,
            does="being measured",
            files={MODEL: describe(path, plain.inputs, plain.outputs, {})},
            normalisation=normalisation,
        ).write(Path(name) / NAME)
        yield painter(name)
