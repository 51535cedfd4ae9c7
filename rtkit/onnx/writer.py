"""Export to ONNX: what was learned, written as a model with its card, for every kind of network."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import RtkitError, UsageError
from rtkit.onnx.card import Card, Proof, Tensor, describe, publish
from rtkit.onnx.find import MODEL_FILE
from rtkit.onnx.model import Model, load

#: Newest set of operators that is used; Conv and Slice as they are here came with 13.
OPSET = 17
#: Threshold of the check of a written file: its largest difference from the weights in numpy, relative to the largest output.
MAX_RELATIVE_DIFFERENCE = 1e-5
Activation: TypeAlias = Literal["linear", "sigmoid", "tanh", "relu", "softmax"]
#: The ONNX operator of each activation function.
OPERATORS: dict[str, str] = {"linear": "Identity", "sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "softmax": "Softmax"}


class LearnedNetwork(ABC):
    """A network that was learned without Keras, with what its card says: taps of a signal or dense layers.

    Attributes
    ----------
    name, does : str
        As on the model card.
    libraries : tuple of str
        Packages whose versions stand on the card.
    """

    name: str
    does: str
    libraries: ClassVar[tuple[str, ...]] = ("rtkit", "onnx", "onnxruntime")

    @property
    @abstractmethod
    def parameters(self) -> int:
        """Number of weights."""

    @abstractmethod
    def run(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The same in numpy; the reference for the file."""

    @abstractmethod
    def graph(self) -> Any:
        """The network as an ONNX graph."""

    @abstractmethod
    def verify(self, path: Path) -> Proof:
        """How far the file is from `run`, relative to the largest output, and on what that was tried."""

    def card_fields(self) -> dict[str, Any]:
        """What the card says beside: ``limits``, ``labels``, ``rate``, ``metrics``, ``made_by``."""
        return {}

    @abstractmethod
    def tensors(self, model: Model) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Inputs and outputs of the file with their meanings."""


@runtime_checkable
class Exportable(Protocol):
    """A processor whose model can be written."""

    def network(self) -> LearnedNetwork:
        """What was learned up to now."""


def write(network: LearnedNetwork, folder: str | Path, made_by: dict[str, Any] | None = None) -> Card:
    """Write a network as ``model.onnx`` with its card into a folder.

    Parameters
    ----------
    network : LearnedNetwork
        What `Exportable.network` gives.
    folder : str or Path
        Made if it is not there.
    made_by : dict, optional
        For the card, beside what the network itself says.

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
        opset = [onnx.helper.make_opsetid("", OPSET)]
        made = onnx.helper.make_model(network.graph(), opset_imports=opset, producer_name="rtkit", ir_version=9)
        onnx.checker.check_model(made, full_check=True)
        (scratch / MODEL_FILE).write_bytes(made.SerializeToString())
        proof = network.verify(scratch / MODEL_FILE)
        if not proof.difference <= MAX_RELATIVE_DIFFERENCE:
            raise RtkitError(
                f"{folder}: the model differs by {proof.difference:.2g} of its largest output from the weights; "
                f"at most {MAX_RELATIVE_DIFFERENCE:g} allowed"
            )
        model = load(scratch / MODEL_FILE)
        versions = {library: importlib.metadata.version(library) for library in network.libraries}
        said = network.card_fields()
        card = Card(
            format=1,
            name=network.name,
            does=network.does,
            files={MODEL_FILE: describe(scratch / MODEL_FILE, *network.tensors(model), model.states)},
            parameters=network.parameters,
            verification=[proof],
            made_by=said.pop("made_by", {}) | (made_by or {}) | {"opset": OPSET, "versions": versions},
            **said,
        )
        publish(card, scratch, Path(folder))
    return card


def activate(values: NDArray[np.float64], activation: Activation) -> NDArray[np.float64]:
    """The activation function in numpy, of the units ``[n, units]`` of a layer."""
    from scipy.special import expit, softmax

    if activation == "softmax":
        return np.asarray(softmax(values, axis=1))
    if activation == "relu":
        return np.maximum(values, 0)
    if activation == "sigmoid":
        return np.asarray(expit(values))
    return np.tanh(values) if activation == "tanh" else values


def difference(found: NDArray[Any], expected: NDArray[np.float64]) -> float:
    """Largest difference, relative to the largest value that was expected."""
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), np.finfo(np.float32).tiny))


def find_exportable(names: Sequence[str], steps: Sequence[object]) -> list[tuple[str, Exportable]]:
    """The steps of a chain that learn something that can be written, with their names.

    Raises
    ------
    UsageError
        There are none, or the package onnx is not installed.
    """
    found = [(name, step) for name, step in zip(names, steps, strict=True) if isinstance(step, Exportable)]
    if not found:
        raise UsageError(f"no step of {', '.join(names) or 'an empty chain'} learns a model that can be written")
    if importlib.util.find_spec("onnx") is None:
        raise UsageError("writing a model needs the package onnx: pip install onnx")
    return found


def write_learned(folder: str | Path, steps: Sequence[tuple[str, Exportable]], made_by: dict[str, Any]) -> None:
    """Write what steps of a chain learned: into `folder`, or into a folder in it for each where there are several.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    for index, (name, step) in enumerate(steps):
        write(step.network(), Path(folder) / f"{index + 1}-{name}" if len(steps) > 1 else folder, made_by)
