"""Telephone calls to learn from: two talkers, a room, a loudspeaker that distorts, noise; made of recorded speech and measured rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rtkit_echo.scenes import active_rms
from scipy.signal import fftconvolve, lfilter

Floats = NDArray[np.float32]

RATE = 16_000
#: Decay of made rooms (s for 60 dB), and the power of the direct sound over the reverberation.
DECAY, DIRECT = (0.1, 1.2), (0.05, 2.0)
#: Longest response (s).
RESPONSE = 0.5


@dataclass(frozen=True, slots=True)
class Material:
    """What calls are made of: recordings of talkers, and responses of rooms, all at `RATE`."""

    talkers: Sequence[Floats]
    rooms: Sequence[Floats]


@dataclass(frozen=True, slots=True)
class Call:
    """Signals ``[n]``; ``near = echo + talker + noise``."""

    near: Floats
    far: Floats
    talker: Floats
    noise: Floats


def call(material: Material, seconds: float, random: np.random.Generator) -> Call:
    """A call as it may happen, at any level: single and double talk, quiet and noisy, in one room or two, one after the other."""
    count = round(seconds * RATE)
    first, second = random.choice(len(material.talkers), 2, replace=False)
    level = random.uniform(-40, -15)
    far = _spoken(_coloured(_part(material.talkers[first], count, random), random), level, random)
    if random.random() < 0.1:
        far = _music(count, level, random)
    if random.random() < 0.4:
        far *= _pauses(count, random, 0.7)
    echo_level = level + random.uniform(-20, 3)
    echo = _at_level(_echo(_loudspeaker(far, random), material.rooms, random), echo_level)
    talks = _pauses(count, random, 0.5) if random.random() < 0.85 else np.zeros(count, np.float32)
    talker = _spoken(_coloured(_part(material.talkers[second], count, random), random), echo_level + random.uniform(-12, 15), random)
    talker *= talks
    noise = _noise(count, random) * np.float32(10 ** ((echo_level - random.uniform(15, 50)) / 20))
    if random.random() < 0.05:
        noise *= 0
    return Call(echo + talker + noise, far, talker, noise)


def _part(signal: Floats, count: int, random: np.random.Generator) -> Floats:
    """Some of a recording, at another speed, and pitch, by up to 12 %."""
    speed = random.uniform(0.88, 1.12)
    start = random.integers(len(signal))
    at = (start + speed * np.arange(count)) % (len(signal) - 1)
    below = at.astype(np.int64)
    share = (at - below).astype(np.float32)
    return np.asarray(signal[below] * (1 - share) + signal[below + 1] * share, np.float32)


def _coloured(signal: Floats, random: np.random.Generator) -> Floats:
    """As another microphone would hear it: two resonances or dips, and a tilt."""
    for _ in range(2):
        radius, angle = random.uniform(0.2, 0.8), random.uniform(0.05, 0.95) * np.pi
        section = np.array([1, -2 * radius * np.cos(angle), radius**2])
        signal = lfilter([1], section, signal) if random.random() < 0.5 else lfilter(section, [1], signal)
    return np.asarray(lfilter([1, random.uniform(-0.6, 0.3)], [1], signal), np.float32)


def _at_level(signal: Floats, level: float) -> Floats:
    loud = active_rms(signal, RATE) if np.any(signal) else 1.0
    return np.asarray(signal * 10 ** (level / 20) / loud, np.float32)


def _spoken(signal: Floats, level: float, random: np.random.Generator) -> Floats:
    """At a level that wanders by some dB."""
    knots = random.normal(0, 3, 4)
    wander = np.interp(np.linspace(0, 3, len(signal)), range(4), knots)
    return _at_level(np.asarray(signal * 10 ** (wander / 20), np.float32), level)


def _pauses(count: int, random: np.random.Generator, share: float) -> Floats:
    """1 while somebody talks, 0 while not, in turns of some seconds; `share` of the time on."""
    mask, at = np.zeros(count, np.float32), 0
    on = random.random() < share
    while at < count:
        length = round(random.exponential(3.0 * (share if on else 1 - share) * 2 + 0.3) * RATE)
        mask[at : at + length] = on
        at, on = at + length, not on
    return np.asarray(lfilter(np.ones(160) / 160, [1], mask), np.float32)


def _loudspeaker(signal: Floats, random: np.random.Generator) -> Floats:
    """Saturates, a little or a lot, two times in five."""
    if random.random() < 0.6:
        return signal
    drive = random.uniform(0.5, 4) / (4 * active_rms(signal, RATE) + 1e-9)
    return np.asarray(np.tanh(drive * signal) / drive + random.uniform(0, 0.1) * drive * signal**2, np.float32)


def _echo(signal: Floats, rooms: Sequence[Floats], random: np.random.Generator) -> Floats:
    """Through a room; one time in three, from some time on through another."""
    echo = fftconvolve(signal, _room(rooms, random))[: len(signal)]
    if random.random() < 0.33:
        since = round(random.uniform(0.2, 0.8) * len(signal))
        other = fftconvolve(signal, _room(rooms, random))[: len(signal)] * 10 ** (random.uniform(-6, 6) / 20)
        echo[since:] = other[since:]
    return np.asarray(echo, np.float32)


def _room(rooms: Sequence[Floats], random: np.random.Generator) -> Floats:
    """A measured response, cut shorter or not, or a made one: direct sound, and noise that dies away."""
    count = round(RESPONSE * RATE)
    time = np.arange(count) / RATE
    if random.random() < 0.5:
        measured = rooms[random.integers(len(rooms))]
        response = np.zeros(count)
        response[: min(count, len(measured))] = measured[:count]
        response *= 10 ** (-3 * time * random.uniform(0, 4))
    else:
        decay = np.exp(random.uniform(*np.log(DECAY)))
        response = random.standard_normal(count) * 10 ** (-3 * time / decay)
        response = lfilter([1, random.uniform(-0.5, 0.5)], [1, -random.uniform(0, 0.7)], response)
        response *= np.sqrt(random.uniform(*DIRECT)) / np.sqrt(np.sum(response**2))
        response[0] += 1
    ahead = random.integers(0, round(0.02 * RATE))
    response = np.concatenate([np.zeros(ahead), response])[:count]
    return np.asarray(response / np.sqrt(np.sum(response**2)), np.float32)


def _noise(count: int, random: np.random.Generator) -> Floats:
    """Noise of power 1: white to brown, with a hum now and then."""
    pole = random.choice([0.0, random.uniform(0.5, 0.98)])
    noise = lfilter([1], [1, -pole], random.standard_normal(count))
    if random.random() < 0.15:
        hum = sum(np.sin(2 * np.pi * 50 * k * np.arange(count) / RATE + random.uniform(0, 6)) / k for k in range(1, 6))
        noise = noise / noise.std() + random.uniform(0, 1) * hum
    return np.asarray(noise / noise.std(), np.float32)


def _music(count: int, level: float, random: np.random.Generator) -> Floats:
    """Chords of decaying tones."""
    out, time = np.zeros(count), np.arange(2 * RATE) / RATE
    for start in range(0, count, round(random.uniform(0.15, 0.6) * RATE)):
        length = min(len(time), count - start)
        for note in random.choice(36, random.integers(1, 4), replace=False):
            pitch = 110 * 2 ** (note / 12)
            tone: Any = sum(np.sin(2 * np.pi * pitch * k * time[:length]) / k ** random.uniform(1, 2) for k in range(1, 7))
            out[start : start + length] += tone * np.exp(-time[:length] * random.uniform(1, 6))
    return _at_level(np.asarray(out, np.float32), level)
