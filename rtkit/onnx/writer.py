"""What a processor learned online, written as an ONNX model: taps of its inputs through layers, with the delay line as the state."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import RtkitError, UsageError
from rtkit.onnx.card import Card, Proof, Tensor, describe, publish
from rtkit.onnx.find import MODEL
from rtkit.onnx.model import load
from rtkit.onnx.stepper import Stepper

#: Newest set of operators that is used; Conv and Slice as they are here came with 13.
OPSET = 17
#: Largest difference from the weights in numpy, relative to the largest output, that a file may show.
LIMIT = 1e-5
#: Channels that a card names one by one; of more, the first and the last.
MOST_NAMES = 64
_ACTIVATIONS = {"linear": None, "sigmoid": "Sigmoid", "tanh": "Tanh"}


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
class Beside:
    """Layers and products on the same channels, their units one after another."""

    parts: tuple[Layer | Product, ...]


Part: TypeAlias = Layer | Product | Beside


@dataclass(frozen=True, slots=True)
class Network:
    """What was learned: an adaptive filter is one linear layer, a NARX identifier two.

    Parameters
    ----------
    name, does : str
        As on the model card.
    channels : tuple of str
        What goes in, sample by sample.
    layers : tuple of Layer, Product or Beside
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


@runtime_checkable
class Learner(Protocol):
    """A processor whose result can be written as a model."""

    def network(self) -> Network:
        """What was learned up to now."""
        ...


def write(network: Network, folder: str | Path, made_by: dict[str, Any] | None = None) -> Card:
    """Write a network as ``model.onnx`` with its card; it runs as ``onnx:model=FOLDER``, in blocks of any size.

    Parameters
    ----------
    network : Network
        What `Learner.network` gives.
    folder : str or Path
        Made if it is not there.
    made_by : dict, optional
        For the card.

    Raises
    ------
    ModuleNotFoundError
        The package onnx is not installed.
    InputError
        The folder cannot be written.
    RtkitError
        ONNX Runtime does not give what the weights in numpy give; nothing is written then.
    """
    import onnx

    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / MODEL).write_bytes(_build(network, onnx).SerializeToString())
        difference = _difference(network, scratch / MODEL)
        if not difference <= LIMIT:
            raise RtkitError(
                f"{folder}: the model differs by {difference:.2g} of its largest output from the weights; at most {LIMIT:g} allowed"
            )
        model = load(scratch / MODEL)
        inputs = tuple(_about(tensor, network) for tensor in model.inputs)
        versions = {name: importlib.metadata.version(name) for name in ("rtkit", "onnx", "onnxruntime")}
        card = Card(
            format=1,
            name=network.name,
            does=network.does,
            files={MODEL: describe(scratch / MODEL, inputs, model.outputs, model.states)},
            rate=network.rate,
            parameters=network.parameters,
            verification=[Proof("noise, in steps of 1, 7 and the rest, against the weights in numpy", difference)],
            made_by=(made_by or {}) | {"opset": OPSET, "versions": versions},
        )
        publish(card, scratch, Path(folder))
    return card


def find_learners(names: Sequence[str], steps: Sequence[object]) -> list[tuple[str, Learner]]:
    """The steps of a chain that learn something that can be written, with their names.

    Raises
    ------
    UsageError
        There are none, or the package onnx is not installed.
    """
    found = [(name, step) for name, step in zip(names, steps, strict=True) if isinstance(step, Learner)]
    if not found:
        raise UsageError(f"no step of {', '.join(names) or 'an empty chain'} learns a model that can be written")
    if importlib.util.find_spec("onnx") is None:
        raise UsageError("writing a model needs the package onnx: pip install onnx")
    return found


