"""How right the colours of a colorizer are, and baselines: a table from grey to colour, and the grey picture itself."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rtkit_colorize.colorize import Colorize

import rtkit
from rtkit.core.items import Image
from rtkit.models import Card, load
from rtkit.onnx.card import CARD_FILE, Normalisation, describe
from rtkit.onnx.find import MODEL_FILE
from rtkit.video.size import to_colour, to_grey

if TYPE_CHECKING:
    import keras

#: Makes a picture in colours from one in colours, of which it looks at the grey only.
Colorizer = Callable[[Image], Image]
#: A pixel of which a colour is below this (0 to 255) is no white backdrop.
BACKDROP_LEVEL = 0.94 * 255
GREY_LEVELS = 64


def psnr(truth: Image, made: Image) -> float:
    """Peak signal-to-noise ratio (dB) of the three colours together."""
    error = np.mean(np.square(truth.astype(np.float32) - made)) / 255**2
    return float(-10 * np.log10(error + 1e-10))


def ab_error(truth: Image, made: Image, where: NDArray[np.bool_] | None = None) -> float:
    """Mean distance in the plane of a* and b* (CIE 1976 L*a*b*), over all pixels or those of a mask ``[h, w]``."""
    differences = (_lab(truth) - _lab(made))[..., 1:]
    distance = np.sqrt(np.square(differences).sum(axis=-1))
    return float((distance if where is None else distance[where]).mean())


def _lab(image: Image) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2LAB), np.float32)


def foreground(image: Image) -> NDArray[np.bool_]:
    """What is not the white backdrop of a picture of Fruits-360."""
    return np.asarray(image.min(axis=-1) < BACKDROP_LEVEL)


def flicker(frames: Sequence[Image]) -> float:
    """Mean change (0 to 255) of all colours from one frame to the next."""
    return float(np.mean([cv2.absdiff(one, other).mean() for one, other in zip(frames[1:], frames[:-1], strict=True)]))


def colour_flicker(frames: Sequence[Image]) -> float:
    """Mean change of a* and b* alone, on pictures of 96 pixels across."""
    size = (96, 96 * frames[0].shape[0] // frames[0].shape[1])
    small = [np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8) for frame in frames]
    return float(np.mean([ab_error(one, other) for one, other in zip(small[1:], small[:-1], strict=True)]))


def grey_to_colour_table(pictures: Sequence[Image]) -> Colorizer:
    """The best that needs no network: for each of 64 levels of grey the mean of the colours that had it in some pictures."""
    levels = np.concatenate([to_grey(picture).ravel() for picture in pictures]) // (256 // GREY_LEVELS)
    colours = np.concatenate([picture.reshape(-1, 3) for picture in pictures])
    counts = np.maximum(np.bincount(levels, minlength=GREY_LEVELS), 1)
    means = np.stack([np.bincount(levels, colours[:, one], GREY_LEVELS) / counts for one in range(3)], axis=-1)
    bytes_ = means.round().astype(np.uint8)
    return lambda image: np.asarray(bytes_[to_grey(image) // (256 // GREY_LEVELS)], np.uint8)


def grey_copy(image: Image) -> Image:
    """The grey picture itself."""
    return to_colour(to_grey(image))


def evaluate(colorizer: Colorizer, pictures: Sequence[Image], split: str, on_white: bool = False) -> list[dict[str, Any]]:
    """Rows for a card: the mean over pictures of the distance of colours, and on white also of the PSNR.

    Parameters
    ----------
    colorizer : callable
        What is judged.
    pictures : sequence of ndarray
        BGR, in their true colours.
    split : str
        What they are, and what is judged.
    on_white : bool
        Whether they show something on white; the distance is then measured on that thing.
    """
    made = [colorizer(picture) for picture in pictures]
    pairs = list(zip(pictures, made, strict=True))
    errors = [ab_error(truth, one, foreground(truth) if on_white else None) for truth, one in pairs]
    name = "ab error of the foreground" if on_white else "ab error"
    rows = [{"metric": name, "value": round(float(np.mean(errors)), 2), "unit": "", "split": split, "count": len(pictures)}]
    if on_white:
        value = round(float(np.mean([psnr(*pair) for pair in pairs])), 2)
        rows.append({"metric": "PSNR", "value": value, "unit": "dB", "split": split, "count": len(pictures)})
    return rows


def processor_colorizer(model: str) -> Colorizer:
    """The processor `colorize` with its defaults, on each picture by itself, whatever its size."""

    def colorize(image: Image) -> Image:
        made, _ = rtkit.apply(Colorize(model=model), image[None], fps=1)
        picture: Image = made[0]
        return picture

    return colorize


@contextlib.contextmanager
def model_colorizer(model: keras.Model, normalisation: Normalisation) -> Iterator[Colorizer]:
    """A Keras model as the processor runs it, for as long as the context lasts."""
    from export.pipeline.conversion import convert

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / MODEL_FILE
        convert(model, path)
        plain = load(path)
        Card(
            format=1,
            name=model.name,
            does="being measured",
            files={MODEL_FILE: describe(path, plain.inputs, plain.outputs, {})},
            normalisation=normalisation,
        ).write(Path(name) / CARD_FILE)
        yield processor_colorizer(name)


def compare_with_baselines(
    colorizer: Colorizer, table: Colorizer, pictures: Sequence[Image], split: str, on_white: bool = False
) -> list[dict[str, Any]]:
    """Rows for a card about a network, a table from grey to colour and the grey picture itself; see `evaluate`."""
    compared = (("this network", colorizer), ("the table", table), ("grey copy", grey_copy))
    return [row for name, one in compared for row in evaluate(one, pictures, f"{split}: {name}", on_white)]
