"""Microphones, and the monitor of what the loudspeakers play, as live sources."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import numpy as np

from rtkit.audio.device import Link, find, portaudio
from rtkit.core.errors import DeviceError
from rtkit.core.items import Block, SampleSpec
from rtkit.core.source import Options, Source
from rtkit.handover.ring import Frames32, Ring

CAPACITY = 2.0  # s of ring: a processor that is further behind has no use for older samples
PATIENCE = 0.5  # s that a read waits before it looks again whether it was stopped; a watch of its own looks after the device
PACTL = 5.0  # s granted to the sound server to tell its default
MONITORS = ("monitor", "loopback", "stereo mix", "blackhole")  # what the systems call an input that hears the output


class Microphone(Source):
    """A microphone or another audio input.

    Parameters
    ----------
    target : str
        Number or part of the name of the device; empty for the default.
    options : Options
        `rate` (the device's own), `channels` (1), `block` (10 ms), `latency` (the device's safe choice) and `reconnect` hold.
    """

    live = True
    gives = "samples"
    open_to_pages = True

    def __init__(self, target: str, options: Options) -> None:
        self.name = f"mic:{target}" if target else "mic"
        self._target = target
        self._options = options
        self._link: Link | None = None
        self._stopped = False
        self._begun = False
        self._before = 0  # frames before that
        self._captured = 0
        self._waiting = 0.0  # s, summed over the blocks read
        self._blocks = 0

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Open the device; the samples are float32 whatever `dtype` says.

        What it hears before the first block is asked for is not recorded: while models are loaded and kernels are compiled.

        Raises
        ------
        DeviceError
            No such device, or it does not open in this format.
        """
        n = self._options.channels or 1
        target, environment = self._connect()
        link = Link(
            self.name,
            "input",
            (target, ""),
            rate=self._options.rate,
            channels=(n, 0),
            block=self._options.block,
            latency=self._options.latency,
            reconnect=self._options.reconnect,
            environment=environment,
        )
        channels = ("near",) if n == 1 else tuple(f"near{i + 1}" for i in range(n))
        self._start(link, channels)
        link.open(self._record, self._miss, self._ring.close)
        return self._spec

    def __iter__(self) -> Iterator[Block]:
        """Blocks of the size asked for; a shorter one only in front of a gap and at the end."""
        self._begun = True
        while (data := self._next(self._size)) is not None:
            yield self._block(data)

    def stop(self) -> None:
        """End the iteration."""
        self._stopped = True
        if self._link is not None:
            self._ring.close()

    def close(self) -> None:
        """Close the device."""
        if self._link is not None:
            self._link.close()

    def with_far(self, far: Source, options: Options) -> Source:
        """The microphone with what the loudspeaker plays beside it, as channels ``near`` and ``far``.

        A file is played here, through the same device, so that both stay locked to one clock; a live source, such as
        `SpeakerMonitor`, is recorded beside the microphone.

        Raises
        ------
        UsageError
            `far` is neither, or more than one microphone channel is asked for.
        """
        from rtkit.audio.far import pair  # that module builds on this one

        return pair(self, self._target, far, options)

    def counts(self) -> dict[str, int]:
        """``captured`` frames handed on, ``lost`` by the device, ``overrun`` because they were read too late, ``reconnects``."""
        if self._link is None:
            return {}
        return {
            "captured": self._captured,
            "lost": self._ring.gaps,
            "overrun": self._ring.overrun,
            "reconnects": self._link.reconnects,
        }

    def delays(self) -> dict[str, float]:
        """Seconds in the ``input device``, and from there to the reader in the ``input ring`` (mean over the blocks)."""
        if self._link is None:
            return {}
        return {**self._link.delays, "input ring": self._waiting / max(self._blocks, 1)}

    @property
    def origin(self) -> float:
        """Time (s, of the performance counter) at which the first frame arrived, as the earliest callbacks tell."""
        return self._link.origin if self._link is not None else 0.0

    def _connect(self) -> tuple[str, dict[str, str]]:
        """The device to open and the environment to open it in."""
        return self._target, {}

    def _start(self, link: Link, channels: tuple[str, ...]) -> None:
        """Make what the callback of `link` needs."""
        self._size = link.block
        self._spec = SampleSpec(link.rate, channels)
        self._ring = Ring(max(round(CAPACITY * link.rate), 4 * link.block), len(channels))
        self._link = link

    def _record(self, heard: Frames32, played: Frames32) -> None:
        if self._heeds(len(heard)):
            self._ring.write(heard)

    def _miss(self, frames: int) -> None:
        if self._heeds(frames):
            self._ring.gap(frames)

    def _heeds(self, frames: int) -> bool:
        """Whether the recording has begun; frames before that are counted only."""
        if not self._begun:
            self._before += frames
        return self._begun

    def _next(self, frames: int) -> Frames32 | None:
        """The next frames; None at the end."""
        while not self._stopped:
            waiting = self._ring.available
            data = self._ring.read(frames, PATIENCE)
            if len(data):
                self._captured += len(data)
                self._waiting += max(waiting, len(data)) / self._spec.rate
                self._blocks += 1
                return data
            if self._ring.closed:
                break
        return None

    def _block(self, data: Frames32) -> Block:
        return Block(data, self._ring.position - len(data), self._spec.rate, self._spec.channels)


class SpeakerMonitor(Microphone):
    """What the loudspeakers play: the monitor that the sound server or the system offers of an output.

    Parameters
    ----------
    target : str
        Number or part of the name of an input that hears the output, or the name of a PulseAudio/PipeWire sink; empty for the
        default output.
    options : Options
        As for `Microphone`.
    """

    def __init__(self, target: str, options: Options) -> None:
        super().__init__(target, options)
        self.name = f"speaker-monitor:{target}" if target else "speaker-monitor"

    def _connect(self) -> tuple[str, dict[str, str]]:
        inputs = [device["name"] for device in portaudio().query_devices() if device["max_input_channels"] > 0]
        if self._target and ("pulse" not in inputs or any(self._target.casefold() in name.casefold() for name in inputs)):
            return find(self._target, "input")["name"], {}
        if "pulse" in inputs:
            sink = self._target or os.environ.get("PULSE_SINK") or self._default_sink()
            return "pulse", {"PULSE_SOURCE": f"{sink.removesuffix('.monitor')}.monitor"}
        for name in inputs:
            if any(word in name.casefold() for word in MONITORS):
                return name, {}
        raise DeviceError(
            f"{self.name}: no input hears the loudspeaker here. Linux: install libasound2-plugins for PulseAudio or PipeWire; "
            "macOS: install BlackHole; Windows: enable the recording device 'Stereo Mix'"
        )

    def _default_sink(self) -> str:
        """The sound server's name for it. PulseAudio has an alias for its monitor; PipeWire gives the microphone for that."""
        try:
            told = subprocess.run(
                ["pactl", "info"], env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=True, timeout=PACTL
            ).stdout
            return re.findall(r"^Default Sink: (.+)$", told, re.MULTILINE)[0]  # type: ignore[no-any-return]
        except (OSError, subprocess.SubprocessError, IndexError):
            raise DeviceError(
                f"{self.name}: the sound server's default output is unknown: install pactl (Debian: pulseaudio-utils), "
                "or name it: speaker-monitor:NAME"
            ) from None
