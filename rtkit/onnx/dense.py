"""A network of dense layers that was trained without Keras, written as an ONNX model with its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rtkit.onnx.card import Card, Proof, Tensor
from rtkit.onnx.model import Model, load
from rtkit.onnx.writer import OPERATORS, Activation, LearnedNetwork, activate, difference, write


@dataclass(frozen=True, slots=True)
class Dense:
    """A layer: ``weights`` ``[inputs, units]``, ``bias`` ``[units]``, and what is done to the sum."""

    weights: NDArray[Any]
    bias: NDArray[Any]
    activation: Activation = "linear"

    def run(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The same in numpy, for ``[n, inputs]``."""
        return activate(values.astype(np.float64) @ self.weights.astype(np.float64) + self.bias, self.activation)


@dataclass(frozen=True)
class DenseNetwork(LearnedNetwork):
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
    examples : ndarray, optional
        Inputs ``[n, inputs]`` on which the file must give what the weights give; noise when not given.
    """

    name: str
    does: str
    limits: str
    labels: tuple[str, ...]
    layers: Sequence[Dense]
    input: Tensor
    output: Tensor
    made_by: dict[str, Any] = field(default_factory=dict)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    examples: NDArray[np.float32] | None = None

    libraries: ClassVar[tuple[str, ...]] = (*LearnedNetwork.libraries, "scikit-learn")

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(layer.weights.size + layer.bias.size for layer in self.layers)

    def run(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The same in numpy, for ``[n, inputs]``; the reference for the file."""
        for layer in self.layers:
            values = layer.run(values)
        return values

    def card_fields(self) -> dict[str, Any]:
        """Limits, labels, figures, and how it was made."""
        return {"limits": self.limits, "labels": self.labels, "metrics": self.metrics, "made_by": self.made_by}

    def verify(self, path: Path) -> Proof:
        """The file is run on the examples."""
        examples = self.examples
        if examples is None:
            examples = np.random.default_rng(0).standard_normal((32, len(self.layers[0].weights))).astype(np.float32)
        (found,) = load(path).run({self.input.name: examples})
        return Proof(f"{len(examples)} examples, against the weights in numpy", difference(found, self.run(examples)))

    def tensors(self, model: Model) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """The one input and the one output, as they were described."""
        first, last = (
            Tensor(given.name, given.dtype, given.shape, said.meaning, said.unit, said.range)
            for given, said in ((model.inputs[0], self.input), (model.outputs[0], self.output))
        )
        return (first,), (last,)

    def graph(self) -> Any:
        """``[batch, inputs]`` in, ``[batch, units]`` of the last layer out."""
        import onnx

        make, arrays = onnx.helper, onnx.numpy_helper
        nodes, constants, value = [], [], self.input.name
        for index, layer in enumerate(self.layers):
            out = self.output.name if index == len(self.layers) - 1 else f"units_{index}"
            constants += [
                arrays.from_array(np.ascontiguousarray(array, np.float32), f"{name}_{index}")
                for name, array in (("weights", layer.weights), ("bias", layer.bias))
            ]
            nodes += [
                make.make_node("Gemm", [value, f"weights_{index}", f"bias_{index}"], [f"sum_{index}"]),
                make.make_node(OPERATORS[layer.activation], [f"sum_{index}"], [out]),
            ]
            value = out
        widths = len(self.layers[0].weights), len(self.layers[-1].bias)
        ends = [
            make.make_tensor_value_info(tensor.name, onnx.TensorProto.FLOAT, ["batch", width])
            for tensor, width in zip((self.input, self.output), widths, strict=True)
        ]
        return make.make_graph(nodes, "dense", ends[:1], ends[1:], constants)


def write_dense(network: DenseNetwork, examples: NDArray[np.float32], folder: Path) -> Card:
    """`rtkit.onnx.writer.write` for a network that is to be tried on examples ``[n, inputs]``; errors as there."""
    return write(replace(network, examples=examples), folder)
