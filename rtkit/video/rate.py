"""Frame rate limiting: frames are dropped so that at most so many a second remain."""

from __future__ import annotations

#: Fraction of a period by which a frame may be early: the clock of a camera has jitter.
JITTER_TOLERANCE = 0.2


class FrameRateLimiter:
    """Decimates frames to at most so many a second: tells which ones are due.

    Parameters
    ----------
    fps : float, optional
        Largest frame rate (Hz); all frames are due when not given.
    """

    def __init__(self, fps: float | None) -> None:
        self._period = 1 / fps if fps else None
        self._next = 0.0

    def __call__(self, time: float) -> bool:
        """Whether the frame at `time` (s) is due; to be asked once for each frame, in order."""
        if self._period is None:
            return True
        if time < self._next - JITTER_TOLERANCE * self._period:
            return False
        self._next = max(self._next, time - self._period) + self._period  # on the grid, unless the frames fell behind it
        return True
