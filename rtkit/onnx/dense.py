"""A network of dense layers that was trained without Keras, written as an ONNX model with its card."""

from __future__ import annotations

import importlib.metadata
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import RtkitError
from rtkit.onnx.card import Card, Proof, Tensor, describe, publish
from rtkit.onnx.find import MODEL
from rtkit.onnx.model import load
from rtkit.onnx.writer import LIMIT, OPSET

_ACTIVATIONS = {"linear": "Identity", "sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "softmax": "Softmax"}


@dataclass(frozen=True, slots=True)
class Dense:
    """A layer: ``weights`` ``[inputs, units]``, ``bias`` ``[units]``, and what is done to the sum."""

    weights: NDArray[Any]
    bias: NDArray[Any]
    activation: Literal["linear", "sigmoid", "tanh", "relu", "softmax"] = "linear"

    def run(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The same in numpy, for ``[n, inputs]``."""
        from scipy.special import expit, softmax

        sums: NDArray[np.float64] = values.astype(np.float64) @ self.weights.astype(np.float64) + self.bias
        functions = {"sigmoid": expit, "tanh": np.tanh, "relu": lambda x: np.maximum(x, 0), "softmax": lambda x: softmax(x, axis=1)}
        return np.asarray(functions[self.activation](sums)) if self.activation in functions else sums


@dataclass(frozen=True, slots=True)
class DenseNetwork:
    """Layers one after another, and what their card says.

    Parameters
    ----------
    name, does, limits, labels
        As on the card.
    layers : sequence of Dense
        From the input on.
    input, output : Tensor
        Their names and meanings; the shapes follow from the layers.
    made_by, metrics
        As on the card.
    """

    name: str
    does: str
    limits: str
    labels: tuple[str, ...]
    layers: Sequence[Dense]
    input: Tensor
    output: Tensor
    made_by: dict[str, Any]
    metrics: list[dict[str, Any]]

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(layer.weights.size + layer.bias.size for layer in self.layers)

    def run(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The same in numpy, for ``[n, inputs]``; the reference for the file."""
        for layer in self.layers:
            values = layer.run(values)
        return values


def write_dense(network: DenseNetwork, examples: NDArray[np.float32], folder: Path) -> Card:
    """Write a network as ``model.onnx`` with its card into a folder.

    Parameters
    ----------
    network : DenseNetwork
        What was trained.
    examples : ndarray
        Inputs ``[n, inputs]`` on which the file must give what the weights give.
    folder : Path
        Made if it is not there.

    Raises
    ------
    InputError
        The folder cannot be written.
    RtkitError
        ONNX Runtime does not give what the weights in numpy give; nothing is written then.
    """
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / MODEL).write_bytes(_build(network).SerializeToString())
        model = load(scratch / MODEL)
        expected = network.run(examples)
        (found,) = model.run({network.input.name: examples})
        difference = float(np.abs(found - expected).max() / max(np.abs(expected).max(), np.finfo(np.float32).tiny))
        if not difference <= LIMIT:
            raise RtkitError(f"{folder}: the model differs by {difference:.2g} of its largest output from the weights; at most {LIMIT:g}")
        tensors = [
            Tensor(given.name, given.dtype, given.shape, said.meaning, said.unit, said.range)
            for given, said in ((model.inputs[0], network.input), (model.outputs[0], network.output))
        ]
        versions = {name: importlib.metadata.version(name) for name in ("rtkit", "onnx", "onnxruntime", "scikit-learn")}
        card = Card(
            format=1,
            name=network.name,
            does=network.does,
            limits=network.limits,
            files={MODEL: describe(scratch / MODEL, (tensors[0],), (tensors[1],), {})},
            labels=network.labels,
            parameters=network.parameters,
            metrics=network.metrics,
            verification=[Proof(f"{len(examples)} examples, against the weights in numpy", difference)],
            made_by=network.made_by | {"opset": OPSET, "versions": versions},
        )
        publish(card, scratch, folder)
    return card


def _build(network: DenseNetwork) -> Any:
    """The graph: ``[batch, inputs]`` in, ``[batch, units]`` of the last layer out."""
    import onnx

    make, arrays = onnx.helper, onnx.numpy_helper
    nodes, constants, value = [], [], network.input.name
    for index, layer in enumerate(network.layers):
        out = network.output.name if index == len(network.layers) - 1 else f"units_{index}"
        constants += [
            arrays.from_array(np.ascontiguousarray(array, np.float32), f"{name}_{index}")
            for name, array in (("weights", layer.weights), ("bias", layer.bias))
        ]
        nodes += [
            make.make_node("Gemm", [value, f"weights_{index}", f"bias_{index}"], [f"sum_{index}"]),
            make.make_node(_ACTIVATIONS[layer.activation], [f"sum_{index}"], [out]),
        ]
        value = out
    widths = len(network.layers[0].weights), len(network.layers[-1].bias)
    ends = [
        make.make_tensor_value_info(tensor.name, onnx.TensorProto.FLOAT, ["batch", width])
        for tensor, width in zip((network.input, network.output), widths, strict=True)
    ]
    graph = make.make_graph(nodes, "dense", ends[:1], ends[1:], constants)
    made = make.make_model(graph, opset_imports=[make.make_opsetid("", OPSET)], producer_name="rtkit", ir_version=9)
    onnx.checker.check_model(made, full_check=True)
    return made
