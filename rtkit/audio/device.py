"""Audio devices: finding them, streaming with PortAudio, and noticing what a device lost or that it went away itself."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any, Literal, TypeVar

import numpy as np

from rtkit.core.errors import DeviceError
from rtkit.handover.ring import Frames32

log = logging.getLogger("rtkit.audio")

Kind = Literal["input", "output"]
Side = Literal["input", "output", "duplex"]
Process = Callable[[Frames32, Frames32], None]
T = TypeVar("T")

BLOCK_S = 0.01  # length of a callback when nothing else is asked: short beside a room's echo, long beside the cost of a call
LATENCY_S = 0.1  # device buffer where the device names none
WINDOW_S = 1.0  # time within which some callback comes on time; longer than a device buffers, so that a longer delay is a loss
TOLERANCE_S = 0.006  # by which, beyond a block, the earliest arrivals of two windows differ without a loss (seen: 2 ms); the block,
# because the earliest arrival slips by one when the clock drifts past that of a sound server that delivers several at once
MAX_DRIFT_S_PER_S = 1e-3  # twice what two consumer clocks differ by
SILENCE_TIMEOUT_S = 1.0  # time without a callback after which a device counts as lost
FIRST_CALLBACK_TIMEOUT_S = 4.0  # granted to the first callback: a suspended device wakes slowly (seen: 2.0 s)
POLL_S = 0.2  # time between two looks at a device
FIRST_RETRY_PAUSE_S = 0.5  # pause before a lost device is first tried again; doubled each time
PORTAUDIO_TIMEOUT_S = 2.0  # granted to PortAudio to open or close a stream before it counts as hung
SMOOTHING = 0.02  # weight of one callback in the mean delay of a device

_lock = threading.Lock()  # opening, closing and re-initialising PortAudio, the environment while opening
_open_streams: set[DeviceStream] = set()  # those with a PortAudio stream, which a re-initialisation would kill


def portaudio() -> Any:
    """The module ``sounddevice``, loaded at its first use.

    Raises
    ------
    DeviceError
        The PortAudio library is missing.
    """
    try:
        with quiet():
            import sounddevice
    except OSError as error:
        raise DeviceError(
            f"live audio needs the PortAudio library ({error}): install libportaudio2 (Debian, Ubuntu), portaudio (Fedora, Arch, Homebrew)"
        ) from None
    return sounddevice


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing on standard error meanwhile: ALSA prints there, past Python, for each device that does not answer."""
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    os.close(sink)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def find(target: str, kind: Kind) -> dict[str, Any]:
    """The device that `target` names: its number, a part of its name (in any case), or nothing for the default.

    Returns
    -------
    dict
        PortAudio's description of it.

    Raises
    ------
    DeviceError
        None or several match; the message lists the candidates.
    """
    sd = portaudio()
    candidates = [device for device in sd.query_devices() if device[f"max_{kind}_channels"] > 0]
    if not candidates:
        raise DeviceError(f"no audio {kind} device on this system: connect one, or start the sound server (PulseAudio, PipeWire)")
    if not target:
        default = [device for device in candidates if device["index"] == sd.default.device[0 if kind == "input" else 1]]
        return dict((default or candidates)[0])
    if target.isdecimal():
        matches = [device for device in candidates if device["index"] == int(target)]
    else:
        named = [device for device in candidates if target.casefold() in device["name"].casefold()]
        matches = [device for device in named if target.casefold() == device["name"].casefold()] or named
    if len(matches) != 1:
        found = "several audio {} devices match" if matches else "no audio {} device matches"
        listed = "; ".join(f"{device['index']} {device['name']}" for device in matches or candidates)
        raise DeviceError(f"{found.format(kind)} {target!r}, choose one of: {listed}")
    return dict(matches[0])


