"""Synthetic signals, for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import UsageError
from rtkit.core.items import Item, Samples, SampleSpec
from rtkit.core.source import Options, Source
from rtkit.signals.blocks import BLOCK_SAMPLES, channel_names, in_blocks
from rtkit.signals.pair import Pair

Signal: TypeAlias = Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.float64]]

#: Samples of the plant that belong together: what is made at once is a multiple of it.
ROW_SAMPLES = 4


@dataclass(frozen=True, slots=True)
class Kind:
    """A signal and its format.

    Parameters
    ----------
    signal : callable
        Gets the times (s) of the samples ``[n]`` and a generator of random numbers; gives ``[n]``, or ``[n, channels]`` if it has
        channels of its own.
    channels : tuple of str, optional
        Its own channels; without them, there are as many as wished, and it is called for each.
    rate : float
        Rate (Hz) where nobody asks for another.
    """

    signal: Signal
    channels: tuple[str, ...] | None = None
    rate: float = 16000.0


def plant(time: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Input and output ``[n, 2]`` of the unstable plant y[k] = 2 u[k] + 4 u[k-1] - 6 y[k-1] - 8 y[k-2].

    In each row of `ROW_SAMPLES`, two outputs are as random as the three inputs, so that nothing grows; the third is the plant's answer to
    them, and a missing sample keeps it from the next row. To a model that looks two samples back, each row is an independent one.
    """
    past = random.uniform(-1, 1, (len(time) // ROW_SAMPLES, 5))
    u, y = past[:, :3], past[:, 3:]
    rows = np.full((len(past), ROW_SAMPLES, 2), np.nan)
    rows[:, :3, 0], rows[:, :2, 1] = u, y
    rows[:, 2, 1] = 2 * u[:, 2] + 4 * u[:, 1] - 6 * y[:, 1] - 8 * y[:, 0]
    return rows.reshape(-1, 2)


KINDS: dict[str, Kind] = {
    "silence": Kind(lambda time, random: np.zeros(len(time))),
    "noise": Kind(lambda time, random: 0.1 * random.standard_normal(len(time))),
    "sine": Kind(lambda time, random: 0.5 * np.sin(2 * np.pi * 440 * time)),
    "square": Kind(lambda time, random: np.where((time * 100) % 1 < 0.5, 1.0, -1.0)),
    "plant": Kind(plant, ("u", "y"), 1000.0),
}


class Synthetic(Source):
    """``synth:KIND``: silence, white noise (0.1 rms), a sine (440 Hz), a full-scale square wave (100 Hz), or a plant; without end.

    Channels of noise are independent, others alike. 16 kHz and mono unless the options say otherwise. The plant has the channels u
    and y at 1 kHz: an unstable one, by independent random regressors (see `plant`). The same at each run.
    """

    gives = "samples"
    open_to_pages = True

    def __init__(self, name: str, options: Options) -> None:
        if name not in KINDS:
            raise UsageError(f"synth:{name}: expected one of {', '.join(KINDS)}")
        self.name = f"synth:{name}"
        self._kind = kind = KINDS[name]
        self._size = options.block or BLOCK_SAMPLES
        channels = kind.channels or channel_names(options.channels or 1)
        if options.channels not in (None, len(channels)):
            raise UsageError(f"synth:{name}: has the channels {', '.join(channels)}; got --channels {options.channels}")
        self._spec = SampleSpec(options.rate or kind.rate, channels)

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Start at time 0."""
        self._dtype = dtype
        return self._spec

    def __iter__(self) -> Iterator[Item]:
        """Blocks without end."""
        return in_blocks(self._runs(), self._size, self._spec.rate, self._spec.channels)

    def _runs(self) -> Iterator[Samples]:
        random = np.random.default_rng(0)
        start, size = 0, -(-self._size // ROW_SAMPLES) * ROW_SAMPLES
        calls = 1 if self._kind.channels else len(self._spec.channels)
        while True:
            time = (start + np.arange(size)) / self._spec.rate
            yield np.column_stack([self._kind.signal(time, random) for _ in range(calls)]).astype(self._dtype)
            start += size

    def with_far(self, far: Source, options: Options) -> Source:
        """Take this signal as near end and another one as far end."""
        return Pair(self, far)
