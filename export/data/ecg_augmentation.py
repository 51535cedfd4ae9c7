"""Annotated ECG records as examples: as they are, and as other recordings, patients and rhythms might have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rtkit_ecg.beats import AFTER_S, BEFORE_S, BeatContext

from export.data import Floats
from export.data.mitdb import EcgRecord

#: Places of the classes.
N, S, V, F = range(4)
#: A detector's R peaks are so many samples (standard deviation, at 360 Hz) from the annotated ones.
JITTER_SAMPLES = 1.0
#: Before the R peak (s): where a heartbeat starts, so that what lies before can be moved; the P wave.
BEAT_START_S, P_WAVE_S = 0.20, (0.22, 0.06)
#: Shares of the variants that have atrial fibrillation added, or else premature beats; and that have the rest.
FIBRILLATION_SHARE, PREMATURE_SHARE = 0.5, 0.3
SINUS_ARRHYTHMIA_SHARE, OTHER_LEAD_SHARE, BASELINE_WANDER_SHARE, MUSCLE_NOISE_SHARE = 0.5, 0.4, 0.7, 0.6
ELECTRODE_MOTION_SHARE, RESHAPED_SHARE, FUSION_SHARE = 0.5, 0.4, 0.1
#: Beats that a detector misses.
MISSED_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class DescribedBeats:
    """Described beats of one record: ``[n, FEATURES]``, and their classes ``[n]``."""

    features: Floats
    classes: NDArray[np.int64]


@dataclass(slots=True)
class _Variant:
    """A record on its way to a variant; one entry a beat, and what is done to the signal before it."""

    signal: NDArray[np.float64]  # mV
    rate_hz: float
    peaks: NDArray[np.int64]
    classes: NDArray[np.int64]
    height: float  # of the usual QRS complex (mV)
    rr: NDArray[np.float64]  # s; NaN for the first
    cut: NDArray[np.float64]  # s that are taken out before the beat
    p_wave: NDArray[np.float64]  # what is left of it


def describe_record(record: EcgRecord, random: np.random.Generator) -> DescribedBeats:
    """Describe the beats of the first lead as they are, with R peaks as a detector finds them."""
    peaks = record.peaks + np.rint(random.normal(0, JITTER_SAMPLES, len(record.peaks))).astype(np.int64)
    rr = np.diff(peaks, prepend=peaks[0]) / record.rate_hz
    rr[0] = np.nan
    return _describe(_windows(record.leads[0], peaks, record.rate_hz), rr, record.classes, record.rate_hz)


def augment(record: EcgRecord, random: np.random.Generator) -> DescribedBeats:
    """Describe the beats as another recording, patient or rhythm might have them.

    Another start or lead; R peaks off by up to 10 ms; wandering baseline, muscle noise, breathing; other heart rates and narrower or wider
    waves; sinus arrhythmia; atrial fibrillation (random intervals, no P wave, f waves); premature beats and runs of them, made by taking
    out a piece of the pause before a normal beat; fusion beats, made of a normal and a ventricular one; missed beats.
    """
    variant = _start_variant(record, random)
    if random.random() < BASELINE_WANDER_SHARE:
        _add_baseline_wander(variant, random)
    if random.random() < MUSCLE_NOISE_SHARE:
        _add_muscle_noise(variant, random)
    if random.random() < ELECTRODE_MOTION_SHARE:
        _add_electrode_motion(variant, random)
    if random.random() < SINUS_ARRHYTHMIA_SHARE:
        _add_sinus_arrhythmia(variant, random)
    rhythm = random.random()
    if rhythm < FIBRILLATION_SHARE:
        for _ in range(random.integers(1, 4)):
            _add_atrial_fibrillation(variant, random)
    elif rhythm < FIBRILLATION_SHARE + PREMATURE_SHARE:
        _add_premature_beats(variant, random)
    stretched = variant.rate_hz * random.uniform(0.94, 1.06)
    windows = _windows(variant.signal, variant.peaks, stretched, np.rint(variant.cut * variant.rate_hz).astype(np.int64))
    _weaken_p_waves(variant, windows, stretched)
    if random.random() < RESHAPED_SHARE:
        _reshape_ventricular_beats(variant, windows, random)
    if random.random() < FUSION_SHARE:
        _add_fusion_beats(variant, windows, random)
    count = len(variant.peaks)
    windows *= 1 + random.uniform(0, 0.1) * np.sin(np.arange(count) * random.uniform(0.8, 2))[:, None]
    found = np.flatnonzero(random.random(count) >= MISSED_SHARE)
    # the interval to a beat after missed ones is the sum of theirs
    until = np.cumsum(np.nan_to_num(variant.rr))[found]
    rr = np.diff(until, prepend=np.nan) * random.uniform(0.85, 1.18)
    return _describe(windows[found], rr, variant.classes[found], stretched)


def _start_variant(record: EcgRecord, random: np.random.Generator) -> _Variant:
    signal = record.leads[int(len(record.leads) > 1 and random.random() < OTHER_LEAD_SHARE)].astype(np.float64)
    first = int(random.integers(60))
    exact = record.peaks[first:]
    height = float(np.median([np.ptp(signal[max(0, peak - 36) : peak + 36]) for peak in exact[::7]]))
    off = random.normal(0, random.uniform(0.3, 2.2), len(exact)) + random.uniform(-1.5, 1.5)
    peaks = exact + np.rint(off).astype(np.int64)
    rr = np.diff(peaks, prepend=peaks[0]) / record.rate_hz
    rr[0] = np.nan
    count = len(peaks)
    return _Variant(signal, record.rate_hz, peaks, record.classes[first:].copy(), height, rr, np.zeros(count), np.ones(count))


def _describe(windows: NDArray[Any], rr: NDArray[np.float64], classes: NDArray[np.int64], rate: float) -> DescribedBeats:
    context = BeatContext(rate)
    return DescribedBeats(np.stack([context.describe(window, interval) for window, interval in zip(windows, rr, strict=True)]), classes)


def _windows(signal: NDArray[Any], peaks: NDArray[np.int64], rate: float, cut: NDArray[np.int64] | None = None) -> NDArray[Any]:
    """The signal around each beat, as long as `rate` asks for; with `cut` samples left out before the beat begins."""
    offsets = np.arange(-round(BEFORE_S * rate), round(AFTER_S * rate) + 1)
    at = peaks[:, None] + offsets
    begins = int(np.searchsorted(offsets, -round(BEAT_START_S * rate)))
    if cut is not None:
        at[:, :begins] -= cut[:, None]
    windows: NDArray[Any] = signal[np.clip(at, 0, len(signal) - 1)]
    if cut is not None:
        changed = np.flatnonzero(cut)
        step = windows[changed, begins] - windows[changed, begins - 1]
        windows[changed, :begins] += step[:, None] * np.linspace(0, 1, begins)
    return windows


def _add_baseline_wander(variant: _Variant, random: np.random.Generator) -> None:
    t = np.arange(len(variant.signal)) / variant.rate_hz
    size = random.uniform(0, 0.3) * variant.height * (1 + np.sin(2 * np.pi * random.uniform(0.01, 0.05) * t)) / 2
    variant.signal += size * np.sin(2 * np.pi * random.uniform(0.1, 0.4) * t + random.uniform(0, 6))


def _add_muscle_noise(variant: _Variant, random: np.random.Generator) -> None:
    """Muscle noise that comes and goes, rough or smooth."""
    noise = random.normal(0, 1, len(variant.signal))
    if random.random() < 0.5:
        width = int(random.integers(3, 9))
        noise = 2 * np.convolve(noise, np.ones(width) / width, "same")
    t = np.arange(len(noise)) / variant.rate_hz
    swell = np.clip(np.sin(2 * np.pi * random.uniform(0.005, 0.03) * t + random.uniform(0, 6)), 0.1, 1)
    variant.signal += variant.height * random.uniform(0, 0.05) * noise * swell


def _add_electrode_motion(variant: _Variant, random: np.random.Generator) -> None:
    """Bumps, as of an electrode that moves, at up to 4 % of the beats."""
    for peak in random.choice(variant.peaks, int(len(variant.peaks) * random.uniform(0, 0.04))):
        middle, width = peak + variant.rate_hz * random.uniform(-0.5, 0.5), variant.rate_hz * random.uniform(0.02, 0.2)
        part = slice(max(0, int(middle - 3 * width)), max(0, int(middle + 3 * width)))
        t = (np.arange(len(variant.signal[part])) + part.start - middle) / width
        variant.signal[part] += variant.height * random.choice([-1, 1]) * random.uniform(0.1, 1) * np.exp(-0.5 * t**2)


def _shorten_intervals(variant: _Variant, where: slice, rr: NDArray[np.float64], may: NDArray[np.bool_]) -> None:
    """Give beats other intervals (s), where they may."""
    less = np.where(may, np.nan_to_num(variant.rr[where] - rr), 0.0)
    variant.cut[where] += less
    variant.rr[where] -= less


def _add_sinus_arrhythmia(variant: _Variant, random: np.random.Generator) -> None:
    """Sinus arrhythmia, at times, and a drifting rate."""
    i = np.arange(len(variant.peaks))
    phase = i * 2 * np.pi / random.uniform(3.5, 14) + 2 * np.sin(i / random.uniform(10, 60))
    at_times = np.clip(1.5 * np.sin(i * random.uniform(0.003, 0.03) + random.uniform(0, 6)), 0, 1)
    swing = random.uniform(0, 0.16) * np.sin(phase) * at_times
    swing += random.uniform(0, 0.15) * np.sin(i * random.uniform(0.005, 0.06) + random.uniform(0, 6))
    _shorten_intervals(variant, slice(None), np.maximum(variant.rr * np.exp(swing), 0.33), np.ones(len(i), bool))


def _add_atrial_fibrillation(variant: _Variant, random: np.random.Generator) -> None:
    """A stretch of atrial fibrillation: intervals without a pattern, f waves instead of P waves. Its beats stay what they are."""
    count = len(variant.peaks)
    first = int(random.integers(-300, max(1, count - 50)))
    where = slice(max(first, 0), min(count, first + int(random.integers(50, 1500))))
    if where.stop - where.start < 10:
        return
    i = np.arange(where.stop - where.start)
    usual = float(np.nanmedian(variant.rr[where])) * random.uniform(0.7, 1.15)
    drift = 1 + 0.1 * np.sin(i / random.uniform(5, 40))
    rr = np.maximum(usual * drift * np.exp(random.normal(0, random.uniform(0.1, 0.33), len(i))), random.uniform(0.28, 0.42))
    classes = variant.classes[where]
    _shorten_intervals(variant, where, rr, (classes == N) | ((classes == V) & (random.random(len(i)) < 0.5)))
    variant.p_wave[where] = random.uniform(-0.1, 0.3)
    part = slice(max(0, int(variant.peaks[where.start] - variant.rate_hz)), int(variant.peaks[where.stop - 1] + variant.rate_hz))
    t = np.arange(len(variant.signal[part])) / variant.rate_hz
    waves = np.sin(2 * np.pi * (random.uniform(4, 8) * t + 0.6 * np.sin(random.uniform(0.5, 2) * t)))
    variant.signal[part] += variant.height * random.uniform(0, 0.07) * waves


def _add_premature_beats(variant: _Variant, random: np.random.Generator) -> None:
    """Make normal beats premature, one by one and in runs, with P waves of another shape; a pause follows."""
    often, left, early = random.uniform(0.005, 0.04), random.uniform(-0.8, 1.2), random.uniform(0.12, 0.4)
    normal = (variant.classes == N) & np.isfinite(variant.rr)
    normal[1:] &= variant.classes[:-1] == N
    i = 8
    while i < len(variant.peaks) - 2:
        i += 1
        if random.random() >= often:
            continue
        run = 1 if random.random() < 0.75 else int(random.integers(2, 14))
        if i + run >= len(variant.peaks) or not normal[i : i + run].all():
            continue
        usual = float(np.nanmedian(variant.rr[i - 8 : i + 1]))
        rr = usual * (1 - float(np.clip(random.normal(early, 0.06), 0.1, 0.5)))
        made = False
        for beat in range(i, i + run):
            shorter = max(rr * (1 + random.normal(0, 0.02)), 0.3)
            if shorter < 0.93 * variant.rr[beat]:
                variant.cut[beat] += variant.rr[beat] - shorter
                variant.rr[beat], variant.classes[beat], variant.p_wave[beat], made = shorter, S, left, True
        i += run
        if made and variant.classes[i] == N:
            variant.rr[i] += random.uniform(-0.05, 0.3) * usual


def _weaken_p_waves(variant: _Variant, windows: NDArray[Any], rate: float) -> None:
    """Leave a share of the P wave above the line from its start to its end; a negative share turns it over."""
    offsets = np.arange(-round(BEFORE_S * rate), round(AFTER_S * rate) + 1)
    start, stop = (int(np.searchsorted(offsets, -round(before * rate))) for before in P_WAVE_S)
    changed = np.flatnonzero(variant.p_wave != 1)
    first, last = windows[changed, start][:, None], windows[changed, stop][:, None]
    line = first + (last - first) * np.linspace(0, 1, stop - start)
    windows[changed, start:stop] = line + (windows[changed, start:stop] - line) * variant.p_wave[changed][:, None]


def _reshape_ventricular_beats(variant: _Variant, windows: NDArray[Any], random: np.random.Generator) -> None:
    """Give all ventricular beats another shape: wider or narrower, higher or lower, perhaps upside down."""
    ventricular = np.flatnonzero(variant.classes == V)
    count = windows.shape[1]
    stretch, size = random.uniform(0.8, 1.25), random.choice([-1, 1, 1]) * random.uniform(0.7, 1.3)
    middle = count * BEFORE_S / (BEFORE_S + AFTER_S)
    at = np.clip(middle + (np.arange(count) - middle) / stretch, 0, count - 1)
    for beat in ventricular:
        wave = np.interp(at, np.arange(count), windows[beat])
        level = np.median(wave)
        windows[beat] = level + size * (wave - level)


def _add_fusion_beats(variant: _Variant, windows: NDArray[Any], random: np.random.Generator) -> None:
    """Make some normal beats fusions with a ventricular one."""
    normal, ventricular = np.flatnonzero(variant.classes == N), np.flatnonzero(variant.classes == V)
    if len(ventricular) < 10 or len(normal) < 50:
        return
    for beat in random.choice(normal, len(normal) // 40):
        share = random.uniform(0.3, 0.7)
        windows[beat] = share * windows[random.choice(normal)] + (1 - share) * windows[random.choice(ventricular)]
        variant.classes[beat] = F