class LossWatch:
    """Finds by the clock how many frames a device lost, for it does not always say so.

    A callback comes late for many reasons, early for none. So the earliest arrival within a window, less the frames counted so
    far, stands still but for the drift of the clocks; when it jumps, frames are missing.

    Parameters
    ----------
    rate : float
        Frames a second (Hz).
    block : int
        Frames in a callback.
    """

    def __init__(self, rate: float, block: int) -> None:
        self._rate = rate
        self._tolerance = TOLERANCE_S + block / rate
        self._window = max(WINDOW_S, 8 * block / rate)
        self._frames = 0
        self._since = self._earliest = self._reference = np.inf

    @property
    def origin(self) -> float:
        """Time (s) at which the first frame arrived, or would have without jitter."""
        return float(min(self._earliest, self._reference))

    def arrived(self, now: float, frames: int) -> int:
        """Take note of a callback with `frames` frames at the time `now` (s); gives the frames newly found missing."""
        self._frames += frames
        late = now - self._frames / self._rate
        if self._since == np.inf:
            self._since, self._earliest = now, late
        if now - self._since < self._window:
            self._earliest = min(self._earliest, late)
            return 0
        excess = self._earliest - self._reference
        lost = round(excess * self._rate) if self._tolerance < excess < np.inf else 0
        if not lost:
            self._reference = min(self._earliest, self._reference + MAX_DRIFT_S_PER_S * (now - self._since))
        self._frames += lost
        self._since, self._earliest = now, late - lost / self._rate
        return lost


