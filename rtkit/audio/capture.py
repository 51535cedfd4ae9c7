"""Microphones, and the monitor of what the loudspeakers play, as live sources."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import numpy as np

from rtkit.audio.device import find, portaudio
from rtkit.audio.far import Duplex, LivePair
from rtkit.audio.recording import DeviceCapture
from rtkit.core.errors import DeviceError, UsageError
from rtkit.core.items import Block, SampleSpec
from rtkit.core.source import Options, Source

PACTL_TIMEOUT_S = 5.0  # granted to the sound server to tell its default
MONITORS = ("monitor", "loopback", "stereo mix", "blackhole")  # what the systems call an input that hears the output


class Microphone(Source):
    """A microphone or another audio input.

    Parameters
    ----------
    target : str
        Number or part of the name of the device; empty for the default.
    options : Options
        As for `DeviceCapture`.

    Attributes
    ----------
    capture : DeviceCapture
        The device that is recorded.
    """

    live = True
    kind = "mic"
    gives = "samples"
    open_to_pages = True

    def __init__(self, target: str, options: Options) -> None:
        self.name = f"{self.kind}:{target}" if target else self.kind
        self.target = target
        self.capture = DeviceCapture(self.name, options, self.locate)

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Open the device; the samples are float32 whatever `dtype` says.

        What it hears before the first block is asked for is not recorded: while models are loaded and kernels are compiled.

        Raises
        ------
        DeviceError
            No such device, or it does not open in this format.
        """
        return self.capture.open()

    def __iter__(self) -> Iterator[Block]:
        """Blocks of the size asked for; a shorter one only in front of a gap and at the end."""
        self.capture.begin()
        while (block := self.capture.read_block()) is not None:
            yield block

    def stop(self) -> None:
        """End the iteration."""
        self.capture.stop()

    def close(self) -> None:
        """Close the device."""
        self.capture.close()

    def with_far(self, far: Source, options: Options) -> Source:
        """The microphone with what the loudspeaker plays beside it, as channels ``near`` and ``far``.

        A file is played here, through the same device, so that both stay locked to one clock; a live source, such as
        `SpeakerMonitor`, is recorded beside the microphone.

        Raises
        ------
        UsageError
            `far` is neither, or more than one microphone channel is asked for.
        """
        if options.channels not in (None, 1):
            raise UsageError(f"{self.name}: with a far end a microphone has 1 channel, not {options.channels}")
        if isinstance(far, Microphone):
            return LivePair(self.capture, far.capture)
        if far.live:
            raise UsageError(f"{self.name}: the far end is a file, speaker-monitor or mic, not {far.name}")
        return Duplex(self.target, far, options)

    def counts(self) -> dict[str, int]:
        """As of `DeviceCapture.counts`."""
        return self.capture.counts()

    def delays(self) -> dict[str, float]:
        """As of `DeviceCapture.delays`."""
        return self.capture.delays()

    def locate(self) -> tuple[str, dict[str, str]]:
        """The device to open, and the environment variables to set while it is opened.

        Raises
        ------
        DeviceError
            There is none.
        """
        return self.target, {}


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

    kind = "speaker-monitor"

    def locate(self) -> tuple[str, dict[str, str]]:
        """The input that hears the output, or the sound server's monitor of it.

        Raises
        ------
        DeviceError
            No input hears the output.
        """
        inputs = [device["name"] for device in portaudio().query_devices() if device["max_input_channels"] > 0]
        if self.target and ("pulse" not in inputs or any(self.target.casefold() in name.casefold() for name in inputs)):
            return find(self.target, "input")["name"], {}
        if "pulse" in inputs:
            sink = self.target or os.environ.get("PULSE_SINK") or self._default_sink()
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
                ["pactl", "info"], env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=True, timeout=PACTL_TIMEOUT_S
            ).stdout
            return re.findall(r"^Default Sink: (.+)$", told, re.MULTILINE)[0]  # type: ignore[no-any-return]
        except (OSError, subprocess.SubprocessError, IndexError):
            raise DeviceError(
                f"{self.name}: the sound server's default output is unknown: install pactl (Debian: pulseaudio-utils), "
                "or name it: speaker-monitor:NAME"
            ) from None
