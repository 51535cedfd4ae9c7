"""Networks on taps of a signal, as processors learn them online; in the ONNX file, the delay line is the state."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rtkit.onnx.card import Proof, Tensor
from rtkit.onnx.model import Model, load
from rtkit.onnx.stepper import Stepper
from rtkit.onnx.writer import OPERATORS, LearnedNetwork, activate, difference

#: Channels that a card names one by one; of more, the first and the last.
MAX_NAMED_CHANNELS = 64


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of units on taps of the channels before it.

    Parameters
    ----------
    weights : ndarray
        ``[units, taps, channels]``, the newest tap first. A tap that must not be seen, such as the newest of the output that is
        predicted, has weight 0.
    bias : ndarray
        ``[units]``.
    activation : str
        ``linear``, ``sigmoid`` or ``tanh``.
    """

    weights: NDArray[Any]
    bias: NDArray[Any]
    activation: Literal["linear", "sigmoid", "tanh"] = "linear"


@dataclass(frozen=True, slots=True)
class Product:
    """Products of the units of two or more layers with equally many: the first units multiplied, the second ones, and so on."""

    factors: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Layers and products on the same channels, their units one after another."""

    parts: tuple[Layer | Product, ...]


Part: TypeAlias = Layer | Product | Concatenation


@dataclass(frozen=True)
class TapNetwork(LearnedNetwork):
    """What was learned on taps of a signal: an adaptive filter is one linear layer, a NARX identifier two.

    Parameters
    ----------
    name, does : str
        As on the model card.
    channels : tuple of str
        What goes in, sample by sample.
    layers : tuple of Layer, Product or Concatenation
        From the input on; only the first has more than one tap.
    error_of : int, optional
        Channel from which the prediction is taken away: what comes out is the error, as of an echo canceller. The prediction itself
        when not given.
    rate : float, optional
        Sample rate (Hz).
    centre : ndarray, optional
        ``[channels]``: what is taken away from them first.
    """

    name: str
    does: str
    channels: tuple[str, ...]
    layers: tuple[Part, ...]
    error_of: int | None = None
    rate: float | None = None
    centre: NDArray[Any] | None = None

    @property
    def taps(self) -> int:
        """Taps of the first layer; at least 2, as a delay line of no length is no state."""
        return max(2, *(int(layer.weights.shape[1]) for layer in _single_layers(self.layers[0])))

    @property
    def parameters(self) -> int:
        """Number of weights."""
        centre = 0 if self.centre is None else self.centre.size
        return centre + sum(layer.weights.size + layer.bias.size for part in self.layers for layer in _single_layers(part))

    def run(self, samples: NDArray[Any]) -> NDArray[np.float64]:
        """The same in numpy, for samples ``[n, channels]`` after silence; the reference for the file."""
        padded = np.concatenate((np.zeros((self.taps - 1, samples.shape[1])), samples.astype(np.float64)))
        padded -= 0 if self.centre is None else self.centre
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.taps, axis=0)[:, :, ::-1]  # [n, channels, taps], newest first
        for part in self.layers:
            value = _evaluate(part, windows)
            windows = value[:, :, None]
        return value if self.error_of is None else samples[:, [self.error_of]] - value

    def graph(self) -> Any:
        """``[1, time, channels]`` and the delay line in, ``[1, time, units]`` and the new delay line out."""
        return _graph(self)

    def card_fields(self) -> dict[str, Any]:
        """The sample rate."""
        return {"rate": self.rate}

    def verify(self, path: Path) -> Proof:
        """The file is run in steps, as a stream does."""
        samples = np.random.default_rng(0).standard_normal((self.taps + 500, len(self.channels))).astype(np.float32)
        step = Stepper(load(path))
        name = step.outputs[0].name
        cuts = [0, 1, 8, len(samples)]
        found = np.concatenate([step(samples[None, a:b])[name][0].copy() for a, b in itertools.pairwise(cuts)])
        return Proof("noise, in steps of 1, 7 and the rest, against the weights in numpy", difference(found, self.run(samples)))

    def tensors(self, model: Model) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """The signal with the names of its channels, and the delay line."""
        names = self.channels if len(self.channels) <= MAX_NAMED_CHANNELS else (*self.channels[:2], "…", self.channels[-1])
        meanings = {"signal": ", ".join(names)}
        inputs = (Tensor(one.name, one.dtype, one.shape, meanings.get(one.name, "state, 0 at the start")) for one in model.inputs)
        return tuple(inputs), model.outputs


def _graph(network: TapNetwork) -> Any:
    import onnx

    make, arrays = onnx.helper, onnx.numpy_helper
    past, channels = network.taps - 1, len(network.channels)
    constants: dict[str, NDArray[Any]] = {}
    nodes = [
        make.make_node("Concat", ["line", "signal"], ["samples"], axis=1),
        make.make_node("Transpose", ["samples"], ["across"], perm=[0, 2, 1]),
    ]
    value = "across"
    if network.centre is not None:
        constants["centre"] = network.centre[:, None]
        nodes.append(make.make_node("Sub", ["across", "centre"], ["centred"]))
        value = "centred"
    for index, part in enumerate(network.layers):
        value = _add_part(nodes, constants, make, part, value, str(index), network.taps if index == 0 else 1)
    edges = {"one": [1], "start": [-past], "end": [np.iinfo(np.int64).max]}
    if network.error_of is None:
        nodes.append(make.make_node("Transpose", [value], ["prediction"], perm=[0, 2, 1]))
    else:
        edges |= {"low": [network.error_of], "high": [network.error_of + 1], "channel_axis": [2]}
        nodes += [
            make.make_node("Transpose", [value], ["predicted"], perm=[0, 2, 1]),
            make.make_node("Slice", ["signal", "low", "high", "channel_axis"], ["desired"]),
            make.make_node("Sub", ["desired", "predicted"], ["error"]),
        ]
    nodes.append(make.make_node("Slice", ["samples", "start", "end", "one"], ["line_out"]))
    units = 1 if network.error_of is not None else _units(network.layers[-1])
    out = "prediction" if network.error_of is None else "error"

    def value_info(name: str, *shape: int | str) -> Any:
        return make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    return make.make_graph(
        nodes,
        network.name,
        [value_info("signal", 1, "time", channels), value_info("line", 1, past, channels)],
        [value_info(out, 1, "time", units), value_info("line_out", 1, past, channels)],
        [arrays.from_array(array.astype(np.float32), name) for name, array in constants.items()]
        + [arrays.from_array(np.array(array, np.int64), name) for name, array in edges.items()],
    )


def _add_part(nodes: list[Any], constants: dict[str, NDArray[Any]], make: Any, part: Part, source: str, label: str, taps: int) -> str:
    """Add the nodes of a part of the network that looks at so many taps of `source`; gives the name of what it puts out."""
    if not isinstance(part, Layer):
        inner: tuple[Layer | Product, ...] = part.factors if isinstance(part, Product) else part.parts
        values = [_add_part(nodes, constants, make, each, source, f"{label}_{number}", taps) for number, each in enumerate(inner)]
        if isinstance(part, Concatenation):
            nodes.append(make.make_node("Concat", values, [f"units_{label}"], axis=1))
            return f"units_{label}"
        product = values[0]
        for number, value in enumerate(values[1:], 1):
            nodes.append(make.make_node("Mul", [product, value], [f"product_{label}_{number}"]))
            product = f"product_{label}_{number}"
        return product
    padded = np.pad(part.weights, ((0, 0), (0, taps - part.weights.shape[1]), (0, 0)))
    constants[f"weights_{label}"] = np.ascontiguousarray(padded[:, ::-1].transpose(0, 2, 1))  # Conv has the oldest tap first
    constants[f"bias_{label}"] = part.bias
    nodes.append(make.make_node("Conv", [source, f"weights_{label}", f"bias_{label}"], [f"sum_{label}"]))
    if part.activation == "linear":
        return f"sum_{label}"
    nodes.append(make.make_node(OPERATORS[part.activation], [f"sum_{label}"], [f"units_{label}"]))
    return f"units_{label}"


def _single_layers(part: Part) -> list[Layer]:
    """The layers that a part of a network is made of."""
    if isinstance(part, Layer):
        return [part]
    return [layer for inner in (part.factors if isinstance(part, Product) else part.parts) for layer in _single_layers(inner)]


def _units(part: Part) -> int:
    """How many units it puts out."""
    if isinstance(part, Concatenation):
        return sum(map(_units, part.parts))
    return len(_single_layers(part)[0].bias)


def _evaluate(part: Part, windows: NDArray[Any]) -> NDArray[np.float64]:
    """Units ``[n, units]`` of a part of a network, for taps of the channels before it ``[n, channels, taps]``, the newest first."""
    if isinstance(part, Product):
        return functools.reduce(np.multiply, (_evaluate(factor, windows) for factor in part.factors))
    if isinstance(part, Concatenation):
        return np.concatenate([_evaluate(each, windows) for each in part.parts], axis=1)
    taps = windows[:, :, : part.weights.shape[1]]
    value: NDArray[np.float64] = np.einsum("nct,utc->nu", taps, part.weights.astype(np.float64)) + part.bias
    return activate(value, part.activation)
