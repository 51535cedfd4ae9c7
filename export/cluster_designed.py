"""The clusters as they were designed, of pictures in colour: the encoder of the autoencoder in `export.bottleneck`."""

from __future__ import annotations

from pathlib import Path

import keras

from export import bottleneck
from export.bottleneck import complete
from export.road import Trained

__all__ = ["build", "complete", "make"]


def build() -> keras.Model:
    """The autoencoder, not trained."""
    return bottleneck.build(3)


def make(folder: Path, epochs: int | None, seed: int, work: Path) -> Trained:
    """Train and judge; see `bottleneck.make`."""
    return bottleneck.make("cluster_designed", 3, folder, epochs, seed, work)
