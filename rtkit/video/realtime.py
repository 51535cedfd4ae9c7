"""Frames of a file that play as if they came from a camera."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import perf_counter

from rtkit.items import Frame
from rtkit.source import Source
from rtkit.video.newest import Newest

#: Time (s) after which a reader looks again whether it was stopped.
PATIENCE = 0.5


class PacedFrames(Source):
    """A video read at the pace of the clock, handed on like a camera's frames: the newest, what was skipped counted.

    Parameters
    ----------
    source : Source
        The open file.
    """

    live = True

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._source = source
        self._newest = Newest()
        self._stopping = threading.Event()
        self._feeder = threading.Thread(target=self._feed, name=f"feed {source.name}", daemon=True)

    def __iter__(self) -> Iterator[Frame]:
        """The newest frame each time; the clock starts now. Errors of the file come here, after the frames before them."""
        self._feeder.start()
        while not self._stopping.is_set():
            frame = self._newest.take(PATIENCE)
            if frame is not None:
                yield frame
            elif self._newest.closed:
                return

    def stop(self) -> None:
        """End the iteration."""
        self._stopping.set()
        self._newest.close()
        self._source.stop()

    def close(self) -> None:
        """Close the file."""
        self._stopping.set()
        if self._feeder.ident is not None:
            self._feeder.join()
        self._source.close()

    def counts(self) -> dict[str, int]:
        """``captured`` frames handed on, ``skipped`` ones, and what the file counts."""
        return {**self._source.counts(), "captured": self._newest.taken, "skipped": self._newest.skipped}

    def delays(self) -> dict[str, float]:
        """Seconds ``waiting`` for the stream, mean over the frames."""
        return {"waiting": self._newest.delay}

    def _feed(self) -> None:
        begin = perf_counter()
        try:
            for frame in self._source:
                assert isinstance(frame, Frame)
                if self._stopping.wait(max(0.0, begin + frame.time - perf_counter())):
                    return
                self._newest.put(frame)
            self._newest.close()
        except BaseException as error:
            self._newest.close(error)
