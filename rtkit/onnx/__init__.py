"""Models in ONNX files: found by name, checked against their card, and run in sessions that processors share."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtkit.onnx.card import Card as Card
    from rtkit.onnx.card import Tensor as Tensor
    from rtkit.onnx.model import Call as Call
    from rtkit.onnx.model import Model as Model
    from rtkit.onnx.model import load as load
    from rtkit.onnx.pool import Pool as Pool
    from rtkit.onnx.processor import OnnxFrameProcessor as OnnxFrameProcessor
    from rtkit.onnx.processor import OnnxProcessor as OnnxProcessor
    from rtkit.onnx.stepper import Stepper as Stepper

_HOMES = {
    "card": ("Card", "Tensor"),
    "model": ("Call", "Model", "load"),
    "pool": ("Pool",),
    "processor": ("OnnxFrameProcessor", "OnnxProcessor"),
    "stepper": ("Stepper",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    """Load a name at its first use: a plug-in that only derives from `OnnxFrameProcessor` does not load the reader of model cards."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'rtkit.onnx' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"rtkit.onnx.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
