"""`onnx`: any ONNX model as a processor, without code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtkit.hookspecs import hookimpl
from rtkit_onnx.processor import Onnx


@hookimpl
def rtkit_register_processors(register: Callable[[str, type[Any]], None]) -> None:
    """The runner of ONNX files."""
    register("onnx", Onnx)
