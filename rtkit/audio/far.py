"""A microphone with its far end beside it: a file that is played here, or a second live source."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from rtkit.audio.device import DeviceStream, find
from rtkit.audio.recording import POLL_S, READ_TIMEOUT_S, DeviceCapture
from rtkit.core.errors import UsageError
from rtkit.core.items import Block, FrameSpec, SampleSpec
from rtkit.core.source import Options, Source
from rtkit.handover.ring import Frames32, Ring

CHANNELS = ("near", "far")
PLAY_AHEAD_S = 0.5  # length of the file's part that waits to be played: reading and resampling never take so long
TAIL_S = 0.5  # recorded after the end of the file beyond the round trip: the room's echo dies away
SETTLING_S = 0.5  # time of callbacks after which the round trip is known; recorded meanwhile and handed on afterwards
MARGIN_S = 0.02  # by which the far end is left early: seen, PortAudio reports up to 9 ms more than the true round trip
JITTER_S = 0.1  # time that the near end waits, all in all, for far samples that come later than its own
DRIFT_WINDOW_S = 1.0  # time within which some block of the far end comes on time
DRIFT_BOUND_S = 0.01  # by which the far end may fall behind before samples are left out: less than any echo's way takes


class Duplex(Source):
    """A microphone that records while it plays the far end itself, both in one PortAudio stream: the two stay locked.

    The channel ``far`` is what was played, later by the round trip through the device less a margin: so it comes before its
    echo, but not so long before that a canceller needs a long tail. The stream ends a little after the file.

    Parameters
    ----------
    target : str
        Input device, and output device if that can play; else the default output plays.
    far : Source
        Played as one channel, resampled if need be.
    options : Options
        As for `Microphone`.
    """

    live = True

    def __init__(self, target: str, far: Source, options: Options) -> None:
        self.name = f"mic:{target}" if target else "mic"
        self.capture = DeviceCapture(self.name, options, lambda: (target, {}))
        self._target = target
        self._far = far
        self._underrun_frames = 0
        self._tail_frames = 0

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Open the file and the device; it is played, and recorded, from the time on at which the first block is asked for.

        Raises
        ------
        InputError
            The file is missing or damaged.
        UsageError
            It holds no sound.
        DeviceError
            No such device, or it does not open in this format.
        """
        spec = self._far.open(np.float32)
        if isinstance(spec, FrameSpec):
            raise UsageError(f"{self._far.name}: the far end is sound, not {spec}")
        options = self.capture.options
        stream = DeviceStream(
            self.name,
            "duplex",
            (self._target, self._output()),
            rate=options.rate,
            block=options.block,
            latency=options.latency,
            reconnect=options.reconnect,
        )
        self.capture.prepare(stream, CHANNELS)
        self._both = np.zeros((stream.block, 2), np.float32)
        self._play = Ring(max(round(PLAY_AHEAD_S * stream.rate), 4 * stream.block), 1)
        self._expected = 0
        self._feeder = threading.Thread(target=self._feed, args=(spec.rate,), name=f"play {self._far.name}", daemon=True)
        self._feeder.start()
        # The device starts with a full ring: the file is read faster than it is played from the first block on.
        while self._play.available < self._play.capacity // 2 and self._feeder.is_alive():
            self._feeder.join(POLL_S)
        stream.open(self._play_and_record, self.capture.miss, self.capture.ring.close)
        return self.capture.spec

    def __iter__(self) -> Iterator[Block]:
        """Blocks of ``near`` and ``far``, from the start of the recording on."""
        self.capture.begin()
        self._settle()
        while (block := self.capture.read_block()) is not None:
            block.data[:, 1] = self._delayed(block.data[:, 1], block.start)
            yield block

    def stop(self) -> None:
        """End the iteration."""
        self.capture.stop()

    def close(self) -> None:
        """Close the device and the file."""
        self.capture.close()
        if self.capture.stream is not None:
            self._play.close()
            self._feeder.join(READ_TIMEOUT_S)
        self._far.close()

    def counts(self) -> dict[str, int]:
        """As of `DeviceCapture.counts`, and ``far underrun``: frames of silence because the file was not read in time."""
        return {**self.capture.counts(), "far underrun": self._underrun_frames}

    def delays(self) -> dict[str, float]:
        """As of `DeviceCapture.delays`, and the ``round trip`` that PortAudio reports, from the output to the input."""
        round_trip = self._round_trip_s()
        return self.capture.delays() | ({} if round_trip is None else {"round trip": round_trip})

    def _round_trip_s(self) -> float | None:
        return self.capture.stream.round_trip if self.capture.stream is not None else None

    def _output(self) -> str:
        device = find(self._target, "input")
        return self._target and (device["name"] if device["max_output_channels"] > 0 else "")

    def _play_and_record(self, heard: Frames32, played: Frames32) -> None:
        if not self.capture.records(len(heard)):
            played[:] = 0
            return
        ended = self._play.closed
        got = self._play.take(played)
        if not ended:
            self._underrun_frames += len(played) - got
        self._both[:, :1] = heard
        self._both[:, 1:] = played
        self.capture.ring.write(self._both)
        if ended and not got:
            self._tail_frames += len(heard)
            if self._tail_frames >= (TAIL_S + (self._round_trip_s() or 0.0)) * self.capture.spec.rate:
                self.capture.ring.close()

    def _feed(self, rate: float) -> None:
        import soxr

        out_rate = self.capture.spec.rate
        stream = soxr.ResampleStream(rate, out_rate, 1, dtype="float32", quality="HQ") if rate != out_rate else None
        try:
            for item in self._far:
                assert isinstance(item, Block)
                mono = np.ascontiguousarray(item.data.mean(axis=1), np.float32)
                if not self._put(stream.resample_chunk(mono) if stream else mono):
                    return
            if stream:
                self._put(stream.resample_chunk(np.zeros(0, np.float32), last=True))
            self._play.close()
        except BaseException as error:
            self._play.close()
            self.capture.ring.close(error)

    def _put(self, mono: Frames32) -> bool:
        """Queue samples to be played, as room comes; False if nobody will play them."""
        step = self.capture.block_frames
        for at in range(0, len(mono), step):
            piece = mono[at : at + step, None]
            while not self._play.wait_for_room(len(piece), READ_TIMEOUT_S):
                if self._play.closed:
                    return False
            if self._play.closed:
                return False
            self._play.write(piece)
        return True

    def _settle(self) -> None:
        """Wait until the round trip is known, and decide by how much the far end comes later; it stays so."""
        self.capture.wait_until_settled(SETTLING_S)
        late = (self._round_trip_s() or 0.0) - MARGIN_S
        self._history = np.zeros(max(0, round(late * self.capture.spec.rate)), np.float32)

    def _delayed(self, far: Frames32, start: int) -> Frames32:
        """`far` later by the delay; what fell into a gap in front of `start` is unknown and counts as silence."""
        gap = min(start - self._expected, len(self._history))
        self._expected = start + len(far)
        line = np.concatenate([self._history[gap:], np.zeros(gap, np.float32), far])
        self._history = line[len(far) :]
        return line[: len(far)]