class DeviceStream:
    """One PortAudio stream, watched by a thread of its own and opened again when its device went away.

    Parameters
    ----------
    name : str
        What errors call it.
    side : {"input", "output", "duplex"}
        Which way the samples go.
    targets : tuple of str
        The input and the output device, as `find` takes them; the other one is ignored for a single side.
    rate : float, optional
        Frames a second (Hz); the device's own if not given.
    channels : tuple of int
        Channels that `process` sees of the input and the output.
    block : int, optional
        Frames in a callback; 10 ms if not given.
    latency : float, optional
        Buffering (s) asked of the device; its own safe choice if not given.
    reconnect : float
        Seconds for which a lost device is tried again.
    environment : dict of str
        Set while the device is opened: how a sound server is told what to connect.

    Attributes
    ----------
    rate : float
        Frames a second (Hz), known from the beginning.
    block : int
        Frames in a callback, likewise.
    reconnects : int
        Times that a lost device came back.
    delays : dict of str to float
        Delay (s) of the ``input device`` and ``output device``, as PortAudio measures it.
    """

    def __init__(
        self,
        name: str,
        side: Side,
        targets: tuple[str, str],
        *,
        rate: float | None,
        channels: tuple[int, int] = (1, 1),
        block: int | None,
        latency: float | None,
        reconnect: float,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.reconnects = 0
        self.delays: dict[str, float] = {}
        self._kinds: tuple[Kind, ...] = ("input", "output") if side == "duplex" else (side,)
        self._targets = {"input": targets[0], "output": targets[1]}
        self._channels = {"input": channels[0], "output": channels[1]}
        self._environment = environment or {}
        self._reconnect = reconnect
        self._devices = {kind: find(self._targets[kind], kind) for kind in self._kinds}
        self.rate = float(rate or self._devices[self._kinds[0]]["default_samplerate"])
        self.block = block or max(1, round(BLOCK_S * self.rate))
        self._latency = latency
        self._opened: dict[str, int] = dict(self._channels)
        self._stream: Any = None
        self._stopping = threading.Event()
        self._watchdog = threading.Thread(target=self._run, name=f"watch {name}", daemon=True)
        self._error: BaseException | None = None
        self._arrival = 0.0  # time (s) of the last callback, or of the opening
        self._called = False
        self._gone_since = 0.0  # time (s) of the last callback before a loss that is not yet accounted for
        self._round_trip = np.inf

    def open(self, process: Process, missing: Callable[[int], None], failed: Callable[[BaseException], None]) -> None:
        """Open the device and start; the three functions are called from other threads and must not wait.

        Parameters
        ----------
        process : callable
            Called by PortAudio with the input and the output of a block, float32 ``[n, channels]``.
        missing : callable
            Told by the same thread, before the next block, how many frames the device lost.
        failed : callable
            Told the error that ended the stream.

        Raises
        ------
        DeviceError
            The device does not open in this format.
        """
        self._process, self._missing, self._failed = process, missing, failed
        self._open()
        self._watchdog.start()

    def close(self) -> None:
        """Stop and close; never hangs, whatever the device does."""
        self._stopping.set()
        if self._watchdog.ident is not None:
            self._watchdog.join(2 * PORTAUDIO_TIMEOUT_S)
        self._drop()

    @property
    def origin(self) -> float:
        """Time (s, of the performance counter) at which the stream's first frame arrived, as its earliest callbacks tell."""
        return self._watch.origin

    @property
    def round_trip(self) -> float | None:
        """Least delay (s) seen from the output of a duplex stream back to its input, both device buffers; None if unknown."""
        return min(self._round_trip, sum(self._promised.values())) if self._round_trip < np.inf else None

    # -- opening and closing: the opening thread first, then the watchdog alone --------------------------------------------

    def _find_again(self) -> None:
        """Find the devices by their names: the numbers may be others when they come back."""
        self._devices = {kind: find(self._devices[kind]["name"] if self._targets[kind] else "", kind) for kind in self._kinds}

    def _open(self) -> None:
        sd = portaudio()
        numbers = [self._devices[kind]["index"] for kind in self._kinds]
        latencies = [self._latency or self._devices[kind][f"default_high_{kind}_latency"] or LATENCY_S for kind in self._kinds]
        refusals = []
        # A device that has no single channel is opened with two; the callback uses the first, or feeds both.
        for channels in (self._channels, {kind: max(2, n) for kind, n in self._channels.items()}):
            try:
                with _lock, quiet(), _environment(self._environment):
                    stream = _bounded(lambda wanted=channels: self._make(sd, numbers, latencies, wanted))  # type: ignore[misc]
            except (sd.PortAudioError, ValueError, TimeoutError) as error:
                refusals.append(str(error))
                continue
            break
        else:
            names = " and ".join(dict.fromkeys(self._devices[kind]["name"] for kind in self._kinds))
            asked = ", ".join(f"{self._channels[kind]} {kind} channel(s)" for kind in self._kinds)
            raise DeviceError(f"{self.name}: the audio device {names} does not open with {asked} at {self.rate:g} Hz: {refusals[0]}")
        self._opened = channels
        self._stream = stream
        self._watch = LossWatch(self.rate, self.block)
        self._round_trip = np.inf
        self._called = False
        self._arrival = perf_counter()
        pairs = stream.latency if len(self._kinds) == 2 else (stream.latency,)
        self._promised = dict(zip(self._kinds, pairs, strict=True))
        _open_streams.add(self)
        try:
            _bounded(stream.start)
        except (sd.PortAudioError, TimeoutError) as error:
            self._drop()
            raise DeviceError(f"{self.name}: the audio device does not start: {error}") from None

    def _make(self, sd: Any, numbers: list[int], latencies: list[float], channels: dict[str, int]) -> Any:
        single = len(self._kinds) == 1
        callback = {"input": self._on_input, "output": self._on_output}[self._kinds[0]] if single else self._on_both
        kind = {"input": sd.RawInputStream, "output": sd.RawOutputStream}[self._kinds[0]] if single else sd.RawStream
        wanted = [channels[side] for side in self._kinds]
        return kind(
            samplerate=self.rate,
            blocksize=self.block,
            dtype="float32",
            device=numbers[0] if single else numbers,
            channels=wanted[0] if single else wanted,
            latency=latencies[0] if single else latencies,
            callback=callback,
        )

    def _drop(self) -> None:
        """Close the stream; one that hangs, as when its sound server died, is left behind."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        _open_streams.discard(self)
        try:
            with _lock:
                _bounded(lambda: (stream.abort(), stream.close()))
        except TimeoutError:
            log.warning("%s: PortAudio does not close the device; left behind", self.name)
            _abandoned.append(stream)
            atexit.unregister(portaudio()._exit_handler)  # it would wait for that stream when the program ends

    # -- the watchdog --------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.wait(POLL_S):
            if self._error is not None:
                self._failed(self._error)
                return
            silent, stream = perf_counter() - self._arrival, self._stream
            if stream is None:  # closed by somebody who did not wait for this thread
                return
            if stream.active and silent < (SILENCE_TIMEOUT_S if self._called else FIRST_CALLBACK_TIMEOUT_S):
                continue
            log.warning("%s: the audio device went away, trying again for %g s", self.name, self._reconnect)
            if not self._gone_since:
                self._gone_since = self._arrival
            if not self._reopen():
                if not self._stopping.is_set():
                    self._failed(DeviceError(f"{self.name}: the audio device went away and stayed away for {self._reconnect:g} s"))
                return
            log.warning("%s: the audio device is back", self.name)
            self.reconnects += 1

    def _reopen(self) -> bool:
        """Try to open the device again with growing pauses; False when time is up or the stream is being closed."""
        deadline = perf_counter() + self._reconnect
        self._drop()
        pause = FIRST_RETRY_PAUSE_S
        while not self._stopping.wait(max(0.0, min(pause, deadline - perf_counter()))):
            try:
                self._open()
            except DeviceError as error:
                log.info("%s", error)
                if perf_counter() >= deadline:
                    return False
                pause *= 2
                if _refresh():
                    with contextlib.suppress(DeviceError):  # still away: the old number fails once more
                        self._find_again()
            else:
                return True
        return False

    # -- the callbacks, in PortAudio's thread: nothing but copying, and nothing is ever raised ---------------------------------

    def _on_input(self, indata: Any, frames: int, time: Any, status: Any) -> None:
        self._call(indata, None, frames, time)

    def _on_output(self, outdata: Any, frames: int, time: Any, status: Any) -> None:
        self._call(None, outdata, frames, time)

    def _on_both(self, indata: Any, outdata: Any, frames: int, time: Any, status: Any) -> None:
        self._call(indata, outdata, frames, time)

    def _call(self, indata: Any, outdata: Any, frames: int, time: Any) -> None:
        heard, played = self._view(indata, frames, "input"), self._view(outdata, frames, "output")
        try:
            now = perf_counter()
            lost = self._watch.arrived(now, frames)
            if self._gone_since:
                lost = max(0, round((now - self._gone_since) * self.rate) - frames)
                self._gone_since = 0.0
            if lost:
                self._missing(lost)
            self._process(heard[:, : self._channels["input"]], played[:, : self._channels["output"]])
            if played.shape[1] > self._channels["output"] == 1:
                played[:, 1:] = played[:, :1]
            self._measure(indata is not None, outdata is not None, time)
            self._arrival = now
            self._called = True
        except BaseException as error:
            if outdata is not None:
                played[:] = 0.0
            self._error = self._error or error

    def _view(self, buffer: Any, frames: int, kind: Kind) -> Frames32:
        if buffer is None:
            return np.empty((frames, self._channels[kind]), np.float32)
        return np.frombuffer(buffer, np.float32).reshape(frames, self._opened[kind])

    def _measure(self, heard: bool, played: bool, time: Any) -> None:
        """Follow the delays that PortAudio measures; some systems leave its times empty or wild, and then its promise stands."""
        now, recorded, sounding = time.currentTime, time.inputBufferAdcTime, time.outputBufferDacTime
        if heard:
            self._follow("input", now - recorded)
        if played:
            self._follow("output", sounding - now)
        if heard and played and 0.0 < recorded < sounding:
            self._round_trip = min(self._round_trip, sounding - recorded)

    def _follow(self, kind: Kind, delay: float) -> None:
        name = f"{kind} device"
        if not 0.0 < delay < 4 * self._promised[kind] + LATENCY_S:
            delay = self._promised[kind]
        self.delays[name] = self.delays.get(name, delay) * (1.0 - SMOOTHING) + delay * SMOOTHING


_abandoned: list[Any] = []  # streams that hang: they must not be collected while PortAudio's thread may still call back


def _bounded(work: Callable[[], T]) -> T:
    """Do `work` in a thread that may hang and be left behind.

    Raises
    ------
    TimeoutError
        It is not done within `PORTAUDIO_TIMEOUT_S`.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PORTAUDIO_TIMEOUT_S)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError("PortAudio does not answer")
    return results[0]


@contextlib.contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    """Set environment variables meanwhile."""
    saved = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in saved.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _refresh() -> bool:
    """Let PortAudio look for devices anew, if nobody here has a stream open: that would kill it."""
    sd = portaudio()
    with _lock, quiet(), contextlib.suppress(sd.PortAudioError, TimeoutError):
        if not _open_streams and not _abandoned and sd._initialized == 1:
            _bounded(lambda: (sd._terminate(), sd._initialize()))
            return True
    return False
