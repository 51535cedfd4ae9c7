"""Scenes of the telephone problem, made of the shipped real recordings: a far end, its echo, and a near-end talker."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

DATA = resources.files("rtkit_echo") / "data"
#: Level of the far end while it speaks (dB re full scale), and of the noise below the echo (dB).
FAR_LEVEL_DB, NOISE_DB = -24.0, -35.0
#: Echo return loss (dB) of a hybrid and of a room, and the flat delay (s) in front of a hybrid.
HYBRID_LOSS_DB, ROOM_LOSS_DB, FLAT_DELAY_S = 10.0, 6.0, 0.005
#: The near-end talker joins at this time (s).
TALKER_AT_S = 10.0


@dataclass(slots=True)
class Scene:
    """One recording and what it is made of; all signals ``[n]`` float32 at `rate` (Hz), ``near = echo + talker + noise``."""

    rate: int
    near: NDArray[np.float32]
    far: NDArray[np.float32]
    echo: NDArray[np.float32]
    talker: NDArray[np.float32]

    @property
    def samples(self) -> NDArray[np.float32]:
        """Near and far end side by side, ``[n, 2]``, as a canceller takes them."""
        return np.stack([self.near, self.far], axis=1)


def hybrids() -> dict[str, NDArray[np.float64]]:
    """Impulse responses of the G.168 echo paths at 8 kHz, by model ("D2" … "D8"), as tabulated: not scaled to a loss."""
    with (DATA / "g168_hybrid.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row["value"]) for row in rows if row["model"] == name]) for name in {row["model"] for row in rows}}


def hybrid_scene(model: str = "D4") -> Scene:
    """A telephone hybrid at 8 kHz, 10 dB of echo return loss, 5 ms of flat delay."""
    rate = 8000
    path = np.concatenate((np.zeros(round(FLAT_DELAY_S * rate)), hybrids()[model]))
    return _scene(rate, path, HYBRID_LOSS_DB)


def room_scene() -> Scene:
    """A loudspeaker and a microphone in a seminar room at 16 kHz, 6 dB of echo return loss."""
    return _scene(16000, read("room.wav", 16000), ROOM_LOSS_DB)


def active_rms(signal: NDArray[np.floating], rate: int) -> float:
    """Root mean square over the 20 ms frames with speech in them (within 20 dB of the loudest)."""
    frame = rate // 50
    powers = np.mean(signal[: len(signal) // frame * frame].reshape(-1, frame).astype(float) ** 2, axis=1)
    return float(np.sqrt(powers[powers > 0.01 * powers.max()].mean()))


def _scene(rate: int, path: NDArray[np.floating], loss: float) -> Scene:
    from scipy.signal import fftconvolve

    far = at_level(read("far.flac", rate), rate, FAR_LEVEL_DB)
    echo = at_level(fftconvolve(far, path)[: len(far)].astype(np.float32), rate, FAR_LEVEL_DB - loss)
    talker = np.zeros_like(far)
    voice = at_level(read("near.flac", rate), rate, FAR_LEVEL_DB - loss)[: len(far) - round(TALKER_AT_S * rate)]
    talker[len(far) - len(voice) :] = voice
    noise = np.random.default_rng(0).standard_normal(len(far)) * active_rms(echo, rate) * 10 ** (NOISE_DB / 20)
    return Scene(rate, echo + talker + noise.astype(np.float32), far, echo, talker)


def at_level(signal: NDArray[np.float32], rate: int, level: float) -> NDArray[np.float32]:
    """The signal at this level (dB re full scale) while it speaks."""
    return signal * np.float32(10 ** (level / 20) / active_rms(signal, rate))


def read(name: str, rate: int) -> NDArray[np.float32]:
    """A shipped recording at this rate (Hz)."""
    import soundfile
    import soxr

    with (DATA / name).open("rb") as file:
        samples, own_rate = soundfile.read(file, dtype="float32")
    return np.asarray(samples if own_rate == rate else soxr.resample(samples, own_rate, rate), np.float32)
