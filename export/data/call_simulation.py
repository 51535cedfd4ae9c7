"""Simulated telephone calls for the echo suppressor: talkers in measured and made rooms, loudspeakers that distort, noise, double talk,
pauses and changes of the path.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rtkit_echo.scenes import at_level

from export.data import Floats
from export.data.origin import Origin
from rtkit.core.errors import InputError

Random = np.random.Generator

RATE_HZ = 16_000
#: Length of a call (s).
CALL_S = 16
#: Held out, for validation: a far-end and a near-end talker and two rooms.
HELD_OUT_TALKERS, HELD_OUT_ROOMS = ("libri_1688", "libri_2414"), ("seminarroom_clap", "livingroom_dirha_1")
#: Share of a measured room among rooms; the others are made.
MEASURED_ROOM_SHARE = 0.3
#: Shares of calls whose loudspeaker distorts, whose path changes, and whose near end has a room of its own.
DISTORTED_SHARE, PATH_CHANGE_SHARE, REVERBERANT_SHARE = 0.5, 0.25, 0.3
#: Shares of calls: the far end alone, double talk from some time on, talk in turns and at once; the others begin with the near end alone.
FAR_END_ALONE_SHARE, DOUBLE_TALK_SHARE, TURNS_SHARE = 0.25, 0.4, 0.25
#: Level of the far end (dB re full scale), echo below it (dB), near end against the echo (dB), noise below the echo (dB).
FAR_END_DBFS, ECHO_RETURN_LOSS_DB, NEAR_END_TO_ECHO_DB, ECHO_TO_NOISE_DB = (-34.0, -16.0), (0.0, 16.0), (-10.0, 15.0), (15.0, 50.0)
#: Longest delay of an echo (s), and how fast or slow speech may be played.
MAX_DELAY_S, PACE_RANGE = 0.03, (0.85, 1.18)
#: How long a part of a call lasts in which one talks, or nobody (s).
TURN_S = (0.4, 3.0)


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


def read_material(folder: Path) -> tuple[Material, Material, Origin]:
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
        if rate != RATE_HZ or signal.ndim != 1:
            raise InputError(f"{path}: expected one channel at {RATE_HZ} Hz")
        held = parts[path.stem in HELD_OUT_TALKERS + HELD_OUT_ROOMS]
        (held.rooms if path.suffix == ".wav" else held.talkers).append(signal)
        seconds += len(signal) / rate if path.suffix == ".flac" else 0
    source = (
        "LibriSpeech test-other and train-clean-100 (openslr.org/12; V. Panayotov et al., ICASSP 2015); room responses: DIRHA apartment "
        "(M. Ravanelli et al., 2016), a seminar room, two that were found with audio software; hash of all files"
    )
    licence = "speech CC BY 4.0; rooms CC0, MIT, and three without a stated licence"
    return parts[False], parts[True], Origin("speech (seconds) and rooms", source, licence, digest.hexdigest(), round(seconds))


def simulate_call(material: Material, random: Random) -> Call:
    """A call as chance will have it."""
    from scipy.signal import fftconvolve

    count = CALL_S * RATE_HZ
    one, other = random.permutation(len(material.talkers))[:2]
    level = random.uniform(*FAR_END_DBFS)
    far = at_level(_speech(material.talkers[one], random), RATE_HZ, level)
    talker = _speech(material.talkers[other], random)
    far, talker = _take_turns(far, talker, random)
    driven = _distort_loudspeaker(far, random) if random.random() < DISTORTED_SHARE else far
    echo = fftconvolve(driven, _random_room(material, random))[:count]
    if random.random() < PATH_CHANGE_SHARE:
        at = int(random.uniform(0.3, 0.8) * count)
        echo[at:] = fftconvolve(driven, _random_room(material, random))[at:count]
    level -= random.uniform(*ECHO_RETURN_LOSS_DB)
    echo = at_level(echo.astype(np.float32), RATE_HZ, level)
    if random.random() < REVERBERANT_SHARE:
        talker = fftconvolve(talker, _synthetic_room(random))[:count].astype(np.float32)
    talker = at_level(talker, RATE_HZ, level + random.uniform(*NEAR_END_TO_ECHO_DB)) if talker.any() else talker
    noise = _background_noise(random) * np.float32(10 ** ((level - random.uniform(*ECHO_TO_NOISE_DB)) / 20))
    return Call(echo + talker + noise, far, talker, noise)


def _speech(recording: Floats, random: Random) -> Floats:
    """A piece of a recording, played a little faster or slower: another talker."""
    import soxr

    pace = random.uniform(*PACE_RANGE)
    count = round(CALL_S * RATE_HZ * pace) + RATE_HZ
    start = int(random.integers(0, len(recording) - count))
    piece = soxr.resample(recording[start : start + count], RATE_HZ * pace, RATE_HZ)
    return np.asarray(piece[: CALL_S * RATE_HZ], np.float32)


def _take_turns(far: Floats, talker: Floats, random: Random) -> tuple[Floats, Floats]:
    """Who speaks when."""
    kind, count = random.random(), len(far)
    if kind < FAR_END_ALONE_SHARE:
        return far, np.zeros_like(talker)
    if kind < FAR_END_ALONE_SHARE + DOUBLE_TALK_SHARE:
        return far, _silent_until(talker, int(random.uniform(0.0, 0.6) * count))
    if kind < FAR_END_ALONE_SHARE + DOUBLE_TALK_SHARE + TURNS_SHARE:
        return _with_pauses(far, random), _with_pauses(talker, random)
    return _silent_until(far, int(random.uniform(0.2, 0.7) * count)), talker


def _silent_until(signal: Floats, start: int) -> Floats:
    return np.where(np.arange(len(signal)) < start, np.float32(0), signal)


def _with_pauses(signal: Floats, random: Random) -> Floats:
    kept, at, speaks = np.zeros(len(signal), bool), 0, random.random() < 0.5
    while at < len(signal):
        until = at + int(random.uniform(*TURN_S) * RATE_HZ)
        kept[at:until] = speaks
        at, speaks = until, not speaks
    return np.where(kept, signal, np.float32(0))


def _distort_loudspeaker(signal: Floats, random: Random) -> Floats:
    """A small loudspeaker: it saturates, softly or hard, and not alike both ways."""
    most = float(np.abs(signal).max()) or 1.0
    push, even = random.uniform(0.3, 3.0) / most, random.uniform(0, 0.15)
    soft = random.random() < 0.7
    driven = push * signal + even * np.square(push * signal)
    limited = np.tanh(driven) if soft else np.clip(driven, -1, 1)
    return np.asarray(limited / push, np.float32)


def _random_room(material: Material, random: Random) -> Floats:
    if random.random() >= MEASURED_ROOM_SHARE:
        return _synthetic_room(random)
    room = material.rooms[random.integers(len(material.rooms))]
    fade = 10 ** (-random.uniform(0, 2) * np.arange(len(room)) / len(room))
    return np.concatenate([np.zeros(int(random.uniform(0, MAX_DELAY_S) * RATE_HZ)), room * fade]).astype(np.float32)


def _synthetic_room(random: Random) -> Floats:
    """A direct path, some early reflections, and noise that dies away; duller with time."""
    from scipy.signal import lfilter

    count = RATE_HZ // 2
    t = np.arange(count) / RATE_HZ
    tail = random.standard_normal(count) * 10 ** (-3 * t / random.uniform(0.15, 0.9))
    dull = random.uniform(0, 0.6)
    tail = lfilter([1 - dull], [1, -dull], tail) * np.minimum(t / random.uniform(0.002, 0.02), 1)
    room = tail / np.sqrt(np.sum(tail**2)) * 10 ** (random.uniform(-12, 6) / 20)
    room[0] += 1
    for _ in range(random.integers(0, 8)):
        room[int(random.uniform(0.0005, 0.03) * RATE_HZ)] += random.choice([-1, 1]) * random.uniform(0.05, 0.5)
    zeros = [1, random.uniform(-0.9, 0.3)]  # of loudspeaker and microphone
    return np.concatenate([np.zeros(int(random.uniform(0, MAX_DELAY_S) * RATE_HZ)), lfilter(zeros, [1], room)]).astype(np.float32)


def _background_noise(random: Random) -> Floats:
    """White, or with less of high frequencies, perhaps with a hum; of power 1."""
    from scipy.signal import lfilter

    noise = lfilter([1], [1, -random.choice([0, random.uniform(0, 0.95)])], random.standard_normal(CALL_S * RATE_HZ))
    noise /= noise.std()
    if random.random() < 0.15:
        noise += random.uniform(0.2, 1) * np.sin(2 * np.pi * random.choice([50, 100, 120, 300]) * np.arange(len(noise)) / RATE_HZ)
    swell = 1 + random.choice([0, 0.3]) * np.sin(2 * np.pi * random.uniform(0.1, 1) * np.arange(len(noise)) / RATE_HZ)
    return np.asarray(noise * swell, np.float32)
