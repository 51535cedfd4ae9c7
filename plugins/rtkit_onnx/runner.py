"""A model that takes samples and gives samples, whatever the axes of its tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import InputError, SampleSpec, SpecError, UsageError
from rtkit.models import Call, Model, Stepper, Tensor, single_shape
from rtkit_onnx.layout import Layout

#: Inputs of this name get the sample rate (Hz).
RATE_NAMES = ("sr", "rate", "sample_rate")
#: Numbers of samples with which a model is tried that takes any.
PROBES = (13, 17)
#: How far, relatively, a stream's rate may be from that of the card.
RATE_TOLERANCE = 1e-3


class Runner:
    """Fits a model to a stream, and runs it.

    Parameters
    ----------
    model : Model
        What to run.
    spec : SampleSpec
        Of the stream.
    window : int, optional
        Samples in a call, for a model that takes any number.

    Attributes
    ----------
    length : int or None
        Samples in a call; None for any number, each call going on where the last one ended.
    gives_signal : bool
        Whether the output is a signal as long as the input, or a few numbers.
    width : int
        Numbers a sample, or in an output.
    name : str
        Of the output that goes into the stream, the first one.
    outputs : dict of str to ndarray
        All outputs of the last call.

    Raises
    ------
    SpecError
        The stream has another number of channels, or another rate.
    InputError
        The model takes more than one input, or any length where none is given.
    UsageError
        A window of another length than the model takes.
    """

    outputs: dict[str, NDArray[Any]]
    width = -1  # not known before the first call

    def __init__(self, model: Model, spec: SampleSpec, window: int | None) -> None:
        self._place = place = model.path
        self.stepped = bool(model.states)
        constants = {t.name: _rate_input(t, spec.rate) for t in model.inputs if t.name.lower() in RATE_NAMES}
        _check_rate(model, spec)
        free = [tensor for tensor in model.inputs if tensor.name not in {*model.states, *constants}]
        given = [tensor for tensor in model.outputs if tensor.name not in model.states.values()]
        if len(free) != 1 or not given:
            raise InputError(f"{place}: expected one input beside states, and an output; found {', '.join(map(str, free)) or 'none'}")
        if not 1 <= len(free[0].shape) <= 3 or 0 in free[0].shape:
            raise SpecError(f"{place}: takes no signal but {free[0]}, got {spec}")
        self._in, self.name = Layout.of(free[0]), given[0].name
        channels = self._in.channels or len(spec.channels)
        if channels != len(spec.channels):
            raise SpecError(f"{place}: needs {channels} channel(s), got {spec}")
        fixed = self._in.length
        if fixed is not None and window not in (None, fixed):
            raise UsageError(f"{place}: window={window} does not fit; the model takes {fixed} samples")
        length = fixed or window or (1 if self.stepped else None)
        if length is None:
            raise InputError(f"{place}: {free[0]} takes any length; give window=")
        self._stepper = Stepper(model, constants) if self.stepped else None
        if self._stepper is None:
            self._call = Call(model, self._in.sizes(length, channels))
            self._input = self._call.inputs[free[0].name]
            for name, value in constants.items():
                self._call.inputs[name][...] = value
        # a stream has to know the width before its first sample, and a live one cannot wait for the first call, which is slow
        flows = self.stepped and fixed is None and window is None and self._gives_each_sample(channels)
        self._out = Layout.of_output(
            self._raw(np.zeros((PROBES[0] if flows else length, channels), np.float32)).shape, PROBES[0] if flows else length
        )
        self.length = None if flows else length
        self.gives_signal = self._out is not None
        self.width = int(self.run(np.zeros((length, channels), np.float32)).shape[1])
        if self.width == 0:
            raise InputError(f"{place}: answers with nothing: {given[0]} is empty")
        for value in self.state.values():
            value[...] = 0

    def _gives_each_sample(self, channels: int) -> bool:
        """Whether a model that takes any number of samples gives as many: tried twice, as one number may be an accident."""
        try:
            shapes = [self._raw(np.zeros((count, channels), np.float32)).shape for count in PROBES]
        except InputError:  # it takes some numbers of samples only
            return False
        layouts = [Layout.of_output(shape, count) for shape, count in zip(shapes, PROBES, strict=True)]
        return None not in layouts and layouts[0].time == layouts[1].time  # type: ignore[union-attr]

    @property
    def state(self) -> dict[str, NDArray[Any]]:
        """The model's state, as views."""
        return self._stepper.state if self._stepper else {}

    def run(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run on samples ``[n, channels]``; gives ``[n, width]`` for a signal, else ``[1, width]``, valid until the next call.

        Raises
        ------
        InputError
            The model does not run on these samples, or gives another number of values than before.
        """
        value = self._raw(samples)
        for name, state in self.state.items():
            if not math.isfinite(np.vdot(state, state)):  # what the model made of finite samples must not stay for good
                self.state[name][...] = finite(state)
        output = finite(self._out.unpack(value) if self._out is not None else value.reshape(1, -1))
        if output.shape[1] != self.width >= 0:
            raise InputError(f"{self._place}: {self.name} has {output.shape[1]} values now, and had {self.width} at first")
        return output

    def _raw(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The first output as it is, in float32."""
        packed = self._in.pack(samples)
        if self._stepper is not None:
            self.outputs = self._stepper(packed)
        else:
            with np.errstate(invalid="ignore"):  # whole numbers hold no more than they do
                self._input[...] = packed
            self.outputs = self._call()
        return self.outputs[self.name].astype(np.float32, copy=False)


def finite(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values with 0 for NaN and Inf. A sum of squares tells at a fraction of the cost that there is none, unless it overflows."""
    if math.isfinite(np.vdot(values, values)):
        return values
    return np.asarray(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), np.float32)


def _check_rate(model: Model, spec: SampleSpec) -> None:
    rate = model.card.rate if model.card else None
    if rate is not None and abs(spec.rate / rate - 1) > RATE_TOLERANCE:
        raise SpecError(f"{model.path}: needs {rate:g} Hz, got {spec}", rate=rate)


def _rate_input(tensor: Tensor, rate: float) -> NDArray[Any]:
    whole = np.dtype(tensor.dtype).kind in "iu"
    return np.full(single_shape(tensor.shape), round(rate) if whole else rate, tensor.dtype)
