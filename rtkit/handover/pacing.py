"""A file that plays as if it were a live device: samples or frames at the pace of the clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np

from rtkit.core.endpoints import make_source
from rtkit.core.items import Block, Frame, FrameSpec, Item, SampleSpec, Spec
from rtkit.core.source import Options, Source
from rtkit.handover.latest import LatestFrame
from rtkit.handover.ring import Ring

#: Length (s) of a block where nobody asked for a size, and of the ring between the file and the stream.
BLOCK_S, RING_S = 0.01, 2.0
#: Timeout of a read, after which a reader checks whether it was stopped.
READ_TIMEOUT_S = 0.5


class Realtime(Source):
    """A file at the pace of the clock: samples as from a microphone, frames as from a camera; overruns are counted.

    Parameters
    ----------
    source : str or Source
        The file, or its name.
    options : Options
        As for the device that it plays.
    """

    live = True

    def __init__(self, source: str | Source, options: Options) -> None:
        source = make_source(source, options)
        self.name = source.name
        self.parts = source.parts
        self._source = source
        self._options = options
        self._paced: PacedSamples | PacedFrames | None = None

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
            self._paced = PacedFrames(self._source)
        else:
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


class PacedSamples:
    """A file read at the pace of the clock into the ring that a microphone uses; overruns are counted.

    Parameters
    ----------
    source : Source
        The open file.
    spec : SampleSpec
        Its format.
    options : Options
        `block` (10 ms) holds.
    """

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


class PacedFrames:
    """A video read at the pace of the clock, handed on like a camera's frames: the newest, what was skipped counted.

    Parameters
    ----------
    source : Source
        The open file.
    """

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._source = source
        self._latest = LatestFrame()
        self._stopping = threading.Event()
        self._feeder = threading.Thread(target=self._feed, name=f"feed {source.name}", daemon=True)

    def __iter__(self) -> Iterator[Frame]:
        """The newest frame each time; the clock starts now. Errors of the file come here, after the frames before them."""
        self._feeder.start()
        while not self._stopping.is_set():
            frame = self._latest.take(READ_TIMEOUT_S)
            if frame is not None:
                yield frame
            elif self._latest.closed:
                return

    def stop(self) -> None:
        """End the iteration."""
        self._stopping.set()
        self._latest.close()
        self._source.stop()

    def close(self) -> None:
        """Close the file."""
        self._stopping.set()
        if self._feeder.ident is not None:
            self._feeder.join()
        self._source.close()

    def counts(self) -> dict[str, int]:
        """``captured`` frames handed on, ``skipped`` ones, and what the file counts."""
        return {**self._source.counts(), "captured": self._latest.taken, "skipped": self._latest.skipped}

    def delays(self) -> dict[str, float]:
        """Seconds ``waiting`` for the stream, mean over the frames."""
        return {"waiting": self._latest.delay}

    def _feed(self) -> None:
        begin = perf_counter()
        try:
            for frame in self._source:
                assert isinstance(frame, Frame)
                if self._stopping.wait(max(0.0, begin + frame.time - perf_counter())):
                    return
                self._latest.put(frame)
            self._latest.close()
        except BaseException as error:
            self._latest.close(error)