class LivePair(Source):
    """A microphone and a second live source beside it; the microphone's clock rules.

    Both start at the same time of arrival, once that can be told; what came before is not handed on: a live sink would have to
    catch up with it. When the far end's clock is slower, silence stands in for what has not come; when it is faster, the oldest
    samples go; both are counted.

    Parameters
    ----------
    near, far : DeviceCapture
        The two devices; one channel of each is recorded.
    """

    live = True

    def __init__(self, near: DeviceCapture, far: DeviceCapture) -> None:
        self.name = f"{near.name} with {far.name}"
        self._near, self._far = near, far
        self._underrun_frames = self._overrun_frames = 0

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Open both devices, the far end at the rate of the near end.

        Raises
        ------
        DeviceError
            One of them is not there or does not open.
        """
        rate = self._near.open().rate
        self._far.open(rate, channels=1)
        self._jitter_frames = round(JITTER_S * rate)
        self._spec = SampleSpec(rate, CHANNELS)
        return self._spec

    def __iter__(self) -> Iterator[Block]:
        """Blocks of ``near`` and ``far``, from the time on at which both record."""
        near, far, rate = self._near, self._far, self._spec.rate
        near.begin()
        far.begin()
        near.wait_until_settled(SETTLING_S)
        far.wait_until_settled(SETTLING_S)
        begin = max(max(near.origin, far.origin) + SETTLING_S, near.begin_time, far.begin_time)
        near.skip_until(begin)
        far.skip_until(begin)
        first = expected = near.ring.position
        spare, seen = far.ring.capacity, 0
        while (block := near.read_block()) is not None:
            if block.start > expected:  # the far end was not interrupted: what belongs to the gap is of no use
                far.ring.read(block.start - expected, 0.0)
            frames = len(block.data)
            expected = block.start + frames
            # Both rings fill in bursts; only what was to spare at every moment of a while comes from the clocks.
            spare, seen = min(spare, far.ring.available - near.ring.available - frames), seen + frames
            if seen >= rate * DRIFT_WINDOW_S:
                if spare > DRIFT_BOUND_S * rate:
                    self._overrun_frames += len(far.ring.read(spare, 0.0))
                spare, seen = far.ring.capacity, 0
            yield Block(np.column_stack([block.data, self._beside(frames)]), block.start - first, rate, CHANNELS)

    def stop(self) -> None:
        """End the iteration."""
        self._near.stop()
        self._far.stop()

    def close(self) -> None:
        """Close both devices."""
        self._near.close()
        self._far.close()

    def counts(self) -> dict[str, int]:
        """As of `DeviceCapture.counts`, the far end's with ``far`` in front; ``far underrun``: silence put in, ``far overrun``: skipped."""
        far = {f"far {name}": count for name, count in self._far.counts().items() if name != "captured"}
        overrun = far.get("far overrun", 0) + self._overrun_frames
        return self._near.counts() | far | {"far underrun": self._underrun_frames, "far overrun": overrun}

    def delays(self) -> dict[str, float]:
        """As of the near end's `DeviceCapture.delays`."""
        return self._near.delays()

    def _beside(self, frames: int) -> Frames32:
        """The far end for `frames` frames of the near end, silence where it is late by more than the near end may wait."""
        out = np.zeros((frames, 1), np.float32)
        at = 0
        while at < frames:
            timeout = max(0, self._jitter_frames - self._near.ring.available) / self._spec.rate
            data = self._far.ring.read(frames - at, timeout)
            if not len(data):
                self._underrun_frames += frames - at
                break
            out[at : at + len(data)] = data
            at += len(data)
        return out
