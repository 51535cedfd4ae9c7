"""The colorizer for live frames: chroma at a quarter of the resolution, from the features of a network that knows ImageNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray
from rtkit_colorize.chroma import split

from export.data import Floats
from export.data.pictures import read_animals, read_fruits360, read_groceries, read_imagenet_sample
from export.data.textures import texture
from export.evaluation.colorize import compare_with_baselines, grey_to_colour_table, model_colorizer
from export.families import efficientnet_lite0
from export.pipeline.release import TensorInfo, TrainedModel
from export.pipeline.training import TrainingPlan, fit, make_deterministic, warm_up_cosine
from rtkit.core.items import Image
from rtkit.onnx.card import Normalisation

PARAMETERS = 3_060_338
EPOCHS, BATCH = 18, 16
#: Pictures of an epoch, and the shares of them that show a fruit of Fruits-360, and a plain surface.
EPOCH_PICTURES, FRUIT_SHARE, TEXTURE_SHARE = 2_400, 0.35, 0.2
#: Side (pixels) of a picture to learn from, and how many times coarser its chroma is.
SIDE_PX, CHROMA_FACTOR = 160, 4
#: Largest learning rate, and the steps in which it rises.
LEARNING_RATE, WARM_UP_STEPS = 7e-4, 200
#: Every so many photographs, one is held out.
HELD_OUT_EVERY = 5
#: Tensors of the body at 1/4, 1/8, 1/16 and 1/32 of the resolution.
TAPS = ("b2s", "b4s", "b10s", "b15p")
#: Grey is given as it is.
RAW = Normalisation()


def build(graph: Any) -> keras.Model:
    """EfficientNet-Lite0 with its weights, and a way back up that is not trained yet; for sizes that are multiples of 32.

    Parameters
    ----------
    graph : onnx.GraphProto
        As `export.families.efficientnet_lite0.read` gives it.
    """
    layers = keras.layers
    grey = keras.Input((None, None, 1), name="grey")
    *finer, x = efficientnet_lite0.body(graph, grey, TAPS)
    x = layers.Conv2D(128, 1, activation="relu")(x)
    for tap, width in zip(reversed(finer), (128, 64, 64), strict=True):
        x = layers.Concatenate()([layers.UpSampling2D()(x), tap])
        x = layers.Conv2D(width, 1, activation="relu")(x)
        x = _separable(x, width)
    x = _separable(x, 64)
    return keras.Model(grey, layers.Conv2D(2, 3, padding="same", activation="tanh", name="chroma")(x), name="colorize_chroma")


def _separable(x: Any, width: int) -> Any:
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    return keras.layers.Conv2D(width, 1, activation="relu")(x)


@keras.saving.register_keras_serializable("rtkit")  # type: ignore[untyped-decorator]
def distance(truth: Any, made: Any) -> Any:
    """Mean distance in the plane of Cr and Cb: its best answer to doubt is a median, where squares would make a mean, and grey."""
    ops = keras.ops
    return ops.mean(ops.sqrt(ops.sum(ops.square(truth - made), axis=-1) + 1e-5))


def make(folder: Path, epochs: int | None, seed: int, work: Path) -> TrainedModel:
    """Train on Fruits-360, on photographs of fruit in shops and some of everything else; judge on test pictures and photographs held out.

    Data: ``fruits360_subset.zip``, ``grocery_fruit_photos.zip``, ``imagenet_sample``, ``boxes`` and
    ``efficientnet_lite0_cam.onnx``. See `export.recipes.Recipe.make`.
    """
    graph, weights = efficientnet_lite0.read(folder)
    fruits, _, fruits_origin = read_fruits360(folder, "train")
    tests, _, _ = read_fruits360(folder, "test")
    photos, _, photos_origin = read_groceries(folder)
    held = photos[::HELD_OUT_EVERY]
    shops = [photo for number, photo in enumerate(photos) if number % HELD_OUT_EVERY]
    things, _, things_origin = read_imagenet_sample(folder)
    beasts, beasts_origin = read_animals(folder)
    others = things + beasts
    make_deterministic(seed)
    model = build(graph)
    count = epochs or EPOCHS
    steps = count * -(-EPOCH_PICTURES // BATCH)
    rate = warm_up_cosine(LEARNING_RATE, steps, WARM_UP_STEPS, start=LEARNING_RATE / 7, floor=0.01)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=1e-3, clipnorm=1.0), distance)

    def examples(random: np.random.Generator) -> tuple[Floats, Floats]:
        return draw(fruits, shops + others, random)

    data = [weights, fruits_origin, photos_origin, things_origin, beasts_origin]
    key = " ".join(origin.sha256 for origin in data)
    model, seen = fit(model, examples, None, TrainingPlan("chroma", count, BATCH, seed), work / "training", key)
    with model_colorizer(model, RAW) as colorizer:
        metrics = compare_with_baselines(colorizer, grey_to_colour_table(list(fruits)), list(tests), "Fruits-360, test", on_white=True)
        split = f"shops, one photograph in {HELD_OUT_EVERY}, held out"
        metrics += compare_with_baselines(colorizer, grey_to_colour_table(shops), held, split)
    return TrainedModel(
        name="colorize_chroma",
        does="Says the colours (Cr and Cb) of the places of a grey picture, at a quarter of its resolution.",
        limits="Learned fruit, on white and in shops; of other things its colours are a guess, and where it doubts they are pale.",
        licence="Apache-2.0 (EfficientNet-Lite0), MIT (the data)",
        model=model,
        parameters=PARAMETERS,
        tensors={
            "grey": TensorInfo("luma of ITU-R BT.601", "", (0.0, 255.0)),
            "chroma": TensorInfo("Cr and Cb of ITU-R BT.601, 128 / 255 of full range as 1", "", (-1.0, 1.0)),
        },
        examples=examples(np.random.default_rng(seed))[0][:64],
        data=data,
        metrics=metrics,
        normalisation=RAW,
        made_by={"epochs": seen, "photographs": len(shops) + len(others)},
    )


def draw(fruits: NDArray[np.uint8], photos: list[Image], random: np.random.Generator) -> tuple[Floats, Floats]:
    """Pictures of an epoch, grey ``[n, 160, 160, 1]``, and their chroma ``[n, 40, 40, 2]``."""
    grey = np.empty((EPOCH_PICTURES, SIDE_PX, SIDE_PX, 1), np.float32)
    chroma = np.empty((EPOCH_PICTURES, SIDE_PX // CHROMA_FACTOR, SIDE_PX // CHROMA_FACTOR, 2), np.float32)
    for number in range(EPOCH_PICTURES):
        kind = random.random()
        if kind < FRUIT_SHARE:
            picture = _compose_fruit(fruits[random.integers(len(fruits))], photos[random.integers(len(photos))], random)
        elif kind < FRUIT_SHARE + TEXTURE_SHARE:
            picture = texture(SIDE_PX, random)
        else:
            picture = crop(photos[random.integers(len(photos))], 0.45, random)
        if random.random() < 0.6:
            picture = relight(picture, random)
        luma, chroma[number] = split(picture, *chroma.shape[1:3])
        grey[number, ..., 0] = luma
    return grey, chroma


def crop(picture: Image, smallest: float, random: np.random.Generator) -> Image:
    """A square of a picture, of at least so much of its shorter side, at `SIDE_PX`, mirrored half of the time."""
    height, width = picture.shape[:2]
    side = min(height, width) * random.uniform(smallest, 1)
    x, y = random.uniform(0, width - side), random.uniform(0, height - side)
    scale = SIDE_PX / side
    move = np.array([[scale, 0, -scale * x], [0, scale, -scale * y]])
    if random.random() < 0.5:
        move[0] = [-scale, 0, SIDE_PX - 1 + scale * x]
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(picture, move, (SIDE_PX, SIDE_PX), flags=way, borderMode=cv2.BORDER_REFLECT), np.uint8)


def relight(picture: Image, random: np.random.Generator) -> Image:
    """A picture in other light: another gamma and another brightness, for all colours the same."""
    gamma, gain = 2 ** random.uniform(-0.35, 0.35), random.uniform(0.75, 1.15)
    levels = np.clip(255 * gain * (np.arange(256) / 255) ** gamma, 0, 255).round().astype(np.uint8)
    return levels[picture]


def _compose_fruit(fruit: Image, ground: Image, random: np.random.Generator) -> Image:
    """A fruit on white, whole or a part of it; or, two times in five, before a photograph or a plain surface."""
    kind = random.random()
    if kind < 0.2:
        return np.asarray(cv2.resize(fruit, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR), np.uint8)
    if kind < 0.6:
        return crop(fruit, 0.7, random)
    out = crop(ground, 0.5, random) if kind < 0.8 else texture(SIDE_PX, random)
    side = int(SIDE_PX * random.uniform(0.4, 1))
    small = cv2.resize(fruit, (side, side), interpolation=cv2.INTER_LINEAR)
    opaque = np.clip((250 - small.min(axis=2).astype(np.float32)) / 12, 0, 1)
    opaque = cv2.morphologyEx(opaque, cv2.MORPH_CLOSE, np.ones((5, 5)))  # highlights on the fruit are white, too
    opaque = cv2.GaussianBlur(opaque, (0, 0), 0.7)[..., None]
    x, y = random.integers(0, SIDE_PX - side + 1, 2)
    behind = out[y : y + side, x : x + side]
    out[y : y + side, x : x + side] = (small * opaque + behind * (1 - opaque)).astype(np.uint8)
    return out
