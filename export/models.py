"""The models that have a road: a module of this package each, with `build` and `make`."""

from __future__ import annotations

import importlib
from types import ModuleType

from rtkit.errors import UsageError

#: What each is, and the plug-in that ships it.
MODELS = {
    "aami": ("class of a heartbeat (N, S, V, F, Q) in its rhythm: Dense + LSTM across beats (MIT-BIH)", "rtkit_ecg"),
    "heartbeat": ("normal or abnormal, from one heartbeat: LSTM 50 + Dense 1 (ECG5000)", "rtkit_ecg"),
    "narx": ("the next output of a device: NARX with 20 sigmoid units (Silverbox)", "rtkit_onnx"),
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
