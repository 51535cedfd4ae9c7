"""A model that is ready to run, and two ways to run it again and again without new arrays: `Call` and `Stepper`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import InputError
from rtkit.onnx.card import CARD_FILE, Card, Shape, Tensor, read_card
from rtkit.onnx.find import find
from rtkit.onnx.session import session

if TYPE_CHECKING:
    import onnxruntime

Array = NDArray[Any]

#: Called with the name of a model, gives the model: `load`, or `OnnxProcessor.load_model`.
Loader = Callable[[str | Path], "Model"]

#: Largest ONNX file that can hold a model by itself; protobuf's limit.
MAX_FILE_BYTES = 2**31 - 1
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}


class Model:
    """A model with its session and, if it has one, its card. `load` makes it.

    Attributes
    ----------
    path : Path
        Its ONNX file.
    card : Card or None
        None for a file without a card.
    session : onnxruntime.InferenceSession
        Shared with every other user of the same model.
    inputs, outputs : tuple of Tensor
        As the file has them.
    states : dict
        Name of each input that takes a state → name of the output that gives the next one; empty if it has none.
    threads, providers
        As `load` was given them.
    """

    def __init__(
        self, path: Path, card: Card | None, made: onnxruntime.InferenceSession, threads: int = 1, providers: str | None = None
    ) -> None:
        self.path = path
        self.card = card
        self.session = made
        self.threads, self.providers = threads, providers
        self.inputs = tuple(_tensor(path, value) for value in made.get_inputs())
        self.outputs = tuple(_tensor(path, value) for value in made.get_outputs())
        self.states = card.files[path.name].states if card else guess_states(self.inputs, self.outputs)

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """Run once; gives the outputs in the order of `outputs`.

        Raises
        ------
        InputError
            The model does not run on inputs of this shape or type.
        """
        try:
            made: list[Array] = self.session.run(None, dict(inputs))
        except Exception as error:  # ONNX Runtime has kinds of its own
            raise self._refusal(error) from None
        return made

    def with_graph(self, data: bytes) -> Model:
        """The model with another graph, an ONNX file in memory, in a session like this one's."""
        made = session(self.path, data, hashlib.sha256(data).hexdigest(), self.threads, self.providers)
        return Model(self.path, self.card, made, self.threads, self.providers)

    def run_bound(self, bound: onnxruntime.IOBinding) -> None:
        """Run once on arrays that were bound by `bind`; errors as of `run`."""
        try:
            self.session.run_with_iobinding(bound)
        except Exception as error:
            raise self._refusal(error) from None

    def _refusal(self, error: Exception) -> InputError:
        return InputError(f"{self.path}: the model does not run on this input: {' '.join(str(error).split())}")

    def __repr__(self) -> str:
        return f"Model({self.path}: {', '.join(map(str, self.inputs))} → {', '.join(map(str, self.outputs))})"


def load(name: str | Path, threads: int = 1, providers: str | None = None) -> Model:
    """Load a model by file, folder, or the name of a shipped one; check it against its card, if there is one beside it.

    Parameters
    ----------
    name : str or Path
        As in `rtkit.onnx.find.find`.
    threads : int
        Threads for one call.
    providers : str, optional
        As in `rtkit.onnx.session.session`.

    Raises
    ------
    InputError
        No such model, a damaged file, or one that is not what its card says.
    UsageError
        A provider that rtkit does not know.
    """
    path = find(str(name))
    card_path = path.with_name(CARD_FILE)
    card = read_card(card_path) if card_path.is_file() else None
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{path}: too large for an ONNX file of one piece (2 GiB)")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    digest = hashlib.sha256(data).hexdigest()
    if card is not None:
        card.check(path, digest)
    model = Model(path, card, session(path, data, digest, threads, providers), threads, providers)
    if card is not None:
        _check_contract(card, model)
    return model


def _check_contract(card: Card, model: Model) -> None:
    file = card.files[model.path.name]
    for what, said, found in (("input", file.inputs, model.inputs), ("output", file.outputs, model.outputs)):
        if len(said) != len(found) or any((a.name, a.kind) != (b.name, b.kind) for a, b in zip(said, found, strict=True)):
            raise InputError(
                f"{model.path}: {what}s are {', '.join(map(str, found))}; its model card says {', '.join(map(str, said)) or 'none'}"
            )
    inputs, outputs = ({tensor.name: tensor.kind for tensor in tensors} for tensors in (model.inputs, model.outputs))
    if len(set(file.states.values())) < len(file.states):
        raise InputError(f"{model.path}: its model card has two states that come from one output")
    for taken, given in file.states.items():
        if taken not in inputs or given not in outputs or inputs[taken] != outputs[given]:
            raise InputError(f"{model.path}: its model card has a state {taken} → {given}, which the file has not, or not of one shape")


