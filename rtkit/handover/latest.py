"""The slot between a camera and a stream, without backpressure: at most one frame waits there, the newest; older ones are dropped."""

from __future__ import annotations

import threading
from time import perf_counter

from rtkit.core.items import Frame


class LatestFrame:
    """Hands the newest frame from one thread to another. One is in flight, one waits; a newer one takes its place.

    So a stream that is slower than its camera is never further behind than one frame and its own work.

    Attributes
    ----------
    taken, skipped : int
        Frames handed on, and frames that a newer one took the place of.
    closed : bool
        No frame comes any more.
    """

    def __init__(self) -> None:
        self.taken = self.skipped = 0
        self.closed = False
        self._waiting: tuple[Frame, float] | None = None
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._delay = 0.0  # s, summed over the frames taken

    @property
    def delay(self) -> float:
        """Time (s) that a frame waited, mean over those taken."""
        return self._delay / max(self.taken, 1)

    def put(self, frame: Frame) -> None:
        """Offer a frame that came just now."""
        with self._changed:
            self.skipped += self._waiting is not None
            self._waiting = frame, perf_counter()
            self._changed.notify()

    def close(self, error: BaseException | None = None) -> None:
        """Say that no frame comes any more, and why; the one that waits can still be taken."""
        with self._changed:
            self.closed, self._error = True, self._error or error
            self._changed.notify()

    def take(self, timeout: float) -> Frame | None:
        """The newest frame, never one twice; None if none came within `timeout` (s), or at the end.

        Raises
        ------
        BaseException
            What `close` was told.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self.closed, timeout)
            if self._waiting is None:
                if self.closed and self._error is not None:
                    raise self._error
                return None
            (frame, arrived), self._waiting = self._waiting, None
            self.taken += 1
            self._delay += perf_counter() - arrived
            return frame
