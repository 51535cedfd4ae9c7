"""Loudspeakers as sinks."""

from __future__ import annotations

from time import sleep

from rtkit.audio.device import LATENCY_S, DeviceStream, portaudio
from rtkit.core.errors import DeviceError, UsageError
from rtkit.core.items import Block, FrameSpec, Item, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Options
from rtkit.handover.ring import Frames32, Ring

WRITE_TIMEOUT_S = 0.5  # a write that waits looks again whether the device is still there
DRAIN_MARGIN_S = 1.0  # granted at the end to play what is queued, beyond the time that it lasts


class Speaker(Sink):
    """A loudspeaker or another audio output.

    It begins to play when as much is queued as the latency says, and so again after a pause: one longer gap instead of a
    crackle. A writer that is faster than the device waits; with `live` set the oldest samples go instead, so that the delay does
    not grow where a microphone's clock is faster than the loudspeaker's.

    Parameters
    ----------
    target : str
        Number or part of the name of the device, or the name of a PulseAudio/PipeWire sink; empty for the default.
    options : Options
        `block` (10 ms), `latency` (0.1 s queued; the device's safe choice for its own buffer) and `reconnect` hold.

    Attributes
    ----------
    live : bool
        What is written comes in real time; to be set before `open`.
    """

    live = False

    def __init__(self, target: str, options: Options) -> None:
        self.name = f"speaker:{target}" if target else "speaker"
        self._target = target
        self._options = options
        self._stream: DeviceStream | None = None
        self._played = self._underrun = 0
        self._queued = 0.0  # s, summed over the callbacks
        self._calls = 0

    def open(self, spec: Spec) -> None:
        """Open the device at the rate and with the channels of `spec`.

        Raises
        ------
        UsageError
            `spec` is a video's.
        DeviceError
            No such device, or it does not open in this format.
        """
        if isinstance(spec, FrameSpec):
            raise UsageError(f"{self.name}: plays samples, not {spec}")
        target, environment = self._connect()
        stream = DeviceStream(
            self.name,
            "output",
            ("", target),
            rate=spec.rate,
            channels=(0, len(spec.channels)),
            block=self._options.block,
            latency=self._options.latency,
            reconnect=self._options.reconnect,
            environment=environment,
        )
        # Twice the queue: of an overtaken ring the newer half is left, which is what should be queued.
        self._prefill = max(round((self._options.latency or LATENCY_S) * stream.rate), 2 * stream.block)
        self._ring = Ring(2 * self._prefill, len(spec.channels))
        self._rate = stream.rate
        self._begun = False
        self._filling = True
        self._stream = stream
        try:
            stream.open(self._play, self._missed, self._ring.close)
        except DeviceError as error:
            if environment:  # the sound server does not say that it is the name
                raise DeviceError(f"{error}; is there an audio device or a sink {self._target!r}? (pactl list short sinks)") from None
            raise

    def write(self, item: Item) -> None:
        """Queue a block; waits for room unless `live`.

        Raises
        ------
        DeviceError
            The device went away and stayed away.
        """
        assert isinstance(item, Block)
        for at in range(0, len(item.data), self._prefill):
            piece = item.data[at : at + self._prefill]
            while not self.live and not self._ring.wait_for_room(len(piece), WRITE_TIMEOUT_S):
                pass
            self._ring.check()
            self._ring.write(piece)

    def close(self) -> None:
        """Play what is queued and close the device."""
        if self._stream is None:
            return
        self._ring.close()
        if self._ring.wait_until_read(self._ring.available / self._rate + DRAIN_MARGIN_S):
            sleep(self._stream.delays.get("output device", 0.0) + self._stream.block / self._rate)
        self._stream.close()

    def counts(self) -> dict[str, int]:
        """Frames ``played``, ``underrun`` (silence: nothing was queued, or the device missed it), ``dropped``; ``reconnects``."""
        if self._stream is None:
            return {}
        return {
            "played": self._played,
            "underrun": self._underrun,
            "dropped": self._ring.overrun,
            "reconnects": self._stream.reconnects,
        }

    def delays(self) -> dict[str, float]:
        """Seconds in the ``output ring`` (mean over the callbacks) and in the ``output device``."""
        if self._stream is None:
            return {}
        return {"output ring": self._queued / max(self._calls, 1), **self._stream.delays}

    def _connect(self) -> tuple[str, dict[str, str]]:
        """The device to open and the environment to open it in; PortAudio sees one device for all sinks of a sound server."""
        if not self._target or self._target.isdecimal():
            return self._target, {}
        outputs = [device["name"] for device in portaudio().query_devices() if device["max_output_channels"] > 0]
        if "pulse" not in outputs or any(self._target.casefold() in name.casefold() for name in outputs):
            return self._target, {}
        return "pulse", {"PULSE_SINK": self._target}

    def _play(self, heard: Frames32, played: Frames32) -> None:
        available, ended = self._ring.available, self._ring.closed
        if self._filling and not ended and available < self._prefill:
            played[:] = 0.0
            self._underrun += len(played) if self._begun else 0
            return
        got = self._ring.take(played)
        self._begun, self._filling = True, got < len(played)
        self._played += got
        self._queued += available / self._rate
        self._calls += 1
        if not ended:
            self._underrun += len(played) - got

    def _missed(self, frames: int) -> None:
        self._underrun += frames if self._begun else 0
