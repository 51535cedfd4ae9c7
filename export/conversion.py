"""Keras to ONNX by tf2onnx, with names that a person can read."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import onnx

#: tf2onnx refuses 19 and above; 17 is the newest that it writes well.
OPSET = 17
#: Names of sizes that may vary, by the rank of a tensor: the first is the batch, then these.
_AXES = {2: ("features",), 3: ("time", "features"), 4: ("height", "width", "channels")}


def convert(model: keras.Model, path: Path, outputs: Sequence[str] = ()) -> Any:
    """Write a Keras model as ONNX.

    Parameters
    ----------
    model : keras.Model
        Functional or sequential.
    path : Path
        The file to write.
    outputs : sequence of str, optional
        Names for its outputs; those of its last layers when not given.

    Returns
    -------
    onnx.ModelProto
        What was written, checked.
    """
    import tensorflow
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    functional = keras.Model(model.inputs, model.outputs)  # tf2onnx fails on a Sequential
    signature = [tensorflow.TensorSpec(tensor.shape, tensor.dtype, name=tensor.name) for tensor in functional.inputs]
    proto, _ = tf2onnx.convert.from_keras(functional, signature, opset=OPSET)
    graph = proto.graph
    for value, tensor, name in zip(graph.output, functional.outputs, outputs or _unique(functional.output_names), strict=True):
        _rename(graph, value.name, name)
        _name_sizes(value, tensor.shape)
    for value, tensor in zip(graph.input, functional.inputs, strict=True):
        _name_sizes(value, tensor.shape)
    graph.name, graph.doc_string = path.stem, ""
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, path)
    return proto


def _unique(names: Sequence[str]) -> list[str]:
    return [name if names.count(name) == 1 else f"{name}_{index}" for index, name in enumerate(names)]


def _rename(graph: Any, old: str, new: str) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == old:
                    names[index] = new
    for value in graph.output:
        if value.name == old:
            value.name = new


def _name_sizes(value: Any, shape: tuple[int | None, ...]) -> None:
    sizes = value.type.tensor_type.shape
    del sizes.dim[:]
    axes = ("batch", *_AXES.get(len(shape), ()))
    for axis, size in enumerate(shape):
        if size is None:
            sizes.dim.add().dim_param = axes[axis] if axis < len(axes) else f"axis{axis}"
        else:
            sizes.dim.add().dim_value = size
