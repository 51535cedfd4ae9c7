"""Pictures that are no clothes as Fashion-MNIST shows them, and how well they are told from clothes."""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rtkit_vae.network import Autoencoder
from rtkit_vae.preprocessing import centre_square, normalise_background

from export.data import Floats
from export.data.fashion_mnist import SIDE_PX, Clothes
from export.data.pictures import read_fruits360
from rtkit.core.items import Image

#: Pictures of noise, and test pictures that are turned, mirrored or darkened.
NOISE_PICTURES, TURNED_PICTURES = 1000, 2000
#: Size (pixels) at which letters are drawn before they are made small, and how high they are of that.
DRAWN_PX, LETTER_HEIGHT = 8 * SIDE_PX, 0.7
#: Pictures that are looked at at once.
BATCH = 100


def impostors(folder: Path, test: Clothes) -> Iterator[tuple[str, list[Image] | NDArray[np.uint8]]]:
    """Kinds of pictures that a network of clothes does not know; `folder` holds ``fruits360_subset.zip``."""
    upright = test.pictures[:TURNED_PICTURES, ..., 0]
    yield "the test pictures upside down", upright[:, ::-1]
    yield "the test pictures turned by a quarter", np.rot90(upright, axes=(1, 2))
    yield "the test pictures mirrored", upright[:, :, ::-1]
    yield "the test pictures, dark on light, taken as they are", 255 - upright
    fruits, _, _ = read_fruits360(folder, "test")
    yield "fruits on white (Fruits-360)", fruits
    yield "handwritten digits (scikit-learn's)", _digits()
    yield "letters in OpenCV's fonts", _letters()
    yield "noise, each pixel of any grey", np.random.default_rng(0).integers(0, 256, (NOISE_PICTURES, SIDE_PX, SIDE_PX), np.uint8)


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
                scale = LETTER_HEIGHT * DRAWN_PX / 22  # a capital is some 22 pixels high at scale 1
                (wide, high), _ = cv2.getTextSize(letter, font, scale, thick)
                image = np.zeros((DRAWN_PX, DRAWN_PX), np.uint8)
                cv2.putText(image, letter, ((DRAWN_PX - wide) // 2, (DRAWN_PX + high) // 2), font, scale, 255, thick, cv2.LINE_AA)
                letters.append(image)
    return letters


def anomaly_scores(network: Autoencoder, images: list[Image] | NDArray[np.uint8], background: str = "auto") -> tuple[Floats, Floats]:
    """Negative bound and excess ``[n]`` (nats) of pictures, as the processor finds them."""
    seen = np.array([normalise_background(network.picture(centre_square(image)), background) for image in images])  # type: ignore[arg-type]
    found = [network(seen[start : start + BATCH]) for start in range(0, len(seen), BATCH)]
    return tuple(np.concatenate([getattr(one, what) for one in found]) for what in ("negative_elbo", "excess"))  # type: ignore[return-value]


def impostor_auroc(network: Autoencoder, folder: Path, test: Clothes) -> list[dict[str, Any]]:
    """The areas under the ROC curves, as rows for a card."""
    from sklearn.metrics import roc_auc_score

    clothes, rows = anomaly_scores(network, test.pictures[..., 0]), []
    for title, images in impostors(folder, test):
        others = anomaly_scores(network, images, "black" if "as they are" in title else "auto")
        truth = np.repeat([0, 1], [len(clothes[0]), len(images)])
        for what, own, other in zip(("-ELBO", "excess"), clothes, others, strict=True):
            area = float(roc_auc_score(truth, np.concatenate([own, other])))
            rows.append(
                {"metric": f"AUROC of {what}", "value": round(area, 4), "unit": "1", "split": f"test; {title}", "count": len(truth)}
            )
    return rows
