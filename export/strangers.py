"""Pictures that are no clothes as Fashion-MNIST shows them, and how well they are told from clothes."""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rtkit_vae.network import Autoencoder
from rtkit_vae.view import on_black, squared

from export import pictures
from export.data import Floats
from export.fashion import SIDE, Clothes
from rtkit.core.items import Image

#: Pictures of noise, and test pictures that are turned, mirrored or darkened.
NOISE, TURNED = 1000, 2000
#: Size (pixels) at which letters are drawn before they are made small, and how high they are of that.
DRAWN, HEIGHT = 8 * SIDE, 0.7
#: Pictures that are looked at at once.
TOGETHER = 100


def strangers(folder: Path, test: Clothes) -> Iterator[tuple[str, list[Image] | NDArray[np.uint8]]]:
    """Kinds of pictures that a network of clothes does not know; `folder` holds ``fruits360_subset.zip``."""
    upright = test.pictures[:TURNED, ..., 0]
    yield "the test pictures upside down", upright[:, ::-1]
    yield "the test pictures turned by a quarter", np.rot90(upright, axes=(1, 2))
    yield "the test pictures mirrored", upright[:, :, ::-1]
    yield "the test pictures, dark on light, taken as they are", 255 - upright
    fruits, _, _ = pictures.fruits360(folder, "test")
    yield "fruits on white (Fruits-360)", fruits
    yield "handwritten digits (scikit-learn's)", _digits()
    yield "letters in OpenCV's fonts", _letters()
    yield "noise, each pixel of any grey", np.random.default_rng(0).integers(0, 256, (NOISE, SIDE, SIDE), np.uint8)


def _digits() -> NDArray[np.uint8]:
    """Handwritten digits, 8 x 8 greys of 0 to 16, light on black."""
    from sklearn.datasets import load_digits

    images: NDArray[Any] = load_digits().images
    return np.asarray((images * (255 / 16)).round(), np.uint8)


def _letters() -> list[Image]:
    """Letters of several fonts and weights, light on black."""
    import cv2

    fonts = [value for name, value in sorted(vars(cv2).items()) if name.startswith("FONT_HERSHEY_") and isinstance(value, int)]
    letters = []
    for font in fonts:
        for letter in string.ascii_letters:
            for thick in (8, 16, 28):
                scale = HEIGHT * DRAWN / 22  # a capital is some 22 pixels high at scale 1
                (wide, high), _ = cv2.getTextSize(letter, font, scale, thick)
                image = np.zeros((DRAWN, DRAWN), np.uint8)
                cv2.putText(image, letter, ((DRAWN - wide) // 2, (DRAWN + high) // 2), font, scale, 255, thick, cv2.LINE_AA)
                letters.append(image)
    return letters


def costs(network: Autoencoder, images: list[Image] | NDArray[np.uint8], background: str = "auto") -> tuple[Floats, Floats]:
    """Negative bound and excess ``[n]`` (nats) of pictures, as the processor finds them."""
    seen = np.array([on_black(network.picture(squared(image)), background) for image in images])  # type: ignore[arg-type]
    found = [network(seen[start : start + TOGETHER]) for start in range(0, len(seen), TOGETHER)]
    return tuple(np.concatenate([getattr(one, what) for one in found]) for what in ("negative_elbo", "excess"))  # type: ignore[return-value]


def told_apart(network: Autoencoder, folder: Path, test: Clothes) -> list[dict[str, Any]]:
    """The areas under the ROC curves, as rows for a card."""
    from sklearn.metrics import roc_auc_score

    known, rows = costs(network, test.pictures[..., 0]), []
    for title, images in strangers(folder, test):
        strange = costs(network, images, "black" if "as they are" in title else "auto")
        truth = np.repeat([0, 1], [len(known[0]), len(images)])
        for what, own, other in zip(("-ELBO", "excess"), known, strange, strict=True):
            area = float(roc_auc_score(truth, np.concatenate([own, other])))
            rows.append(
                {"metric": f"AUROC of {what}", "value": round(area, 4), "unit": "1", "split": f"test; {title}", "count": len(truth)}
            )
    return rows
