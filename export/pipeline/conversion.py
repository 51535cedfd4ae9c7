"""Keras to ONNX by tf2onnx, with names that a person can read."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx

from rtkit.onnx.card import Shape

#: tf2onnx refuses 19 and above; 17 is the newest that it writes well.
OPSET = 17
#: Names of sizes that may vary, by the rank of a tensor: the first is the batch, then these.
_AXES = {2: ("features",), 3: ("time", "features"), 4: ("height", "width", "channels")}
#: Sizes by axis with which a model is tried: all different, and what networks that halve their input take.
_TRIED = (2, 192, 256, 320, 384, 448)


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
    for value, tensor in zip(graph.input, functional.inputs, strict=True):
        _write_shape(value, _named(tensor.shape))
    names = outputs or _unique(functional.output_names)
    for value, shape, name in zip(graph.output, _output_shapes(functional, names), names, strict=True):
        _rename(graph, value.name, name)
        _write_shape(value, shape)
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


def _named(shape: tuple[int | None, ...]) -> Shape:
    """A shape of Keras with names for what may vary."""
    axes = ("batch", *_AXES.get(len(shape), ()))
    return tuple((axes[axis] if axis < len(axes) else f"axis{axis}") if size is None else size for axis, size in enumerate(shape))


def _output_shapes(model: keras.Model, names: Sequence[str]) -> list[Shape]:
    """Shapes of the outputs; a size that may vary has the name of an input's size only if it is the same, as a run of Keras shows."""
    sizes: dict[int | str, int] = {
        name: _TRIED[axis] for tensor in model.inputs for axis, name in enumerate(_named(tensor.shape)) if isinstance(name, str)
    }
    inputs = [
        np.zeros([size if isinstance(size, int) else sizes[size] for size in _named(tensor.shape)], tensor.dtype) for tensor in model.inputs
    ]
    value = model(inputs, training=False)
    found = [one.shape for one in (value if isinstance(value, list | tuple) else [value])]
    by_size = {size: name for name, size in sizes.items()}
    return [
        tuple(
            by_size.get(int(size), f"{name}_{named}") if isinstance(named, str) else named
            for size, named in zip(shape, _named(tensor.shape), strict=True)
        )
        for shape, tensor, name in zip(found, model.outputs, names, strict=True)
    ]


def _write_shape(value: Any, shape: Shape) -> None:
    sizes = value.type.tensor_type.shape
    del sizes.dim[:]
    for size in shape:
        if isinstance(size, str):
            sizes.dim.add().dim_param = size
        else:
            sizes.dim.add().dim_value = size
