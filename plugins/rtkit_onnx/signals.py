"""A model on a signal: window by window, or step by step with its state."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Block, SampleProcessor, SampleSpec, UsageError, read_state, restore
from rtkit.models import Model, Normalisation, zscore
from rtkit_onnx.outputs import find_label, to_json
from rtkit_onnx.runner import Runner, finite


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
        # a model that goes on from step to step knows no window that could be normalised
        self._zscore = normalisation is not None and normalisation.kind == "zscore" and not model.states
        self._window, self._wanted_hop = window, hop

    def open(self, spec: SampleSpec) -> SampleSpec:
        """Fit the model to the stream; errors as of `Runner`."""
        super().open(spec)
        runner = self._runner = Runner(self._model, spec, self._window)
        length = runner.length or 1
        self._hop = self._wanted_hop or length
        if (self._hop > length and runner.gives_signal) or (self._hop != length and runner.stepped):
            raise UsageError(
                f"{self._model.path}: hop={self._hop} does not fit; {'a step' if runner.stepped else 'a window'} has {length} samples"
            )
        self._emits = not runner.gives_signal and self._hop > 1
        self._recent = np.zeros((length, len(spec.channels)), np.float32)
        self._left = length  # samples until the next call
        self._held = np.zeros(runner.width, np.float32)
        late = runner.gives_signal and runner.length is not None
        self.latency = self._hop - 1 if late else 0
        self._queue = np.zeros((length - 1 if late else 0, runner.width), np.float32)  # outputs that are not out yet
        self._end = 0
        self._names = tuple(f"{runner.name}_{number}" for number in range(runner.width)) if runner.width > 1 else (runner.name,)
        return SampleSpec(spec.rate, self._names)

    def process(self, block: Block) -> Block:
        """Run the model on what is complete; gives ``[n, width]``."""
        data = finite(block.data.astype(np.float32, copy=False))
        self._end = block.start + len(data)
        out = np.empty((len(data), self._runner.width), np.float32)
        if self._runner.length is None and len(data):
            out[:] = self._runner.run(data)
            return block.with_data(out, self._names)
        done = 0
        while done < len(data):
            part = slice(done, min(done + self._left, len(data)))
            done, self._left = part.stop, self._left - (part.stop - part.start)
            self._remember(data[part])
            before = self._held
            if self._left == 0:
                self._run((block.start + done) / block.rate)
            if self._runner.gives_signal:
                out[part], self._queue = np.split(self._queue, [part.stop - part.start])
            else:
                out[part], out[done - 1] = before, self._held
        return block.with_data(out, self._names)

    def _remember(self, data: NDArray[np.float32]) -> None:
        count = min(len(data), len(self._recent))
        self._recent[:-count] = self._recent[count:]
        self._recent[-count:] = data[-count:]

    def _run(self, time: float) -> None:
        """A window is full: run the model, queue or hold its output, and emit the event."""
        output = self._runner.run(zscore(self._recent) if self._zscore else self._recent)
        self._left = self._hop
        if self._runner.gives_signal:
            self._queue = np.concatenate((self._queue, output[-self._hop :]))
            return
        self._held = output[0].copy()
        if self._emits:
            card = self._model.card
            label, score = find_label(self._held, card.labels if card else ())
            self.emit(time, "onnx", label, score, **to_json(self._runner.outputs, self._model.states))

    def close(self) -> Block | None:
        """The rest of a signal that comes late; the last window is filled up with zeros."""
        if not self.latency:
            return None
        if len(self._queue) < self.latency:
            self._remember(np.zeros((self._left, self._recent.shape[1]), np.float32))
            self._run(self._end / self.spec.rate)
        return Block(self._queue[: self.latency], self._end, self.spec.rate, self._names)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        states = {f"state.{name}": value for name, value in self._runner.state.items()}
        return {"recent": self._recent, "held": self._held} | states

    def state(self) -> dict[str, NDArray[Any]]:
        """Samples of the window, outputs on their way, and the model's state."""
        own = {"left": np.array(self._left), "queue": self._queue}
        return {name: array.copy() for name, array in (own | self._arrays()).items()}

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            An array is missing or of another shape: the state is of another model.
        """
        arrays = self._arrays()
        layout = {**{name: array.shape for name, array in arrays.items()}, "left": (), "queue": (None, self._runner.width)}
        own = read_state("onnx", layout, state)
        restore("onnx", arrays, own)
        self._left, self._queue = int(own["left"]), own["queue"]
