"""Resampling between a stream and a processor that wants another rate."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from rtkit.core.items import Block, SampleSpec
from rtkit.core.parameters import Range
from rtkit.core.processor import SampleProcessor


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
        return SampleSpec(self.rate, spec.channels)

    def process(self, block: Block) -> Block:
        """Resample one block; the output block has as many samples as have become ready."""
        if not self._started or block.start != self._expected:  # the first one, or after a gap in a live source
            self._next += round((block.start - self._expected) * self._ratio)
            self._started = True
        self._expected = block.start + len(block.data)
        return self._hand_on(np.nan_to_num(block.data, nan=0.0, posinf=0.0, neginf=0.0), last=False)

    def close(self) -> Block:
        """The samples that were still inside."""
        return self._hand_on(np.zeros((0, len(self.spec.channels)), self.dtype), last=True)

    def _hand_on(self, data: NDArray[Any], last: bool) -> Block:
        out = self._stream.resample_chunk(np.ascontiguousarray(data, np.float32), last=last).reshape(-1, len(self.spec.channels))
        block = Block(out, self._next, self.rate, self.spec.channels)
        self._next += len(out)
        return block

    def _make(self) -> Any:
        import soxr

        return soxr.ResampleStream(self.spec.rate, self.rate, len(self.spec.channels), dtype="float32", quality="HQ")

    def _measure_latency(self) -> int:
        """Samples of output that are missing after a long input: what libsoxr holds back."""
        quiet = np.zeros((round(self.spec.rate), len(self.spec.channels)), np.float32)
        return max(0, round(len(quiet) * self._ratio) - len(self._make().resample_chunk(quiet)))
