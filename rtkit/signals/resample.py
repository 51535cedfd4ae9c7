"""Resampling between a stream and a processor that wants another rate."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import InputError
from rtkit.core.items import Block, SampleSpec
from rtkit.core.parameters import Range
from rtkit.core.processor import SampleProcessor

#: Latencies of the filter for which past input is kept: it is twice as long as its latency, and a state must make it forget its start.
FILTER_LATENCIES = 8


class Resampler(SampleProcessor):
    """Band-limited resampling by libsoxr, streaming, at high quality.

    The output is aligned with the input in time; it only comes later, by `latency`. A stream puts it by itself in front of a step that
    wants another rate.

    Parameters
    ----------
    rate : float
        Rate of the output (Hz).
    """

    resizes = True
    examples = ({"rate": 8000.0}, {"rate": 44100.0})

    def __init__(self, rate: Annotated[float, Range(1, 1e7)]) -> None:
        self.rate = rate

    def open(self, spec: SampleSpec) -> SampleSpec:
        """Accept any format; the output has the same channels at the other rate."""
        super().open(spec)
        self._ratio = self.rate / spec.rate
        self._expected = self._next = 0
        self._started = False
        self._stream = self._make()
        self.latency = self._measure_latency()
        whole = spec.rate.is_integer() and self.rate.is_integer()
        #: Samples of input after which input and output are in step again: a filter that is fed from such a place on goes on the same.
        self._period = round(spec.rate) // math.gcd(round(spec.rate), round(self.rate)) if whole else 1
        self._span = FILTER_LATENCIES * (math.ceil(self.latency / self._ratio) + 1)
        self._taken = self._given = 0  # samples of input and output
        self._past = np.zeros((0, len(spec.channels)), np.float32)
        self._early = self._past  # output of a filter that was fed anew, to be handed on first
        self._late = 0  # samples of output of such a filter that were handed on before
        return SampleSpec(self.rate, spec.channels)

    def process(self, block: Block) -> Block:
        """Resample one block; the output block has as many samples as have become ready."""
        if not self._started or block.start != self._expected:  # the first one, or after a gap in a live source
            self._next += round((block.start - self._expected) * self._ratio)
            self._started = True
        self._expected = block.start + len(block.data)
        data = np.nan_to_num(np.asarray(block.data, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        self._taken += len(data)
        kept = np.concatenate((self._past, data))
        begin = max(0, (self._taken - self._span) // self._period * self._period)
        self._past = kept[max(0, len(kept) - (self._taken - begin)) :]
        return self._hand_on(data, last=False)

    def close(self) -> Block | None:
        """The samples that were still inside."""
        if self._stream is None:
            return None
        tail = self._hand_on(np.zeros((0, len(self.spec.channels)), np.float32), last=True)
        self._stream = None
        return tail

    def state(self) -> dict[str, NDArray[Any]]:
        """The newest input ``past`` ``[n, channels]``, from which the filter can be fed anew, and the ``counts``."""
        counts = [self._expected, self._next, self._started, self._taken, self._given]
        return {"past": self._past.copy(), "counts": np.array(counts, np.int64)}

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from a state.

        Raises
        ------
        InputError
            It is that of another number of channels, or none.
        """
        past, counts = state.get("past", np.zeros(0)), state.get("counts", np.zeros(0))
        if past.ndim != 2 or past.shape[1] != len(self.spec.channels) or counts.shape != (5,):
            raise InputError(f"state of Resampler: expected past [n, {len(self.spec.channels)}] and 5 counts")
        self._expected, self._next, started, self._taken, self._given = map(int, counts)
        self._started = bool(started)
        self._past = np.array(past, np.float32)
        self._stream = self._make()
        out = self._resample(self._past, last=False)
        ahead = round((self._taken - len(past)) * self._ratio) + len(out) - self._given
        self._early = out[len(out) - ahead :] if ahead > 0 else out[:0]
        self._late = max(0, -ahead)

    def _hand_on(self, data: NDArray[Any], last: bool) -> Block:
        out = self._resample(data, last)
        skipped = min(self._late, len(out))
        self._late -= skipped
        out = np.concatenate((self._early, out[skipped:])) if len(self._early) or skipped else out
        self._early = self._early[:0]
        block = Block(out, self._next, self.rate, self.spec.channels)
        self._next += len(out)
        self._given += len(out)
        return block

    def _resample(self, data: NDArray[Any], last: bool) -> NDArray[Any]:
        out: NDArray[Any] = self._stream.resample_chunk(np.ascontiguousarray(data), last=last)
        return out.reshape(-1, len(self.spec.channels))

    def _make(self) -> Any:
        import soxr

        return soxr.ResampleStream(self.spec.rate, self.rate, len(self.spec.channels), dtype="float32", quality="HQ")

    def _measure_latency(self) -> int:
        """Samples of output that are missing after a long input: what libsoxr holds back."""
        quiet = np.zeros((round(self.spec.rate), len(self.spec.channels)), np.float32)
        return max(0, round(len(quiet) * self._ratio) - len(self._make().resample_chunk(quiet)))
