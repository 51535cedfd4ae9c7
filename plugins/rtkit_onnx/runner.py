"""A model as something that is asked with samples and answers with samples, whatever the axes of its tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.errors import InputError, SpecError
from rtkit.items import SampleSpec
from rtkit.onnx import Call, Model, Stepper, Tensor
from rtkit_onnx.layout import Layout

#: Inputs of this name get the sample rate (Hz).
RATE_NAMES = ("sr", "rate", "sample_rate")
#: How far, relatively, a stream's rate may be from that of the card.
RATE_TOLERANCE = 1e-3


class Runner:
    """Fits a model to a stream, and asks it.

    Parameters
    ----------
    model : Model
        What to ask.
    spec : SampleSpec
        Of the stream.
    window : int, optional
        Samples in a question, for a model that takes any number.

    Attributes
    ----------
    length : int or None
        Samples in a question; None for any number, each question going on where the last one ended.
    answers_signal : bool
        Whether an answer is a signal as long as the question, or a few numbers.
    width : int
        Numbers a sample, or in an answer.
    name : str
        Of the output that goes into the stream, the first one.
    answers : dict of str to ndarray
        All outputs of the last question.

    Raises
    ------
    SpecError
        The stream has another number of channels, or another rate.
    InputError
        The model takes more than one input, or any length where none is given.
    """

    answers: dict[str, NDArray[Any]]

    def __init__(self, model: Model, spec: SampleSpec, window: int | None) -> None:
        place, self.stepped = model.path, bool(model.states)
        constants = {t.name: np.full(_ones(t), round(spec.rate), t.dtype) for t in model.inputs if t.name.lower() in RATE_NAMES}
        _check_rate(model, spec)
        free = [tensor for tensor in model.inputs if tensor.name not in {*model.states, *constants}]
        given = [tensor for tensor in model.outputs if tensor.name not in model.states.values()]
        if len(free) != 1 or not given:
            raise InputError(f"{place}: expected one input beside states, and an output; found {', '.join(map(str, free)) or 'none'}")
        if not 1 <= len(free[0].shape) <= 3:
            raise SpecError(f"{place}: takes no signal but {free[0]}, got {spec}")
        self._in, self.name = Layout.of(free[0]), given[0].name
        channels = self._in.channels or len(spec.channels)
        if channels != len(spec.channels):
            raise SpecError(f"{place}: needs {channels} channel(s), got {spec}")
        self._out = _layout_of_answer(given[0], self._in)
        self.answers_signal = self._out is not None
        length = self._in.length or window or (1 if self.stepped else None)
        if length is None:
            raise InputError(f"{place}: {free[0]} takes any length; give window=")
        flows = self.stepped and self._in.length is None and self.answers_signal
        self.length = None if flows else length
        self._stepper = Stepper(model, constants) if self.stepped else None
        if self._stepper is None:
            self._call = Call(model, self._in.sizes(length, channels))
            self._question = self._call.inputs[free[0].name]
            for name, value in constants.items():
                self._call.inputs[name][...] = value
        # a stream has to know the width before its first sample, and a live one cannot wait for the first call, which is slow
        self.width = int(self.ask(np.zeros((length, channels), np.float32)).shape[1])
        for value in self.state.values():
            value[...] = 0

    @property
    def state(self) -> dict[str, NDArray[Any]]:
        """The model's state, as views."""
        return self._stepper.state if self._stepper else {}

    def ask(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ask with samples ``[n, channels]``; gives ``[n, width]`` for a signal, else ``[1, width]``, valid until the next question."""
        packed = self._in.pack(samples)
        if self._stepper is not None:
            self.answers = self._stepper(packed)
        else:
            self._question[...] = packed
            self.answers = self._call()
        value = self.answers[self.name].astype(np.float32, copy=False)
        return finite(self._out.unpack(value) if self._out is not None else value.reshape(1, -1))


def finite(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values with 0 for NaN and Inf. A sum of squares tells at a fraction of the cost that there is none, unless it overflows."""
    if np.isfinite(np.vdot(values, values)):
        return values
    return np.asarray(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), np.float32)


def _check_rate(model: Model, spec: SampleSpec) -> None:
    rate = model.card.rate if model.card else None
    if rate is not None and abs(spec.rate / rate - 1) > RATE_TOLERANCE:
        raise SpecError(f"{model.path}: needs {rate:g} Hz, got {spec}", rate=rate)


def _layout_of_answer(answer: Tensor, question: Layout) -> Layout | None:
    """How an answer lies that is a signal as long as the question; None for a few numbers."""
    length = question.shape[question.time]
    is_signal = length != 1 and len(answer.shape) <= 3 and length in answer.shape[min(1, len(answer.shape) - 1) :]
    return Layout.of(answer) if is_signal else None


def _ones(tensor: Tensor) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else 1 for size in tensor.shape)
