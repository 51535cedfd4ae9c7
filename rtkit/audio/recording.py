"""Recording an input device: from the audio callback through a ring to the thread that reads, with a count of what was lost."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep

import numpy as np

from rtkit.audio.device import DeviceStream
from rtkit.core.items import Block, SampleSpec
from rtkit.core.source import Options
from rtkit.handover.ring import Frames32, Ring

RING_S = 2.0  # length of a ring: a processor that is further behind has no use for older samples
READ_TIMEOUT_S = 0.5  # a read that waits looks again whether it was stopped; the watchdog of the stream looks after the device
POLL_S = 0.01  # time between two looks at what has been recorded

#: Gives the device to open, and the environment variables to set while it is opened.
Locate = Callable[[], tuple[str, dict[str, str]]]


class DeviceCapture:
    """One input device that is recorded into a ring. A source is made of one or two of these.

    It is opened in two steps, `open` or `prepare`, and records from `begin` on.

    Parameters
    ----------
    name : str
        What errors call it.
    options : Options
        `rate` (the device's own), `channels` (1), `block` (10 ms), `latency` (the device's safe choice) and `reconnect` hold.
    locate : callable
        Finds the device, as `open` needs it.

    Attributes
    ----------
    stream : DeviceStream or None
        The device, once it is open.
    ring : Ring
        What was recorded and not read yet; valid after `open`.
    spec : SampleSpec
        Format of what is recorded; valid after `open`.
    block_frames : int
        Frames in a block, likewise.
    ignored_frames : int
        Frames that came before `begin`.
    stopped : bool
        `stop` was called.
    """

    ring: Ring
    spec: SampleSpec
    block_frames: int

    def __init__(self, name: str, options: Options, locate: Locate) -> None:
        self.name = name
        self.options = options
        self.stream: DeviceStream | None = None
        self.ignored_frames = 0
        self.stopped = False
        self._locate = locate
        self._begun = False
        self._captured_frames = 0
        self._waiting_s = 0.0  # summed over the blocks read
        self._blocks = 0

    def open(self, rate: float | None = None, channels: int | None = None) -> SampleSpec:
        """Open the device for recording, with another rate (Hz) or number of channels than the options say if these are given.

        Raises
        ------
        DeviceError
            No such device, or it does not open in this format.
        """
        count = channels or self.options.channels or 1
        target, environment = self._locate()
        stream = DeviceStream(
            self.name,
            "input",
            (target, ""),
            rate=rate or self.options.rate,
            channels=(count, 0),
            block=self.options.block,
            latency=self.options.latency,
            reconnect=self.options.reconnect,
            environment=environment,
        )
        self.prepare(stream, ("near",) if count == 1 else tuple(f"near{number + 1}" for number in range(count)))
        stream.open(self._record, self.miss, self.ring.close)
        return self.spec

    def prepare(self, stream: DeviceStream, channels: tuple[str, ...]) -> None:
        """Make what the callback of `stream` needs. Who opens it then calls `records` and `miss`, and writes into `ring`."""
        self.block_frames = stream.block
        self.spec = SampleSpec(stream.rate, channels)
        self.ring = Ring(max(round(RING_S * stream.rate), 4 * stream.block), len(channels))
        self.stream = stream

    def begin(self) -> None:
        """Record from now on; what came before is only counted."""
        self._begun = True

    def records(self, frames: int) -> bool:
        """Whether recording has begun; if not, so many frames are counted as ignored."""
        if not self._begun:
            self.ignored_frames += frames
        return self._begun

    def miss(self, frames: int) -> None:
        """Take note of frames that the device lost. Called by the audio thread."""
        if self.records(frames):
            self.ring.gap(frames)

    def read(self, frames: int) -> Frames32 | None:
        """Wait for the next frames, ``[n, channels]``; None at the end.

        Raises
        ------
        DeviceError
            The device went away and stayed away.
        """
        while not self.stopped:
            waiting = self.ring.available
            data = self.ring.read(frames, READ_TIMEOUT_S)
            if len(data):
                self._captured_frames += len(data)
                self._waiting_s += max(waiting, len(data)) / self.spec.rate
                self._blocks += 1
                return data
            if self.ring.closed:
                break
        return None

    def read_block(self) -> Block | None:
        """Wait for the next block; None at the end. It is shorter only in front of a gap and at the end. Errors as of `read`."""
        data = self.read(self.block_frames)
        return None if data is None else Block(data, self.ring.position - len(data), self.spec.rate, self.spec.channels)

    def wait_until_settled(self, seconds: float) -> None:
        """Wait until the device has run for a while and records; a lost device ends it, by its own watchdog."""
        frames = seconds * self.spec.rate
        while not self.stopped and not self.ring.closed and (self.ring.written == 0 or self.ignored_frames + self.ring.written < frames):
            sleep(POLL_S)

    def skip_until(self, time: float) -> None:
        """Leave out what came before a time (s, of the performance counter); infinite and NaN if nothing ever came: nothing."""
        frames = (time - self.origin) * self.spec.rate - self.ignored_frames
        while self.ring.position + 0.5 < frames < np.inf and not self.stopped:
            if not len(self.ring.read(min(self.block_frames, round(frames) - self.ring.position), READ_TIMEOUT_S)):
                return

    @property
    def origin(self) -> float:
        """Time (s, of the performance counter) at which the first frame arrived, as the earliest callbacks tell."""
        return self.stream.origin if self.stream is not None else 0.0

    @property
    def begin_time(self) -> float:
        """Time (s, of the performance counter) at which the first recorded frame arrived."""
        return self.origin + self.ignored_frames / self.spec.rate

    def stop(self) -> None:
        """End reading, from another thread; also before `open`."""
        self.stopped = True
        if self.stream is not None:
            self.ring.close()

    def close(self) -> None:
        """Close the device."""
        if self.stream is not None:
            self.stream.close()

    def counts(self) -> dict[str, int]:
        """``captured`` frames handed on, ``lost`` by the device, ``overrun`` because they were read too late, ``reconnects``."""
        if self.stream is None:
            return {}
        return {
            "captured": self._captured_frames,
            "lost": self.ring.gaps,
            "overrun": self.ring.overrun,
            "reconnects": self.stream.reconnects,
        }

    def delays(self) -> dict[str, float]:
        """Seconds in the ``input device``, and from there to the reader in the ``input ring`` (mean over the blocks)."""
        if self.stream is None:
            return {}
        return {**self.stream.delays, "input ring": self._waiting_s / max(self._blocks, 1)}

    def _record(self, heard: Frames32, played: Frames32) -> None:
        if self.records(len(heard)):
            self.ring.write(heard)
