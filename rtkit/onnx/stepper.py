"""A stateful model, stepped along a stream: the state that goes out of one call goes into the next."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rtkit.core.errors import InputError
from rtkit.onnx.model import Array, Model, bind, resolve, single_shape


class Stepper:
    """A stateful model and its state.

    Arrays are bound to the session once for each size of input, and the state goes back and forth between two of them; so a step of
    one sample costs little more than the arithmetic.

    Parameters
    ----------
    model : Model
        One that has `states` and one more input.
    constants : dict of str to ndarray
        Inputs that stay the same.

    Attributes
    ----------
    input : Tensor
        What each call takes.
    outputs : tuple of Tensor
        What each call gives, beside the states.

    Raises
    ------
    InputError
        A model without states, or with more than one input that is neither a state nor a constant.

    Examples
    --------
    >>> import numpy as np, rtkit.onnx
    >>> step = rtkit.models.Stepper(rtkit.models.load("heartbeat/step"))
    >>> step(np.zeros((1, 10, 1), np.float32))["p"].shape
    (1, 10, 1)
    """

    def __init__(self, model: Model, constants: Mapping[str, Array] | None = None) -> None:
        self._model = model
        self._constants = dict(constants or {})
        given = {*model.states, *self._constants}
        free = [tensor for tensor in model.inputs if tensor.name not in given]
        if not model.states:
            raise InputError(f"{model.path}: has no state (an input and an output of one shape, h and h_out)")
        if len(free) != 1:
            raise InputError(f"{model.path}: expected one input beside states and constants, found {', '.join(map(str, free)) or 'none'}")
        self.input = free[0]
        self.outputs = tuple(tensor for tensor in model.outputs if tensor.name not in model.states.values())
        states = [tensor for tensor in model.inputs if tensor.name in model.states]
        self._buffers = tuple({tensor.name: np.zeros(single_shape(tensor.shape), tensor.dtype) for tensor in states} for _ in range(2))
        self._turn = 0
        self._shape: tuple[int, ...] = ()

    @property
    def state(self) -> dict[str, Array]:
        """The present state, as views: write into them to put a state back."""
        return self._buffers[self._turn]

    def __call__(self, data: Array) -> dict[str, Array]:
        """Step over `data`, of the shape of `input`; gives the outputs by name, valid until the next call.

        Raises
        ------
        InputError
            Another shape, or one on which the model does not run.
        """
        if data.shape != self._shape:
            self._check(data.shape)
            self._prepare(data.shape)
        if self._bound is None:
            return self._run(data)
        self._data[...] = data
        self._model.run_bound(self._bound[self._turn])
        self._turn ^= 1
        return self._out

    def _check(self, shape: tuple[int, ...]) -> None:
        """One stream: a size that may vary is 1 if a state has it, too (the batch), and any number from 1 on otherwise."""
        states = {size for tensor in self._model.inputs if tensor.name in self._model.states for size in tensor.shape}
        sizes = zip(self.input.shape, shape, strict=False)
        fits = all((size == 1 if name in states else size >= 1) if isinstance(name, str) else size == name for name, size in sizes)
        if len(shape) != len(self.input.shape) or not fits:
            raise InputError(f"{self._model.path}: expected {self.input}, one stream, got {list(shape)}")

    def _prepare(self, shape: tuple[int, ...]) -> None:
        """Allocate and bind for inputs of this shape."""
        sizes = {name: size for name, size in zip(self.input.shape, shape, strict=True) if isinstance(name, str)}
        shapes = {tensor.name: resolve(tensor.shape, sizes) for tensor in self.outputs}
        self._shape, self._bound = shape, None
        if None in shapes.values():
            return
        self._data = np.zeros(shape, self.input.dtype)
        self._out: dict[str, Array] = {tensor.name: np.zeros(shapes[tensor.name] or (), tensor.dtype) for tensor in self.outputs}
        self._bound = [self._bind(self._buffers[turn], self._buffers[1 - turn]) for turn in range(2)]

    def _bind(self, old: dict[str, Array], new: dict[str, Array]) -> object:
        following = {self._model.states[name]: array for name, array in new.items()}
        return bind(self._model, {self.input.name: self._data, **self._constants, **old}, {**self._out, **following})

    def _run(self, data: Array) -> dict[str, Array]:
        """The way for models whose output shapes do not follow from those of the input."""
        given = self._model.run({self.input.name: data, **self._constants, **self.state})
        named = dict(zip((tensor.name for tensor in self._model.outputs), given, strict=True))
        for taken, following in self._model.states.items():
            self.state[taken][...] = named.pop(following)
        return named
