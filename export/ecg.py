"""Annotated ECG records as examples: as they are, and as other recordings, patients and rhythms might have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rtkit_ecg.beats import AFTER_S, BEFORE_S, BeatContext

from export.data import Floats, Record

#: Places of the classes.
N, S, V, F = range(4)
#: A detector's R peaks are so many samples (standard deviation, at 360 Hz) from the annotated ones.
JITTER = 1.0
#: Before the R peak (s): where a heartbeat starts, so that what lies before can be moved; the P wave.
BEGINS, P_WAVE = 0.20, (0.22, 0.06)
#: Shares of the variants that have atrial fibrillation added, or else premature beats; and that have the rest.
FIBRILLATION, PREMATURE, SINUS, OTHER_LEAD, WANDER, MUSCLE, JOLTS, RESHAPED, FUSION = 0.5, 0.3, 0.5, 0.4, 0.7, 0.6, 0.5, 0.4, 0.1
#: Beats that a detector misses.
MISSED = 0.005


@dataclass(frozen=True, slots=True)
class Beats:
    """Described beats of one record: ``[n, FEATURES]``, and their classes ``[n]``."""

    features: Floats
    classes: NDArray[np.int64]


@dataclass(slots=True)
class _Heart:
    """A record on its way to a variant; one entry a beat, and what is done to the signal before it."""

    signal: NDArray[np.float64]  # mV
    rate: float  # Hz
    peaks: NDArray[np.int64]
    classes: NDArray[np.int64]
    height: float  # of the usual QRS complex (mV)
    rr: NDArray[np.float64]  # s; NaN for the first
    cut: NDArray[np.float64]  # s that are taken out before the beat
    p_wave: NDArray[np.float64]  # what is left of it


def recorded(record: Record, random: np.random.Generator) -> Beats:
    """Describe the beats of the first lead as they are, with R peaks as a detector finds them."""
    peaks = record.peaks + np.rint(random.normal(0, JITTER, len(record.peaks))).astype(np.int64)
    rr = np.diff(peaks, prepend=peaks[0]) / record.rate
    rr[0] = np.nan
    return _described(_windows(record.leads[0], peaks, record.rate), rr, record.classes, record.rate)


def vary(record: Record, random: np.random.Generator) -> Beats:
    """Describe the beats as another recording, patient or rhythm might have them.

    Another start or lead; R peaks off by up to 10 ms; wandering baseline, muscle noise, breathing; other heart rates and narrower or wider
    waves; sinus arrhythmia; atrial fibrillation (random intervals, no P wave, f waves); premature beats and runs of them, made by taking
    out a piece of the pause before a normal beat; fusion beats, made of a normal and a ventricular one; missed beats.
    """
    heart = _start(record, random)
    if random.random() < WANDER:
        _wander(heart, random)
    if random.random() < MUSCLE:
        _strain(heart, random)
    if random.random() < JOLTS:
        _jolt(heart, random)
    if random.random() < SINUS:
        _breathe(heart, random)
    rhythm = random.random()
    if rhythm < FIBRILLATION:
        for _ in range(random.integers(1, 4)):
            _fibrillate(heart, random)
    elif rhythm < FIBRILLATION + PREMATURE:
        _hurry(heart, random)
    stretched = heart.rate * random.uniform(0.94, 1.06)
    windows = _windows(heart.signal, heart.peaks, stretched, np.rint(heart.cut * heart.rate).astype(np.int64))
    _weaken_p_waves(heart, windows, stretched)
    if random.random() < RESHAPED:
        _reshape(heart, windows, random)
    if random.random() < FUSION:
        _fuse(heart, windows, random)
    count = len(heart.peaks)
    windows *= 1 + random.uniform(0, 0.1) * np.sin(np.arange(count) * random.uniform(0.8, 2))[:, None]
    found = np.flatnonzero(random.random(count) >= MISSED)
    # the interval to a beat after missed ones is the sum of theirs
    until = np.cumsum(np.nan_to_num(heart.rr))[found]
    rr = np.diff(until, prepend=np.nan) * random.uniform(0.85, 1.18)
    return _described(windows[found], rr, heart.classes[found], stretched)


def _start(record: Record, random: np.random.Generator) -> _Heart:
    signal = record.leads[int(len(record.leads) > 1 and random.random() < OTHER_LEAD)].astype(np.float64)
    first = int(random.integers(60))
    exact = record.peaks[first:]
    height = float(np.median([np.ptp(signal[max(0, peak - 36) : peak + 36]) for peak in exact[::7]]))
    off = random.normal(0, random.uniform(0.3, 2.2), len(exact)) + random.uniform(-1.5, 1.5)
    peaks = exact + np.rint(off).astype(np.int64)
    rr = np.diff(peaks, prepend=peaks[0]) / record.rate
    rr[0] = np.nan
    count = len(peaks)
    return _Heart(signal, record.rate, peaks, record.classes[first:].copy(), height, rr, np.zeros(count), np.ones(count))


def _described(windows: NDArray[Any], rr: NDArray[np.float64], classes: NDArray[np.int64], rate: float) -> Beats:
    context = BeatContext(rate)
    return Beats(np.stack([context.describe(window, interval) for window, interval in zip(windows, rr, strict=True)]), classes)


def _windows(signal: NDArray[Any], peaks: NDArray[np.int64], rate: float, cut: NDArray[np.int64] | None = None) -> NDArray[Any]:
    """The signal around each beat, as long as `rate` asks for; with `cut` samples left out before the beat begins."""
    offsets = np.arange(-round(BEFORE_S * rate), round(AFTER_S * rate) + 1)
    at = peaks[:, None] + offsets
    begins = int(np.searchsorted(offsets, -round(BEGINS * rate)))
    if cut is not None:
        at[:, :begins] -= cut[:, None]
    windows: NDArray[Any] = signal[np.clip(at, 0, len(signal) - 1)]
    if cut is not None:
        changed = np.flatnonzero(cut)
        step = windows[changed, begins] - windows[changed, begins - 1]
        windows[changed, :begins] += step[:, None] * np.linspace(0, 1, begins)
    return windows


def _wander(heart: _Heart, random: np.random.Generator) -> None:
    t = np.arange(len(heart.signal)) / heart.rate
    size = random.uniform(0, 0.3) * heart.height * (1 + np.sin(2 * np.pi * random.uniform(0.01, 0.05) * t)) / 2
    heart.signal += size * np.sin(2 * np.pi * random.uniform(0.1, 0.4) * t + random.uniform(0, 6))


def _strain(heart: _Heart, random: np.random.Generator) -> None:
    """Muscle noise that comes and goes, rough or smooth."""
    noise = random.normal(0, 1, len(heart.signal))
    if random.random() < 0.5:
        width = int(random.integers(3, 9))
        noise = 2 * np.convolve(noise, np.ones(width) / width, "same")
    t = np.arange(len(noise)) / heart.rate
    swell = np.clip(np.sin(2 * np.pi * random.uniform(0.005, 0.03) * t + random.uniform(0, 6)), 0.1, 1)
    heart.signal += heart.height * random.uniform(0, 0.05) * noise * swell


def _jolt(heart: _Heart, random: np.random.Generator) -> None:
    """Bumps, as of an electrode that moves, at up to 4 % of the beats."""
    for peak in random.choice(heart.peaks, int(len(heart.peaks) * random.uniform(0, 0.04))):
        middle, width = peak + heart.rate * random.uniform(-0.5, 0.5), heart.rate * random.uniform(0.02, 0.2)
        part = slice(max(0, int(middle - 3 * width)), max(0, int(middle + 3 * width)))
        t = (np.arange(len(heart.signal[part])) + part.start - middle) / width
        heart.signal[part] += heart.height * random.choice([-1, 1]) * random.uniform(0.1, 1) * np.exp(-0.5 * t**2)


def _shorten(heart: _Heart, where: slice, rr: NDArray[np.float64], may: NDArray[np.bool_]) -> None:
    """Give beats other intervals (s), where they may."""
    less = np.where(may, np.nan_to_num(heart.rr[where] - rr), 0.0)
    heart.cut[where] += less
    heart.rr[where] -= less


def _breathe(heart: _Heart, random: np.random.Generator) -> None:
    """Sinus arrhythmia, at times, and a drifting rate."""
    i = np.arange(len(heart.peaks))
    phase = i * 2 * np.pi / random.uniform(3.5, 14) + 2 * np.sin(i / random.uniform(10, 60))
    at_times = np.clip(1.5 * np.sin(i * random.uniform(0.003, 0.03) + random.uniform(0, 6)), 0, 1)
    swing = random.uniform(0, 0.16) * np.sin(phase) * at_times
    swing += random.uniform(0, 0.15) * np.sin(i * random.uniform(0.005, 0.06) + random.uniform(0, 6))
    _shorten(heart, slice(None), np.maximum(heart.rr * np.exp(swing), 0.33), np.ones(len(i), bool))


def _fibrillate(heart: _Heart, random: np.random.Generator) -> None:
    """A stretch of atrial fibrillation: intervals without a pattern, f waves instead of P waves. Its beats stay what they are."""
    count = len(heart.peaks)
    first = int(random.integers(-300, max(1, count - 50)))
    where = slice(max(first, 0), min(count, first + int(random.integers(50, 1500))))
    if where.stop - where.start < 10:
        return
    i = np.arange(where.stop - where.start)
    usual = float(np.nanmedian(heart.rr[where])) * random.uniform(0.7, 1.15)
    drift = 1 + 0.1 * np.sin(i / random.uniform(5, 40))
    rr = np.maximum(usual * drift * np.exp(random.normal(0, random.uniform(0.1, 0.33), len(i))), random.uniform(0.28, 0.42))
    classes = heart.classes[where]
    _shorten(heart, where, rr, (classes == N) | ((classes == V) & (random.random(len(i)) < 0.5)))
    heart.p_wave[where] = random.uniform(-0.1, 0.3)
    part = slice(max(0, int(heart.peaks[where.start] - heart.rate)), int(heart.peaks[where.stop - 1] + heart.rate))
    t = np.arange(len(heart.signal[part])) / heart.rate
    waves = np.sin(2 * np.pi * (random.uniform(4, 8) * t + 0.6 * np.sin(random.uniform(0.5, 2) * t)))
    heart.signal[part] += heart.height * random.uniform(0, 0.07) * waves


def _hurry(heart: _Heart, random: np.random.Generator) -> None:
    """Make normal beats premature, one by one and in runs, with P waves of another shape; a pause follows."""
    often, left, early = random.uniform(0.005, 0.04), random.uniform(-0.8, 1.2), random.uniform(0.12, 0.4)
    normal = (heart.classes == N) & np.isfinite(heart.rr)
    normal[1:] &= heart.classes[:-1] == N
    i = 8
    while i < len(heart.peaks) - 2:
        i += 1
        if random.random() >= often:
            continue
        run = 1 if random.random() < 0.75 else int(random.integers(2, 14))
        if i + run >= len(heart.peaks) or not normal[i : i + run].all():
            continue
        usual = float(np.nanmedian(heart.rr[i - 8 : i + 1]))
        rr = usual * (1 - float(np.clip(random.normal(early, 0.06), 0.1, 0.5)))
        made = False
        for beat in range(i, i + run):
            shorter = max(rr * (1 + random.normal(0, 0.02)), 0.3)
            if shorter < 0.93 * heart.rr[beat]:
                heart.cut[beat] += heart.rr[beat] - shorter
                heart.rr[beat], heart.classes[beat], heart.p_wave[beat], made = shorter, S, left, True
        i += run
        if made and heart.classes[i] == N:
            heart.rr[i] += random.uniform(-0.05, 0.3) * usual


def _weaken_p_waves(heart: _Heart, windows: NDArray[Any], rate: float) -> None:
    """Leave a share of the P wave above the line from its start to its end; a negative share turns it over."""
    offsets = np.arange(-round(BEFORE_S * rate), round(AFTER_S * rate) + 1)
    start, stop = (int(np.searchsorted(offsets, -round(before * rate))) for before in P_WAVE)
    changed = np.flatnonzero(heart.p_wave != 1)
    first, last = windows[changed, start][:, None], windows[changed, stop][:, None]
    line = first + (last - first) * np.linspace(0, 1, stop - start)
    windows[changed, start:stop] = line + (windows[changed, start:stop] - line) * heart.p_wave[changed][:, None]


def _reshape(heart: _Heart, windows: NDArray[Any], random: np.random.Generator) -> None:
    """Give all ventricular beats another shape: wider or narrower, higher or lower, perhaps upside down."""
    ventricular = np.flatnonzero(heart.classes == V)
    count = windows.shape[1]
    stretch, size = random.uniform(0.8, 1.25), random.choice([-1, 1, 1]) * random.uniform(0.7, 1.3)
    middle = count * BEFORE_S / (BEFORE_S + AFTER_S)
    at = np.clip(middle + (np.arange(count) - middle) / stretch, 0, count - 1)
    for beat in ventricular:
        wave = np.interp(at, np.arange(count), windows[beat])
        level = np.median(wave)
        windows[beat] = level + size * (wave - level)


def _fuse(heart: _Heart, windows: NDArray[Any], random: np.random.Generator) -> None:
    """Make some normal beats fusions with a ventricular one."""
    normal, ventricular = np.flatnonzero(heart.classes == N), np.flatnonzero(heart.classes == V)
    if len(ventricular) < 10 or len(normal) < 50:
        return
    for beat in random.choice(normal, len(normal) // 40):
        share = random.uniform(0.3, 0.7)
        windows[beat] = share * windows[random.choice(normal)] + (1 - share) * windows[random.choice(ventricular)]
        heart.classes[beat] = F
