"""A microphone with its far end beside it: a file that is played here, or a second live source."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from time import sleep
from typing import Any

import numpy as np

from rtkit.audio.capture import PATIENCE, Microphone
from rtkit.audio.device import Link, find
from rtkit.core.errors import UsageError
from rtkit.core.items import Block, FrameSpec, SampleSpec
from rtkit.core.source import Options, Source
from rtkit.handover.ring import Frames32, Ring

CHANNELS = ("near", "far")
PLAY_AHEAD = 0.5  # s of the file that wait to be played: reading and resampling never take so long
TAIL = 0.5  # s recorded after the end of the file beyond the round trip: the room's echo dies away
SETTLING = 0.5  # s of callbacks after which the round trip is known; recorded meanwhile and handed on afterwards
MARGIN = 0.02  # s by which the far end is left early: seen, PortAudio reports up to 9 ms more than the true round trip
JITTER = 0.1  # s that the near end waits, all in all, for far samples that come later than its own
DRIFT_WINDOW = 1.0  # s within which some block of the far end comes on time
DRIFT_BOUND = 0.01  # s by which the far end may fall behind before samples are left out: less than any echo's way takes
POLL = 0.01  # s between two looks at what has been recorded


def pair(near: Microphone, target: str, far: Source, options: Options) -> Source:
    """`near` with `far` beside it, as `Microphone.with_far` says."""
    if options.channels not in (None, 1):
        raise UsageError(f"{near.name}: with a far end a microphone has 1 channel, not {options.channels}")
    if isinstance(far, Microphone):
        return LivePair(near, far)
    if far.live:
        raise UsageError(f"{near.name}: the far end is a file, speaker-monitor or mic, not {far.name}")
    return Duplex(target, far, options)


class Duplex(Microphone):
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

    def __init__(self, target: str, far: Source, options: Options) -> None:
        super().__init__(target, options)
        self._far = far
        self._underrun = 0
        self._tail = 0

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
        link = Link(
            self.name,
            "duplex",
            (self._target, self._output()),
            rate=self._options.rate,
            block=self._options.block,
            latency=self._options.latency,
            reconnect=self._options.reconnect,
        )
        self._start(link, CHANNELS)
        self._both = np.zeros((link.block, 2), np.float32)
        self._play = Ring(max(round(PLAY_AHEAD * link.rate), 4 * link.block), 1)
        self._expected = 0
        self._feeder = threading.Thread(target=self._feed, args=(spec.rate,), name=f"play {self._far.name}", daemon=True)
        self._feeder.start()
        # The device starts with a full ring: the file is read faster than it is played from the first block on.
        while self._play.available < self._play.capacity // 2 and self._feeder.is_alive():
            self._feeder.join(POLL)
        link.open(self._play_and_record, self._miss, self._ring.close)
        return self._spec

    def __iter__(self) -> Iterator[Block]:
        """Blocks of ``near`` and ``far``, from the start of the recording on."""
        self._begun = True
        self._settle()
        while (data := self._next(self._size)) is not None:
            block = self._block(data)
            data[:, 1] = self._delayed(data[:, 1], block.start)
            yield block

    def close(self) -> None:
        """Close the device and the file."""
        super().close()
        if self._link is not None:
            self._play.close()
            self._feeder.join(PATIENCE)
        self._far.close()

    def counts(self) -> dict[str, int]:
        """As for `Microphone`, and ``far underrun``: frames of silence because the file was not read in time."""
        return {**super().counts(), "far underrun": self._underrun}

    def delays(self) -> dict[str, float]:
        """As for `Microphone`, and the ``round trip`` that PortAudio reports, from the output to the input."""
        round_trip = self._link.round_trip if self._link is not None else None
        return super().delays() | ({} if round_trip is None else {"round trip": round_trip})

    def _output(self) -> str:
        device = find(self._target, "input")
        return self._target and (device["name"] if device["max_output_channels"] > 0 else "")

    def _play_and_record(self, heard: Frames32, played: Frames32) -> None:
        if not self._heeds(len(heard)):
            played[:] = 0
            return
        ended = self._play.closed
        got = self._play.take(played)
        if not ended:
            self._underrun += len(played) - got
        self._both[:, :1] = heard
        self._both[:, 1:] = played
        self._ring.write(self._both)
        if ended and not got:
            self._tail += len(heard)
            if self._tail >= (TAIL + (self._link.round_trip or 0.0)) * self._spec.rate:  # type: ignore[union-attr]
                self._ring.close()

    def _feed(self, rate: float) -> None:
        import soxr

        stream = soxr.ResampleStream(rate, self._spec.rate, 1, dtype="float32", quality="HQ") if rate != self._spec.rate else None
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
            self._ring.close(error)

    def _put(self, mono: Frames32) -> bool:
        """Queue samples to be played, as room comes; False if nobody will play them."""
        step = self._size
        for at in range(0, len(mono), step):
            piece = mono[at : at + step, None]
            while not self._play.wait_for_room(len(piece), PATIENCE):
                if self._play.closed:
                    return False
            if self._play.closed:
                return False
            self._play.write(piece)
        return True

    def _settle(self) -> None:
        """Wait until the round trip is known, and decide by how much the far end comes later; it stays so."""
        _wait_for(self, SETTLING)
        round_trip = self._link.round_trip if self._link is not None else None
        self._history = np.zeros(max(0, round(((round_trip or 0.0) - MARGIN) * self._spec.rate)), np.float32)

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
    near, far : Microphone
        The two; of each one channel is used.
    """

    live = True

    def __init__(self, near: Microphone, far: Microphone) -> None:
        self.name = f"{near.name} with {far.name}"
        self._near, self._far = near, far
        self._underrun = self._overrun = 0

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Open both devices, the far end at the rate of the near end.

        Raises
        ------
        DeviceError
            One of them is not there or does not open.
        """
        rate = self._near.open().rate
        self._far._options = dataclasses.replace(self._far._options, rate=rate, channels=1)
        self._far.open()
        self._jitter = round(JITTER * rate)
        self._spec = SampleSpec(rate, CHANNELS)
        return self._spec

    def __iter__(self) -> Iterator[Block]:
        """Blocks of ``near`` and ``far``, from the time on at which both record."""
        near, far, rate = self._near, self._far, self._spec.rate
        near._begun = far._begun = True
        _wait_for(near, SETTLING)
        _wait_for(far, SETTLING)
        begin = max(max(near.origin, far.origin) + SETTLING, *(source.origin + source._before / rate for source in (near, far)))
        for source in (near, far):
            _skip(source, (begin - source.origin) * rate - source._before)
        first = expected = near._ring.position
        spare, seen = far._ring.capacity, 0
        while (data := near._next(near._size)) is not None:
            block = near._block(data)
            if block.start > expected:  # the far end was not interrupted: what belongs to the gap is of no use
                far._ring.read(block.start - expected, 0.0)
            expected = block.start + len(data)
            # Both rings fill in bursts; only what was to spare at every moment of a while comes from the clocks.
            spare, seen = min(spare, far._ring.available - near._ring.available - len(data)), seen + len(data)
            if seen >= self._spec.rate * DRIFT_WINDOW:
                if spare > DRIFT_BOUND * self._spec.rate:
                    self._overrun += len(far._ring.read(spare, 0.0))
                spare, seen = far._ring.capacity, 0
            yield Block(np.column_stack([data, self._beside(len(data))]), block.start - first, self._spec.rate, CHANNELS)

    def stop(self) -> None:
        """End the iteration."""
        self._near.stop()
        self._far.stop()

    def close(self) -> None:
        """Close both devices."""
        self._near.close()
        self._far.close()

    def counts(self) -> dict[str, int]:
        """As for `Microphone`, the far end's with ``far`` in front; ``far underrun``: silence put in, ``far overrun``: left out."""
        far = {f"far {name}": count for name, count in self._far.counts().items() if name != "captured"}
        overrun = far.get("far overrun", 0) + self._overrun
        return self._near.counts() | far | {"far underrun": self._underrun, "far overrun": overrun}

    def delays(self) -> dict[str, float]:
        """As for the near end's `Microphone`."""
        return self._near.delays()

    def _beside(self, frames: int) -> Frames32:
        """The far end for `frames` frames of the near end, silence where it is late by more than the near end may wait."""
        out = np.zeros((frames, 1), np.float32)
        at = 0
        while at < frames:
            patience = max(0, self._jitter - self._near._ring.available) / self._spec.rate
            data = self._far._ring.read(frames - at, patience)
            if not len(data):
                self._underrun += frames - at
                break
            out[at : at + len(data)] = data
            at += len(data)
        return out


def _wait_for(source: Microphone, seconds: float) -> None:
    """Wait until `source` has run for a while and records; a lost device ends it, by its own watch."""
    ring, frames = source._ring, seconds * source._spec.rate
    while not source._stopped and not ring.closed and (ring.written == 0 or source._before + ring.written < frames):
        sleep(POLL)


def _skip(source: Microphone, frames: float) -> None:
    """Leave out what `source` recorded before it had come to `frames` frames; infinite and NaN if it never began: nothing."""
    ring = source._ring
    while ring.position + 0.5 < frames < np.inf and not source._stopped:
        if not len(ring.read(min(source._size, round(frames) - ring.position), PATIENCE)):
            return
