"""A sound card that is not there: a private PulseAudio with a loudspeaker `spk` and a microphone `mic`, and the fixture for it."""

from __future__ import annotations

import ctypes.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

ROOM = Path(__file__).with_name("room.py")
START = 10.0  # s in which the server or the room must come up, on a busy machine too
DEVICE = "pulse"  # what PortAudio calls it


def missing() -> str | None:
    """Why there can be no virtual sound card here, or None."""
    for program in ("pulseaudio", "pactl", "pacat", "parec"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if ctypes.util.find_library("portaudio") is None:
        return "PortAudio (libportaudio2) is not installed"
    return None


class SoundCard:
    """The running card; `kill` and `start` take it away and bring it back.

    Attributes
    ----------
    environment : dict of str
        What a child process needs to find the card; `soundcard` sets it in this process too.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "native"
        self._server: subprocess.Popen[bytes] | None = None
        self._keepers: list[subprocess.Popen[bytes]] = []
        self.environment = {
            "XDG_RUNTIME_DIR": str(folder),
            "HOME": str(folder),
            "PULSE_SERVER": f"unix:{self._socket}",
            "PULSE_SINK": "spk",
            "PULSE_SOURCE": "mic.monitor",
        }

    def start(self) -> None:
        """Start the server and wait until it answers."""
        modules = [
            f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}",
            "module-null-sink sink_name=spk rate=48000 channels=1 norewinds=1",
            "module-null-sink sink_name=mic rate=48000 channels=1 norewinds=1",
        ]
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        command += [f"--log-target=file:{self._folder / 'log'}", *(f"--load={module}" for module in modules)]
        self._server = self._popen(command, stderr=subprocess.DEVNULL)
        end = time.monotonic() + START
        while subprocess.run(["pactl", "info"], env=os.environ | self.environment, capture_output=True, check=False).returncode:
            if time.monotonic() > end:
                raise RuntimeError(f"pulseaudio does not answer: {(self._folder / 'log').read_text()}")
            time.sleep(0.1)
        # A null sink without a client in a hurry sleeps long (2 s, but for norewinds); these two keep it as awake as a real card is.
        self._keepers = [
            self._popen(["parec", "-d", source, "--latency-msec=10"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for source in ("spk.monitor", "mic.monitor")
        ]

    def kill(self) -> None:
        """Take the card away, without a word to its clients."""
        for process in (self._server, *self._keepers):
            if process is not None:
                process.kill()
                process.wait()
        self._server, self._keepers = None, []
        self._socket.unlink(missing_ok=True)

    def load(self, *module: str) -> str:
        """Load a PulseAudio module, such as ``module-loopback source=spk.monitor sink=mic``; gives its number for `unload`."""
        done = subprocess.run(
            ["pactl", "load-module", *module], env=os.environ | self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def unload(self, number: str) -> None:
        """Unload a module."""
        subprocess.run(["pactl", "unload-module", number], env=os.environ | self.environment, check=True)

    @contextmanager
    def room(self, response: ArrayLike, near: ArrayLike | None = None, noise: ArrayLike | None = None) -> Iterator[None]:
        """A room between loudspeaker and microphone meanwhile; arrays at 48 kHz, see ``room.py``."""
        command = [sys.executable, str(ROOM)]
        for name, data in (("response", response), ("near", near), ("noise", noise)):
            if data is not None:
                path = self._folder / f"{name}.npy"
                np.save(path, np.asarray(data, np.float32))
                command += [f"--{name}", str(path)]
        process = self._popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "READY":
                raise RuntimeError("the room did not come up")
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(START)

    @contextmanager
    def playing(self, samples: ArrayLike, sink: str = "spk") -> Iterator[None]:
        """Another program that plays `samples` (48 kHz, mono) meanwhile."""
        path = self._folder / "playing.raw"
        path.write_bytes(np.asarray(samples, "<f4").tobytes())
        with path.open("rb") as file:
            command = ["pacat", "-p", "-d", sink, "--format=float32le", "--rate=48000", "--channels=1", "--raw", "--latency-msec=50"]
            process = self._popen(command, stdin=file)
            try:
                yield
            finally:
                process.kill()
                process.wait()

    @contextmanager
    def recording(self, source: str, path: Path) -> Iterator[None]:
        """Another program that records `source` (48 kHz, mono) meanwhile, into a file of float32 samples."""
        with path.open("wb") as file:
            command = ["parec", "-d", source, "--format=float32le", "--rate=48000", "--channels=1", "--raw", "--latency-msec=20"]
            process = self._popen(command, stdout=file)
            try:
                yield
            finally:
                process.terminate()
                process.wait()

    def _popen(self, command: list[str], **options: object) -> subprocess.Popen:  # type: ignore[type-arg]
        return subprocess.Popen(command, env=os.environ | self.environment, **options)  # type: ignore[call-overload,no-any-return]


@contextmanager
def open_soundcard() -> Iterator[SoundCard]:
    """The card, running, with the environment of this process set to it.

    `RuntimeError` if the server does not come up; ask `missing` first.
    """
    with tempfile.TemporaryDirectory(prefix="soundcard") as name:
        folder = Path(name)
        folder.chmod(0o700)  # the sound server insists
        card = SoundCard(folder)
        saved = {key: os.environ.get(key) for key in card.environment}
        os.environ.update(card.environment)
        try:
            card.start()
            _look_anew()
            yield card
        finally:
            card.kill()
            for key, value in saved.items():
                if value is None:
                    os.environ.pop(key, None)
                else:
                    os.environ[key] = value


def _look_anew() -> None:
    """PortAudio lists its devices once, when it is loaded; an earlier test may have loaded it without the card."""
    if "sounddevice" in sys.modules:
        import sounddevice

        sounddevice._terminate()
        sounddevice._initialize()


@pytest.fixture
def soundcard() -> Iterator[SoundCard]:
    """A virtual sound card; skips the test, and says why, where it cannot be."""
    if reason := missing():
        print(f"no virtual sound card: {reason}")
        pytest.skip(f"no virtual sound card: {reason}")
    with open_soundcard() as card:
        yield card
