"""Simulated telephone calls for the echo suppressor: talkers in measured and made rooms, loudspeakers that distort, noise, double talk,
pauses and changes of the path.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rtkit_echo.scenes import at_level

from export.data import Origin
from rtkit.core.errors import InputError

Floats = NDArray[np.float32]
Random = np.random.Generator

RATE = 16_000
#: Length of a call (s).
SECONDS = 16
#: Held out, for validation: a far-end and a near-end talker and two rooms.
HELD_TALKERS, HELD_ROOMS = ("libri_1688", "libri_2414"), ("seminarroom_clap", "livingroom_dirha_1")
#: Share of a measured room among rooms; the others are made.
MEASURED = 0.3
#: Shares of calls whose loudspeaker distorts, whose path changes, and whose near end has a room of its own.
DISTORTED, CHANGED, REVERBERANT = 0.5, 0.25, 0.3
#: Shares of calls: the far end alone, double talk from some time on, talk in turns and at once; the others begin with the near end alone.
ALONE, DOUBLE, TURNS = 0.25, 0.4, 0.25
#: Level of the far end (dB re full scale), echo below it (dB), near end against the echo (dB), noise below the echo (dB).
FAR, LOSS, NEAR, NOISE = (-34.0, -16.0), (0.0, 16.0), (-10.0, 15.0), (15.0, 50.0)
#: Longest delay of an echo (s), and how fast or slow speech may be played.
DELAY, PACE = 0.03, (0.85, 1.18)
#: How long a part of a call lasts in which one talks, or nobody (s).
PART = (0.4, 3.0)


@dataclass(frozen=True, slots=True)
class Material:
    """What calls are made of: the speech of each talker, and impulse responses of rooms."""

    talkers: list[Floats]
    rooms: list[Floats]


@dataclass(frozen=True, slots=True)
class Call:
    """A call, all signals ``[n]``: the microphone has the echo of `far`, `talker` and `noise` in it."""

    near: Floats
    far: Floats
    talker: Floats
    noise: Floats


def read(folder: Path) -> tuple[Material, Material, Origin]:
    """The material for training, that which is held out, and where it comes from.

    Parameters
    ----------
    folder : Path
        Holds ``speech_far/*.flac``, ``speech_near/*.flac`` and ``rir/*.wav`` at 16 kHz, perhaps in a folder below it.

    Raises
    ------
    InputError
        Nothing there, or not at this rate.
    """
    import soundfile

    kinds = ("speech_far/*.flac", "speech_near/*.flac", "rir/*.wav")
    found = [sorted(folder.glob(f"**/{kind}")) for kind in kinds]
    if not all(found):
        raise InputError(f"{folder}: expected speech of talkers and rooms: {', '.join(kinds)}")
    digest = hashlib.sha256()
    parts: dict[bool, Material] = {False: Material([], []), True: Material([], [])}
    seconds = 0.0
    for path in (path for paths in found for path in paths):
        digest.update(path.read_bytes())
        signal, rate = soundfile.read(path, dtype="float32")
        if rate != RATE or signal.ndim != 1:
            raise InputError(f"{path}: expected one channel at {RATE} Hz")
        held = parts[path.stem in HELD_TALKERS + HELD_ROOMS]
        (held.rooms if path.suffix == ".wav" else held.talkers).append(signal)
        seconds += len(signal) / rate if path.suffix == ".flac" else 0
    source = (
        "LibriSpeech test-other and train-clean-100 (openslr.org/12; V. Panayotov et al., ICASSP 2015); room responses: DIRHA apartment "
        "(M. Ravanelli et al., 2016), a seminar room, two that were found with audio software; hash of all files"
    )
    licence = "speech CC BY 4.0; rooms CC0, MIT, and three without a stated licence"
    return parts[False], parts[True], Origin("speech (seconds) and rooms", source, licence, digest.hexdigest(), round(seconds))


def simulate(material: Material, random: Random) -> Call:
    """A call as chance will have it."""
    from scipy.signal import fftconvolve

    count = SECONDS * RATE
    one, other = random.permutation(len(material.talkers))[:2]
    level = random.uniform(*FAR)
    far = at_level(_speech(material.talkers[one], random), RATE, level)
    talker = _speech(material.talkers[other], random)
    far, talker = _in_turn(far, talker, random)
    driven = _distort(far, random) if random.random() < DISTORTED else far
    echo = fftconvolve(driven, _room(material, random))[:count]
    if random.random() < CHANGED:
        at = int(random.uniform(0.3, 0.8) * count)
        echo[at:] = fftconvolve(driven, _room(material, random))[at:count]
    level -= random.uniform(*LOSS)
    echo = at_level(echo.astype(np.float32), RATE, level)
    if random.random() < REVERBERANT:
        talker = fftconvolve(talker, _made_room(random))[:count].astype(np.float32)
    talker = at_level(talker, RATE, level + random.uniform(*NEAR)) if talker.any() else talker
    noise = _noise(random) * np.float32(10 ** ((level - random.uniform(*NOISE)) / 20))
    return Call(echo + talker + noise, far, talker, noise)


