"""Fewer frames a second: which frames are due."""

from __future__ import annotations

#: Part of a period by which a frame may be early: the clock of a camera is not even.
EARLY = 0.2


class Due:
    """Tells which frames are due when at most so many a second are wanted.

    Parameters
    ----------
    fps : float, optional
        Most frames a second (Hz); all are due when not given.
    """

    def __init__(self, fps: float | None) -> None:
        self._period = 1 / fps if fps else None
        self._next = 0.0

    def __call__(self, time: float) -> bool:
        """Whether the frame at `time` (s) is due; to be asked once for each frame, in order."""
        if self._period is None:
            return True
        if time < self._next - EARLY * self._period:
            return False
        self._next = max(self._next, time - self._period) + self._period  # on the grid, unless the frames fell behind it
        return True
