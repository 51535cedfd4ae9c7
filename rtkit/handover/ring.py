"""The ring buffer between a device's callback and the processing thread: one writer, one reader, lock-free but for waking."""

from __future__ import annotations

import _thread
import contextlib
from collections import deque
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

Frames32 = NDArray[np.float32]


class AutoResetEvent:
    """Wakes one waiting thread. `set` never waits: a raw lock serves as a binary semaphore and guards nothing."""

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()
        self._lock.acquire()

    def set(self) -> None:
        """Wake the waiting thread, or let its next `wait` return at once."""
        if self._lock.locked():
            with contextlib.suppress(RuntimeError):  # somebody else has released it in between, which is as good
                self._lock.release()

    def wait(self, timeout: float) -> None:
        """Wait for `set`, at most `timeout` seconds."""
        self._lock.acquire(timeout=max(timeout, 0.0))


class Ring:
    """Preallocated ring buffer of float32 frames for one producer and one consumer thread.

    The writer never waits and always writes, so the newest frames stay. Both sides count frames and never turn back; the reader
    sees by the counters that it was lapped, before it copies and after, and then goes on with the newest half of the ring: one
    longer gap does less harm to a filter than a short one at every block.

    Parameters
    ----------
    capacity : int
        Frames that it holds.
    channels : int
        Columns of a frame.

    Attributes
    ----------
    overrun : int
        Frames that were overwritten before they were read.
    gaps : int
        Frames that never arrived, as told by `gap`.
    """

    def __init__(self, capacity: int, channels: int) -> None:
        self.capacity = capacity
        self.overrun = 0
        self.gaps = 0
        self._data = np.zeros((capacity, channels), np.float32)
        self._claimed = 0  # writer: frames up to here may be half written
        self._written = 0  # writer: frames up to here are whole
        self._read = 0  # reader: frames up to here are read or given up
        self._marks: deque[tuple[int, int]] = deque()  # where (in frames written) how many frames are missing
        self._passed = 0  # reader: missing frames behind it
        self._closed = False
        self._error: BaseException | None = None
        self._filled = AutoResetEvent()
        self._freed = AutoResetEvent()

    @property
    def available(self) -> int:
        """Frames that wait to be read; never more than the capacity."""
        return min(max(self._written - self._read, 0), self.capacity)

    @property
    def written(self) -> int:
        """Frames written so far."""
        return self._written

    @property
    def position(self) -> int:
        """Index in the stream of the next frame to read, all that was lost before it counted in."""
        return self._read + self._passed

    @property
    def closed(self) -> bool:
        """Nothing more will be written."""
        return self._closed

    def write(self, data: Frames32) -> None:
        """Append frames ``[n, channels]``; of more than the capacity only the newest are kept. Never waits."""
        end = self._written + len(data)
        first = max(self._written, end - self.capacity)
        self._claimed = end
        self._copy(first, data[len(data) - (end - first) :], store=True)
        self._written = end
        self._filled.set()

    def gap(self, frames: int) -> None:
        """Say (as the writer) that `frames` are missing at this place; the reader's `position` jumps there."""
        self.gaps += frames
        self._marks.append((self._written, frames))
        self._filled.set()

    def close(self, error: BaseException | None = None) -> None:
        """Say, from any thread, that nothing follows; once all is read or written, `error` is raised on the other side."""
        if not self._closed:
            self._error = error
            self._closed = True
        self._filled.set()
        self._freed.set()

    def read(self, frames: int, timeout: float) -> Frames32:
        """Wait for exactly `frames` frames; fewer come only in front of a gap and at the end, none when `timeout` (s) is over.

        Raises
        ------
        BaseException
            What the other side gave to `close`, once everything before it is read.
        """
        deadline = perf_counter() + timeout
        while True:
            closed = self._closed  # asked before the counters: what was written before `close` is not missed
            ready, whole = self._ready(frames)
            if ready and (whole or closed):
                out = np.empty((ready, self._data.shape[1]), np.float32)
                if self._fetch(out):
                    return out
                continue
            if closed:
                self.check()
            rest = deadline - perf_counter()
            if closed or rest <= 0.0:
                return np.empty((0, self._data.shape[1]), np.float32)
            self._filled.wait(rest)

    def take(self, out: Frames32) -> int:
        """Fill `out` with what there is, zeros behind it, and give the number of frames taken. Never waits: for callbacks."""
        while True:
            ready = self._ready(len(out))[0]
            if self._fetch(out[:ready]):
                out[ready:] = 0.0
                return ready

    def wait_for_room(self, frames: int, timeout: float) -> bool:
        """Wait (as the writer) until `frames` frames fit without overtaking the reader; False when `timeout` (s) is over.

        Raises
        ------
        BaseException
            What the other side gave to `close`.
        """
        deadline = perf_counter() + timeout
        while self.capacity - (self._written - self._read) < frames:
            if self._closed:
                self.check()
            rest = deadline - perf_counter()
            if self._closed or rest <= 0.0:
                return False
            self._freed.wait(rest)
        return True

    def wait_until_read(self, timeout: float) -> bool:
        """Wait (as the writer) until everything written is read; False when `timeout` (s) is over or the other side failed."""
        deadline = perf_counter() + timeout
        while self.available:
            rest = deadline - perf_counter()
            if rest <= 0.0 or self._error is not None:
                return False
            self._freed.wait(rest)
        return True

    def check(self) -> None:
        """Raise what the other side gave to `close`, if anything."""
        if self._error is not None:
            raise self._error

    def _ready(self, frames: int) -> tuple[int, bool]:
        """Frames to read now, at most `frames`, and whether to wait for more is useless; gives up what was overtaken."""
        if self._claimed - self._read > self.capacity:
            onward = max(self._written - self.capacity // 2, self._claimed - self.capacity)
            self.overrun += onward - self._read
            self._read = onward
        available = max(self._written - self._read, 0)  # before the marks: a mark set later lies behind these frames
        while self._marks and self._marks[0][0] <= self._read:
            self._passed += self._marks.popleft()[1]
        if self._marks:
            frames = min(frames, self._marks[0][0] - self._read)
        return min(available, frames), available >= frames

    def _fetch(self, out: Frames32) -> bool:
        """Copy the next frames; False if the writer came into them meanwhile."""
        self._copy(self._read, out, store=False)
        if self._claimed - self._read > self.capacity:
            return False
        self._read += len(out)
        self._freed.set()
        return True

    def _copy(self, first: int, frames: Frames32, store: bool) -> None:
        """Copy `frames` into (`store`) or out of the ring, around its end."""
        at = first % self.capacity
        head = min(len(frames), self.capacity - at)
        inner, rest = self._data[at : at + head], self._data[: len(frames) - head]
        if store:
            inner[:], rest[:] = frames[:head], frames[head:]
        else:
            frames[:head], frames[head:] = inner, rest