def _speech(recording: Floats, random: Random) -> Floats:
    """A piece of a recording, played a little faster or slower: another talker."""
    import soxr

    pace = random.uniform(*PACE)
    count = round(SECONDS * RATE * pace) + RATE
    start = int(random.integers(0, len(recording) - count))
    piece = soxr.resample(recording[start : start + count], RATE * pace, RATE)
    return np.asarray(piece[: SECONDS * RATE], np.float32)


def _in_turn(far: Floats, talker: Floats, random: Random) -> tuple[Floats, Floats]:
    """Who speaks when."""
    kind, count = random.random(), len(far)
    if kind < ALONE:
        return far, np.zeros_like(talker)
    if kind < ALONE + DOUBLE:
        return far, _from(talker, int(random.uniform(0.0, 0.6) * count))
    if kind < ALONE + DOUBLE + TURNS:
        return _pauses(far, random), _pauses(talker, random)
    return _from(far, int(random.uniform(0.2, 0.7) * count)), talker


def _from(signal: Floats, start: int) -> Floats:
    return np.where(np.arange(len(signal)) < start, np.float32(0), signal)


def _pauses(signal: Floats, random: Random) -> Floats:
    kept, at, speaks = np.zeros(len(signal), bool), 0, random.random() < 0.5
    while at < len(signal):
        until = at + int(random.uniform(*PART) * RATE)
        kept[at:until] = speaks
        at, speaks = until, not speaks
    return np.where(kept, signal, np.float32(0))


def _distort(signal: Floats, random: Random) -> Floats:
    """A small loudspeaker: it saturates, softly or hard, and not alike both ways."""
    most = float(np.abs(signal).max()) or 1.0
    push, even = random.uniform(0.3, 3.0) / most, random.uniform(0, 0.15)
    soft = random.random() < 0.7
    driven = push * signal + even * np.square(push * signal)
    limited = np.tanh(driven) if soft else np.clip(driven, -1, 1)
    return np.asarray(limited / push, np.float32)


def _room(material: Material, random: Random) -> Floats:
    if random.random() >= MEASURED:
        return _made_room(random)
    room = material.rooms[random.integers(len(material.rooms))]
    fade = 10 ** (-random.uniform(0, 2) * np.arange(len(room)) / len(room))
    return np.concatenate([np.zeros(int(random.uniform(0, DELAY) * RATE)), room * fade]).astype(np.float32)


def _made_room(random: Random) -> Floats:
    """A direct path, some early reflections, and noise that dies away; duller with time."""
    from scipy.signal import lfilter

    count = RATE // 2
    t = np.arange(count) / RATE
    tail = random.standard_normal(count) * 10 ** (-3 * t / random.uniform(0.15, 0.9))
    dull = random.uniform(0, 0.6)
    tail = lfilter([1 - dull], [1, -dull], tail) * np.minimum(t / random.uniform(0.002, 0.02), 1)
    room = tail / np.sqrt(np.sum(tail**2)) * 10 ** (random.uniform(-12, 6) / 20)
    room[0] += 1
    for _ in range(random.integers(0, 8)):
        room[int(random.uniform(0.0005, 0.03) * RATE)] += random.choice([-1, 1]) * random.uniform(0.05, 0.5)
    zeros = [1, random.uniform(-0.9, 0.3)]  # of loudspeaker and microphone
    return np.concatenate([np.zeros(int(random.uniform(0, DELAY) * RATE)), lfilter(zeros, [1], room)]).astype(np.float32)


def _noise(random: Random) -> Floats:
    """White, or with less of high frequencies, perhaps with a hum; of power 1."""
    from scipy.signal import lfilter

    noise = lfilter([1], [1, -random.choice([0, random.uniform(0, 0.95)])], random.standard_normal(SECONDS * RATE))
    noise /= noise.std()
    if random.random() < 0.15:
        noise += random.uniform(0.2, 1) * np.sin(2 * np.pi * random.choice([50, 100, 120, 300]) * np.arange(len(noise)) / RATE)
    swell = 1 + random.choice([0, 0.3]) * np.sin(2 * np.pi * random.uniform(0.1, 1) * np.arange(len(noise)) / RATE)
    return np.asarray(noise * swell, np.float32)
