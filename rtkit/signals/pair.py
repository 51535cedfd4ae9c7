"""Two signals as two channels: a near end and a far end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rtkit.core.errors import InputError, SpecError, UsageError
from rtkit.core.items import Block, Item, SampleSpec
from rtkit.core.source import Source
from rtkit.signals.blocks import BLOCK_SAMPLES
from rtkit.signals.resample import Resampler


class Pair(Source):
    """Near end and far end side by side, at the rate of the near end, as long as the near end.

    A far end of another rate is resampled; a shorter one goes on with silence. The channels have the names that they have in the
    files if both have one.
    """

    def __init__(self, near: Source, far: Source) -> None:
        if near.live or far.live:
            raise UsageError(f"{near.name} and {far.name}: a file and a live device do not go together; record the device first")
        self.name = f"{near.name}+{far.name}"
        self._near, self._far = near, far

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Open both.

        Raises
        ------
        InputError
            As either source does, and for one that has more than one channel.
        """
        near, far = (self._mono(source, dtype) for source in (self._near, self._far))
        self._dtype, self.length = dtype, self._near.length
        self._resampler = None
        if near.rate != far.rate:
            self._resampler = Resampler(near.rate)
            self._resampler.open(far)
        own = near.channels + far.channels
        self._channels = own if "mono" not in own and len(set(own)) == 2 else ("near", "far")
        return SampleSpec(near.rate, self._channels)

    @staticmethod
    def _mono(source: Source, dtype: type[np.floating[Any]]) -> SampleSpec:
        spec = source.open(dtype)
        if not isinstance(spec, SampleSpec):
            raise SpecError(f"{source.name}: expected samples, got {spec}")
        if len(spec.channels) != 1:
            raise InputError(f"{source.name}: has {len(spec.channels)} channels; expected 1 of each file of a pair")
        return spec

    def __iter__(self) -> Iterator[Item]:
        """Blocks as the near end gives them, the far end beside."""
        far = self._far_samples()
        waiting = np.zeros((0, 1), self._dtype)
        for near in self._near:
            assert isinstance(near, Block)
            while len(waiting) < len(near.data):
                waiting = np.concatenate((waiting, next(far)))
            data = np.concatenate((near.data, waiting[: len(near.data)]), axis=1)
            waiting = waiting[len(near.data) :]
            yield Block(data, near.start, near.rate, self._channels)

    def _far_samples(self) -> Iterator[np.typing.NDArray[Any]]:
        """Runs of the far end at the rate of the near end, then silence without end."""
        for block in self._far:
            assert isinstance(block, Block)
            yield self._resampler.process(block).data if self._resampler else block.data
        if self._resampler:
            tail = self._resampler.close()
            yield tail.data if tail is not None else np.zeros((0, 1), self._dtype)
        silence = np.zeros((BLOCK_SAMPLES, 1), self._dtype)
        while True:
            yield silence

    def close(self) -> None:
        """Close both."""
        try:
            self._near.close()
        finally:
            self._far.close()
