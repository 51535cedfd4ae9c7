"""The models that have a road: a module of this package each, with `build` and `make`; `complete` adds files that lie beside a model."""

from __future__ import annotations

import importlib
from types import ModuleType

from rtkit.core.errors import UsageError

#: What each is, and the plug-in that ships it.
MODELS = {
    "aami": ("class of a heartbeat (N, S, V, F, Q) in its rhythm: Dense + LSTM across beats (MIT-BIH)", "rtkit_ecg"),
    "cluster_designed": ("clusters of pictures, as designed: encoder of an autoencoder with two values (Fruits-360)", "rtkit_cluster"),
    "cluster_designed_grey": ("the same of grey pictures", "rtkit_cluster"),
    "cluster_fruits": ("clusters of pictures: EfficientNet-Lite0's averaged features, and ten fruits found in them", "rtkit_cluster"),
    "colorize_chroma": ("colours of a grey picture, as chroma: EfficientNet-Lite0 and a way back up (fruit)", "rtkit_colorize"),
    "colorize_designed": ("colours of a grey picture, as designed: autoencoder of 452,803 parameters (Fruits-360)", "rtkit_colorize"),
    "echo_suppressor": ("how the gains of echo's residual echo suppressor should change: LSTM over blocks (LibriSpeech)", "rtkit_echo"),
    "faces": ("whose face it is, of people in a folder: 200, 50 and 1 (or n) units on principal components", "rtkit_faces"),
    "heartbeat": ("normal or abnormal, from one heartbeat: LSTM 50 + Dense 1 (ECG5000)", "rtkit_ecg"),
    "narx": ("the next output of a device: NARX with 20 sigmoid units (Silverbox)", "rtkit_onnx"),
    "vae_16d": ("clothes in sixteen values: variational autoencoder (Fashion-MNIST)", "rtkit_vae"),
    "vae_2d": ("clothes in two values: variational autoencoder whose decoder folds the plane (Fashion-MNIST)", "rtkit_vae"),
    "vae_designed": ("clothes in two values, as designed: variational autoencoder of convolutions (Fashion-MNIST)", "rtkit_vae"),
}


def module(name: str) -> ModuleType:
    """The module of a model; imports Keras.

    Raises
    ------
    UsageError
        No such model.
    """
    if name not in MODELS:
        raise UsageError(f"no model is called {name!r}; known: {', '.join(MODELS)}")
    return importlib.import_module(f"export.{name}")