def write_learned(folder: str | Path, learners: Sequence[tuple[str, Learner]], made_by: dict[str, Any]) -> None:
    """Write what steps of a chain learned: into `folder`, or into a folder in it for each where there are several.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    for index, (name, step) in enumerate(learners):
        write(step.network(), Path(folder) / f"{index + 1}-{name}" if len(learners) > 1 else folder, made_by)


def _build(network: Network, onnx: Any) -> Any:
    """The graph: [1, time, channels] and the delay line in, [1, time, units] and the new delay line out."""
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

    graph = make.make_graph(
        nodes,
        network.name,
        [value_info("signal", 1, "time", channels), value_info("line", 1, past, channels)],
        [value_info(out, 1, "time", units), value_info("line_out", 1, past, channels)],
        [arrays.from_array(array.astype(np.float32), name) for name, array in constants.items()]
        + [arrays.from_array(np.array(array, np.int64), name) for name, array in edges.items()],
    )
    made = make.make_model(graph, opset_imports=[make.make_opsetid("", OPSET)], producer_name="rtkit", ir_version=9)
    onnx.checker.check_model(made, full_check=True)
    return made


def _add_part(nodes: list[Any], constants: dict[str, NDArray[Any]], make: Any, part: Part, source: str, label: str, taps: int) -> str:
    """Add the nodes of a part of the network that looks at so many taps of `source`; gives the name of what it puts out."""
    if not isinstance(part, Layer):
        inner: tuple[Layer | Product, ...] = part.factors if isinstance(part, Product) else part.parts
        values = [_add_part(nodes, constants, make, each, source, f"{label}_{number}", taps) for number, each in enumerate(inner)]
        if isinstance(part, Beside):
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
    operator = _ACTIVATIONS[part.activation]
    if operator is None:
        return f"sum_{label}"
    nodes.append(make.make_node(operator, [f"sum_{label}"], [f"units_{label}"]))
    return f"units_{label}"


def _single_layers(part: Part) -> list[Layer]:
    """The layers that a part of a network is made of."""
    if isinstance(part, Layer):
        return [part]
    return [layer for inner in (part.factors if isinstance(part, Product) else part.parts) for layer in _single_layers(inner)]


def _units(part: Part) -> int:
    """How many units it puts out."""
    if isinstance(part, Beside):
        return sum(map(_units, part.parts))
    return len(_single_layers(part)[0].bias)


def _evaluate(part: Part, windows: NDArray[Any]) -> NDArray[np.float64]:
    """Units ``[n, units]`` of a part of a network, for taps of the channels before it ``[n, channels, taps]``, the newest first."""
    if isinstance(part, Product):
        return functools.reduce(np.multiply, (_evaluate(factor, windows) for factor in part.factors))
    if isinstance(part, Beside):
        return np.concatenate([_evaluate(each, windows) for each in part.parts], axis=1)
    taps = windows[:, :, : part.weights.shape[1]]
    value: NDArray[np.float64] = np.einsum("nct,utc->nu", taps, part.weights.astype(np.float64)) + part.bias
    return _activate(value, part)


def _activate(value: NDArray[np.float64], layer: Layer) -> NDArray[np.float64]:
    if layer.activation == "sigmoid":
        from scipy.special import expit

        return np.asarray(expit(value))
    return np.tanh(value) if layer.activation == "tanh" else value


def _difference(network: Network, path: Path) -> float:
    """Largest difference of the file, run in steps, from the network in numpy, relative to the largest output."""
    samples = np.random.default_rng(0).standard_normal((network.taps + 500, len(network.channels))).astype(np.float32)
    step = Stepper(load(path))
    name = step.outputs[0].name
    cuts = [0, 1, 8, len(samples)]
    found = np.concatenate([step(samples[None, a:b])[name][0].copy() for a, b in itertools.pairwise(cuts)])
    expected = network.run(samples)
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), np.finfo(np.float32).tiny))


def _about(tensor: Tensor, network: Network) -> Tensor:
    names = network.channels if len(network.channels) <= MOST_NAMES else (*network.channels[:2], "…", network.channels[-1])
    meaning = ", ".join(names) if tensor.name == "signal" else "state, 0 at the start"
    return Tensor(tensor.name, tensor.dtype, tensor.shape, meaning)
