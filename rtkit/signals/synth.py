"""Synthetic signals, for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rtkit.errors import UsageError
from rtkit.items import Block, Item, SampleSpec
from rtkit.signals.pair import Pair
from rtkit.signals.sound import BLOCK
from rtkit.source import Options, Source

if TYPE_CHECKING:
    Signal = Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.float64]]

#: Each gets the times (s) of the samples and a generator of random numbers.
KINDS: dict[str, Signal] = {
    "silence": lambda time, random: np.zeros(len(time)),
    "noise": lambda time, random: 0.1 * random.standard_normal(len(time)),
    "sine": lambda time, random: 0.5 * np.sin(2 * np.pi * 440 * time),
    "square": lambda time, random: np.where((time * 100) % 1 < 0.5, 1.0, -1.0),
}


class Synthetic(Source):
    """``synth:KIND``: silence, white noise (0.1 rms), a sine (440 Hz), or a full-scale square wave (100 Hz); without end.

    Channels of noise are independent, others alike. 16 kHz and mono unless the options say otherwise. The same at each run.
    """

    def __init__(self, kind: str, options: Options) -> None:
        if kind not in KINDS:
            raise UsageError(f"synth:{kind}: expected one of {', '.join(KINDS)}")
        self.name = f"synth:{kind}"
        self._signal = KINDS[kind]
        self._size = options.block or BLOCK
        count = options.channels or 1
        self._spec = SampleSpec(options.rate or 16000.0, ("mono",) if count == 1 else tuple(str(number + 1) for number in range(count)))

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Start at time 0."""
        self._dtype = dtype
        return self._spec

    def __iter__(self) -> Iterator[Item]:
        """Blocks without end."""
        random = np.random.default_rng(0)
        start, rate, channels = 0, self._spec.rate, self._spec.channels
        while True:
            time = (start + np.arange(self._size)) / rate
            data = np.stack([self._signal(time, random) for _ in channels], axis=1).astype(self._dtype)
            yield Block(data, start, rate, channels)
            start += self._size

    def with_far(self, far: Source, options: Options) -> Source:
        """Take this signal as near end and another one as far end."""
        return Pair(self, far)
