"""Normalisation: what is done to an input before the model sees it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rtkit.onnx.card import Card, Normalisation

#: Default normalisation of float pictures, where neither user nor card tells one: pixels scaled to the unit interval, 0 to 1.
UNIT_INTERVAL = Normalisation("pixels", 1 / 255)
#: Normalisations by the names that a user gives. The last is that of networks trained on ImageNet in PyTorch.
NORMALISATIONS = {
    "raw": Normalisation(),
    "zscore": Normalisation("zscore"),
    "unit": UNIT_INTERVAL,
    "symmetric": Normalisation("pixels", 1 / 127.5, (1.0,)),
    "imagenet": Normalisation("pixels", 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def choose_normalisation(name: str, colour: str, card: Card | None) -> Normalisation | None:
    """The one that `name` asks for, or the card; None where neither says anything."""
    if name == "auto":
        return card.normalisation if card else (None if colour == "rgb" else Normalisation("pixels", 1 / 255, colour="bgr"))
    named = NORMALISATIONS[name]
    return Normalisation(named.kind, named.scale, named.mean, named.std, "bgr" if colour == "bgr" else "rgb")


def zscore(window: NDArray[np.float32]) -> NDArray[np.float32]:
    """Zero mean and unit variance for each channel of ``[n, channels]``; a channel that is constant becomes 0."""
    centred = window - window.mean(axis=0, dtype=np.float64)
    deviation = np.sqrt(np.mean(np.square(centred), axis=0))
    scaled: NDArray[np.float32] = (centred / np.where(deviation > 0, deviation, 1)).astype(np.float32)
    return scaled
