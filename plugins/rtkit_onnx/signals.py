"""A model on a signal: window by window, or step by step with its state."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.errors import InputError, SpecError
from rtkit.items import Block, SampleSpec
from rtkit.onnx import Call, Model, Stepper, Tensor
from rtkit.onnx.card import Normalisation
from rtkit.processor import SampleProcessor
from rtkit_onnx.answers import find_label, plain
from rtkit_onnx.layout import Layout
from rtkit_onnx.normalising import zscore

#: Inputs of this name get the sample rate (Hz).
RATE_NAMES = ("sr", "rate", "sample_rate")


class Signals(SampleProcessor):
    """Runs a model on the samples of a stream.

    Parameters
    ----------
    model : Model
        What to run.
    normalisation : Normalisation, optional
        What to do to each window.
    window, hop : int, optional
        Samples in a window, and from one to the next.
    """

    def __init__(self, model: Model, normalisation: Normalisation | None, window: int | None, hop: int | None) -> None:
        self._model = model
        self._zscore = normalisation is not None and normalisation.kind == "zscore"
        self._window, self._hop = window, hop

    def open(self, spec: SampleSpec) -> SampleSpec:
        """Fit the model to the stream.

        Raises
        ------
        SpecError
            Another number of channels, or another rate.
        InputError
            A model that takes no signal, or any length where none is given.
        """
        super().open(spec)
        model, place = self._model, str(self._model.path)
        constants = {t.name: np.full(_ones(t.shape), round(spec.rate), t.dtype) for t in model.inputs if t.name.lower() in RATE_NAMES}
        rate = model.card.rate if model.card else None
        if rate is not None and rate != spec.rate:
            raise SpecError(f"{place}: needs {rate:g} Hz, got {spec}", rate=rate)
        free = [tensor for tensor in model.inputs if tensor.name not in {*model.states, *constants}]
        answers = [tensor for tensor in model.outputs if tensor.name not in model.states.values()]
        if len(free) != 1 or not answers:
            raise InputError(f"{place}: expected one input beside states, and an output; found {', '.join(map(str, free)) or 'none'}")
        if not 1 <= len(free[0].shape) <= 3:
            raise SpecError(f"{place}: takes no signal but {free[0]}, got {spec}")
        self._in, self._answer = Layout.of(free[0]), answers[0].name
        channels = self._in.channels or len(spec.channels)
        if channels != len(spec.channels):
            raise SpecError(f"{place}: needs {channels} channel(s), got {spec}")
        self._out = self._find_out_layout(answers[0])
        stepped = bool(model.states)
        self._zscore = self._zscore and not stepped  # a step knows no window
        length = self._in.length or self._window or (1 if stepped else 0)
        if length == 0:
            raise InputError(f"{place}: {free[0]} takes any length; give window=")
        #: Any number of samples at once: what comes out does not depend on how many.
        self._flows = stepped and self._in.length is None and self._out is not None
        self._hop_now = length if stepped else (self._hop or length)
        self._says = self._out is None and self._hop_now > 1
        self._stepper = Stepper(model, constants) if stepped else None
        self._call = None if stepped else Call(model, self._in.sizes(length, channels))
        for name, value in constants.items() if self._call else ():
            self._call.inputs[name][...] = value  # type: ignore[union-attr]
        self._input = free[0].name
        self._recent = np.zeros((length, channels), np.float32)
        self._left = length
        width = self._try_width(length, channels)
        self._held = np.zeros(width, np.float32)
        self._queue = np.zeros((0 if self._out is None or self._flows else length - 1, width), np.float32)
        self.latency = 0 if self._out is None or self._flows else self._hop_now - 1
        self._end = 0
        self._names = tuple(f"{self._answer}_{number}" for number in range(width)) if width > 1 else (self._answer,)
        return SampleSpec(spec.rate, self._names)

    def _find_out_layout(self, answer: Tensor) -> Layout | None:
        """How an answer lies that is a signal as long as the input."""
        length = self._in.shape[self._in.time]
        is_signal = length != 1 and len(answer.shape) <= 3 and length in answer.shape[min(1, len(answer.shape) - 1) :]
        return Layout.of(answer) if is_signal else None

    def _try_width(self, length: int, channels: int) -> int:
        """How many numbers there are in an answer: a stream has to know before its first sample, and a live one cannot wait for it."""
        answer = self._ask(np.zeros((length, channels), np.float32))
        for value in self._stepper.state.values() if self._stepper else ():
            value[...] = 0
        return int(answer.shape[1])

    def _ask(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the model on samples ``[n, channels]``; gives ``[n, width]`` for a signal, else ``[1, width]``."""
        packed = self._in.pack(zscore(samples) if self._zscore else samples)
        if self._stepper is not None:
            self._answers = self._stepper(packed)
        else:
            assert self._call is not None
            self._call.inputs[self._input][...] = packed
            self._answers = self._call()
        value = self._answers[self._answer].astype(np.float32, copy=False)
        return self._out.unpack(value) if self._out is not None else value.reshape(1, -1)

    def process(self, block: Block) -> Block:
        """Run the model on what is complete; gives ``[n, width]``."""
        data = _finite(block.data.astype(np.float32, copy=False))
        self._end = block.start + len(data)
        if self._flows:
            return block.with_data(_finite(self._ask(data)).copy() if len(data) else self._queue, self._names)
        out = np.empty((len(data), len(self._held)), np.float32)
        done = 0
        while done < len(data):
            part = slice(done, min(done + self._left, len(data)))
            self._remember(data[part])
            done, last = part.stop, part.stop - part.start == self._left
            self._left -= part.stop - part.start
            held = self._held
            if last:
                held = self._complete((block.start + done) / block.rate)
            if self._out is None:
                out[part], out[done - 1] = self._held, held
                self._held = held
            else:
                out[part], self._queue = np.split(self._queue, [part.stop - part.start])
        return block.with_data(out, self._names)

    def _remember(self, data: NDArray[np.float32]) -> None:
        count = min(len(data), len(self._recent))
        self._recent[:-count] = self._recent[count:]
        self._recent[-count:] = data[-count:]

    def _complete(self, time: float) -> NDArray[np.float32]:
        """A window is full: ask, tell, and queue what came out."""
        answer: NDArray[np.float32] = _finite(self._ask(self._recent))
        self._left = self._hop_now
        if self._out is not None:
            self._queue = np.concatenate((self._queue, answer[-self._hop_now :]))
        elif self._says:
            card = self._model.card
            label, score = find_label(answer[0], card.labels if card else ())
            self.emit(time, "onnx", label, score, **plain(self._answers, self._model.states))
        return np.array(answer[-1])

    def close(self) -> Block | None:
        """The rest of a signal that comes late; the last window is filled up with zeros."""
        if not self.latency:
            return None
        missing = self._left
        if len(self._queue) < self.latency:
            self._remember(np.zeros((missing, self._recent.shape[1]), np.float32))
            self._complete(self._end / self.spec.rate)
        return Block(self._queue[: self.latency], self._end, self.spec.rate, self._names)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        states = self._stepper.state if self._stepper else {}
        return {"recent": self._recent, "held": self._held} | {f"state.{name}": value for name, value in states.items()}

    def state(self) -> dict[str, NDArray[Any]]:
        """Samples of the window, answers on their way, and the model's state."""
        own = {"left": np.array(self._left), "queue": self._queue}
        return {name: array.copy() for name, array in (own | self._arrays()).items()}

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            An array is missing or of another shape: the state is of another model.
        """
        targets = self._arrays()
        for name, target in targets.items():
            if name not in state or state[name].shape != target.shape:
                found = state[name].shape if name in state else "none"
                raise InputError(f"state of onnx: {name} should have shape {target.shape}, found {found}")
        for name, target in targets.items():
            target[...] = state[name]
        self._left, self._queue = int(state["left"]), state["queue"].copy()


def _finite(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values with 0 for what is NaN or Inf. The sum tells at a fraction of the cost that there is none, unless it overflows."""
    if math.isfinite(np.vdot(values, values)):
        return values
    return np.asarray(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), np.float32)


def _ones(shape: tuple[int | str, ...]) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else 1 for size in shape)
