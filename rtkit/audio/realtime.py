"""Samples of a file that play as if they came from a live device."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import perf_counter

import numpy as np

from rtkit.audio.device import BLOCK_S
from rtkit.audio.recording import READ_TIMEOUT_S, RING_S
from rtkit.audio.ring import Ring
from rtkit.items import Block, SampleSpec
from rtkit.source import Options, Source


class PacedSamples(Source):
    """A file read at the pace of the clock into the ring that a microphone uses: who is too slow loses samples, counted.

    Parameters
    ----------
    source : Source
        The open file.
    spec : SampleSpec
        Its format.
    options : Options
        `block` (10 ms) holds.
    """

    live = True

    def __init__(self, source: Source, spec: SampleSpec, options: Options) -> None:
        self.name = source.name
        self._source = source
        self._spec = spec
        self._size = options.block or max(1, round(BLOCK_S * spec.rate))
        self._ring = Ring(max(round(RING_S * spec.rate), 4 * self._size), len(spec.channels))
        self._feeder: threading.Thread | None = None
        self._stopping = threading.Event()
        self._captured = 0
        self._waiting = 0.0  # s, summed over the blocks read
        self._blocks = 0

    def __iter__(self) -> Iterator[Block]:
        """Blocks of the size asked for; the clock starts now. Errors of the file come here, after all that was before them."""
        self._feeder = threading.Thread(target=self._feed, name=f"feed {self.name}", daemon=True)
        self._feeder.start()
        while not self._stopping.is_set():
            waiting = self._ring.available
            data = self._ring.read(self._size, READ_TIMEOUT_S)
            if not len(data):
                if self._ring.closed:
                    return
                continue
            self._captured += len(data)
            self._waiting += max(waiting, len(data)) / self._spec.rate
            self._blocks += 1
            yield Block(data, self._ring.position - len(data), self._spec.rate, self._spec.channels)

    def stop(self) -> None:
        """End the iteration."""
        self._stopping.set()
        self._source.stop()
        self._ring.close()

    def close(self) -> None:
        """Close the file."""
        self._stopping.set()
        if self._feeder is not None:
            self._feeder.join()
        self._source.close()

    def counts(self) -> dict[str, int]:
        """``captured`` frames handed on, ``overrun`` because they were read too late, and what the file counts."""
        return {**self._source.counts(), "captured": self._captured, "overrun": self._ring.overrun}

    def delays(self) -> dict[str, float]:
        """Seconds in the ``input ring``, mean over the blocks."""
        return {"input ring": self._waiting / max(self._blocks, 1)}

    def _feed(self) -> None:
        ring, begin, fed = self._ring, perf_counter(), 0
        try:
            for item in self._source:
                assert isinstance(item, Block)
                for at in range(0, len(item.data), self._size):
                    piece = item.data[at : at + self._size]
                    fed += len(piece)
                    # A block is there when its last sample has sounded, as with a device.
                    if self._stopping.wait(max(0.0, begin + fed / self._spec.rate - perf_counter())):
                        return
                    ring.write(piece.astype(np.float32, copy=False))
            ring.close()
        except BaseException as error:
            ring.close(error)
