"""A file that plays as if it were a live device, samples or frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rtkit.items import FrameSpec, Item, Spec
from rtkit.source import Options, Source


class Realtime(Source):
    """A file at the pace of the clock: samples as from a microphone, frames as from a camera; who is too slow loses some, counted.

    Parameters
    ----------
    source : Source
        The file.
    options : Options
        As for the device that it plays.
    """

    live = True

    def __init__(self, source: Source, options: Options) -> None:
        self.name = source.name
        self.parts = source.parts
        self._source = source
        self._options = options
        self._paced: Source | None = None

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> Spec:
        """Open the file; the samples are float32 whatever `dtype` says.

        Raises
        ------
        InputError
            The file is missing or damaged.
        """
        spec = self._source.open(np.float32)
        self.length = self._source.length
        if isinstance(spec, FrameSpec):
            from rtkit.video.realtime import PacedFrames

            self._paced = PacedFrames(self._source)
        else:
            from rtkit.audio.realtime import PacedSamples

            self._paced = PacedSamples(self._source, spec, self._options)
        return spec

    def __iter__(self) -> Iterator[Item]:
        """The items; the clock starts now. Errors of the file come here, after all that was before them."""
        assert self._paced is not None
        return iter(self._paced)

    def stop(self) -> None:
        """End the iteration."""
        if self._paced is not None:
            self._paced.stop()

    def close(self) -> None:
        """Close the file."""
        (self._paced or self._source).close()

    def with_far(self, far: Source, options: Options) -> Source:
        """The file with its far end, in real time; as the file itself says."""
        return Realtime(self._source.with_far(far, options), options)

    def counts(self) -> dict[str, int]:
        """What the file counts, what was ``captured``, and what was lost because it was read too late."""
        return self._paced.counts() if self._paced is not None else {}

    def delays(self) -> dict[str, float]:
        """Seconds between the file's clock and the reader."""
        return self._paced.delays() if self._paced is not None else {}
