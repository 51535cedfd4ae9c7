"""What was learned, as networks that can be written as models: rows to scores, scores to rows, rows to what the components tell of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rtkit.models import Layer, TapNetwork
from rtkit_pca.rules import Floats


def _encoder(components: NDArray[np.float32], mean: Floats) -> tuple[NDArray[np.float32], Layer]:
    """What is taken away from a row, and the layer that gives the scores of the rest.

    What the mean has beyond single precision goes into the bias: an offset that is large beside the variation costs no accuracy.
    """
    centre = mean.astype(np.float32)
    return centre, Layer(components[:, None, :], -(components.astype(np.float64) @ (mean - centre)))


def _decoder(components: NDArray[np.float32], mean: Floats) -> Layer:
    return Layer(components.T[:, None, :], mean)


def scores_network(components: NDArray[np.float32], mean: Floats, channels: tuple[str, ...], rate: float | None) -> TapNetwork:
    """Rows ``[d]`` to scores ``[k]``."""
    centre, layer = _encoder(components, mean)
    does = f"Scores of {len(components)} principal components of rows of {len(mean)} values, as pca learned them."
    return TapNetwork("pca", does, channels, (layer,), rate=rate, centre=centre)


def reconstruction_network(components: NDArray[np.float32], mean: Floats, channels: tuple[str, ...], rate: float | None) -> TapNetwork:
    """Rows ``[d]`` to what the components tell of them ``[d]``."""
    centre, layer = _encoder(components, mean)
    does = f"Rows of {len(mean)} values as {len(components)} principal components tell them, as pca learned them."
    return TapNetwork("pca_reconstruction", does, channels, (layer, _decoder(components, mean)), rate=rate, centre=centre)


def inverse_network(components: NDArray[np.float32], mean: Floats, scores: tuple[str, ...], rate: float | None) -> TapNetwork:
    """Scores ``[k]`` to rows ``[d]``."""
    does = f"Rows of {len(mean)} values from the scores of {len(components)} principal components, as pca learned them."
    return TapNetwork("pca_inverse", does, scores, (_decoder(components, mean),), rate=rate)