def _tensor(path: Path, value: Any) -> Tensor:
    if value.type not in _DTYPES:
        raise InputError(f"{path}: {value.name} is a {value.type}; expected one of {', '.join(_DTYPES)}")
    shape = tuple(size if isinstance(size, int) else str(size or f"{value.name}_{axis}") for axis, size in enumerate(value.shape))
    return Tensor(value.name, _DTYPES[value.type], shape)


def guess_states(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> dict[str, str]:
    """Which inputs of a stateful model take the state that an output gives.

    Those of the same type and shape whose output's name contains the input's (``h`` and ``h_out``, ``state`` and ``stateN``,
    ``conv_cache`` and ``conv_cache_out``); but never all of them: what is left is the signal (``x`` and ``x_hat``).
    """
    pairs: dict[str, str] = {}
    for taken in sorted(inputs, key=lambda tensor: -len(tensor.name)):
        for given in outputs:
            if taken.kind == given.kind and given.name not in pairs.values() and taken.name.lower() in given.name.lower():
                pairs[taken.name] = given.name
                break
    if len(pairs) == len(inputs):  # the first input is the signal
        pairs.pop(inputs[0].name)
    if len(pairs) == len(outputs):  # the first output is the answer
        pairs = {taken: given for taken, given in pairs.items() if given != outputs[0].name}
    return {tensor.name: pairs[tensor.name] for tensor in inputs if tensor.name in pairs}


def resolve(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, ...] | None:
    """A shape with its names replaced by sizes; None where one is not known."""
    if any(isinstance(size, str) and size not in sizes for size in shape):
        return None
    return tuple(size if isinstance(size, int) else sizes[size] for size in shape)


def single_shape(shape: Shape) -> tuple[int, ...]:
    """A shape with 1 for what may vary."""
    return tuple(size if isinstance(size, int) else 1 for size in shape)


class Call:
    """One call of a model with inputs of fixed shapes, over and over, on the same arrays.

    Inputs and outputs are bound to the session once, which saves a third of the time of a small model's call.

    Parameters
    ----------
    model : Model
        What to run.
    sizes : dict
        A number for each size of its inputs that may vary.

    Attributes
    ----------
    inputs : dict of str to ndarray
        Fill these before a call.
    outputs : dict of str to ndarray
        What the call wrote; the same arrays each time, where the shape follows from the inputs.

    Raises
    ------
    InputError
        A size that is not known.
    """

    def __init__(self, model: Model, sizes: Mapping[str, int]) -> None:
        self._model = model
        self.inputs = {tensor.name: np.zeros(_known(model, tensor, sizes), tensor.dtype) for tensor in model.inputs}
        shapes = {tensor.name: resolve(tensor.shape, sizes) for tensor in model.outputs}
        self.outputs: dict[str, Array] = {
            tensor.name: np.zeros(shape, tensor.dtype) for tensor in model.outputs if (shape := shapes[tensor.name]) is not None
        }
        self._bound = None
        if None not in shapes.values() and all(array.size for array in self.outputs.values()):
            self._bound = bind(model, self.inputs, self.outputs)

    def __call__(self) -> dict[str, Array]:
        """Run the model on `inputs`; gives `outputs`."""
        if self._bound is not None:
            self._model.run_bound(self._bound)
        else:
            names = [tensor.name for tensor in self._model.outputs]
            self.outputs = dict(zip(names, self._model.run(self.inputs), strict=True))
        return self.outputs


def bind(model: Model, inputs: Mapping[str, Array], outputs: Mapping[str, Array]) -> onnxruntime.IOBinding:
    """Bind arrays in memory to the inputs and outputs of a session. The arrays must outlive the binding."""
    bound = model.session.io_binding()
    for name, array in inputs.items():
        bound.bind_input(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
    for name, array in outputs.items():
        bound.bind_output(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
    return bound


def _known(model: Model, tensor: Tensor, sizes: Mapping[str, int]) -> tuple[int, ...]:
    shape = resolve(tensor.shape, sizes)
    if shape is None:
        raise InputError(f"{model.path}: sizes of {tensor} are not known")
    if any(size < 1 for size in shape):
        raise InputError(f"{model.path}: {tensor} would have the shape {list(shape)}; expected sizes of at least 1")
    return shape
