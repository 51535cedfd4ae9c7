"""`onnx`: any ONNX model as a processor, without code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtkit import hookimpl

if TYPE_CHECKING:
    from rtkit import Register


@hookimpl
def rtkit_register_processors(register: Register) -> None:
    """The runner of ONNX files."""
    register("onnx", "rtkit_onnx.processor:Onnx")
