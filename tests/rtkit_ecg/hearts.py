"""Signals for the tests of the ECG plug-in: shipped excerpts, the records of the shared folder, and an artificial heart."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from rtkit_ecg.demo import DATA

import rtkit

SHARED = Path(__file__).parents[3] / "shared/data/ecg/mitdb"
BEATS = "NLRBAaJSVrFejnE/fQ?"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/ecg/mitdb")


@dataclass(frozen=True)
class Record:
    signal: np.ndarray  # [n, leads], mV
    rate: float
    beats: np.ndarray  # s
    symbols: tuple[str, ...]
    flutter: tuple[tuple[float, float], ...]  # s


@cache
def read(path: Path) -> Record:
    import wfdb

    record, marks = wfdb.rdrecord(str(path)), wfdb.rdann(str(path), "atr")
    times = marks.sample / record.fs
    flutter, since = [], None
    for time, symbol in zip(times, marks.symbol, strict=True):
        if symbol == "[":
            since = time
        elif symbol == "]" and since is not None:
            flutter.append((since, time))
            since = None
    beat = np.array([symbol in BEATS for symbol in marks.symbol])
    symbols = tuple(symbol for symbol in marks.symbol if symbol in BEATS)
    return Record(record.p_signal.astype(np.float32), float(record.fs), times[beat], symbols, tuple(flutter))


def excerpt(name: str) -> Record:
    return read(DATA / name)


def shared(name: str) -> Record:
    return read(SHARED / name)


def shared_names() -> list[str]:
    return sorted(path.stem for path in SHARED.glob("*.hea"))


def events_of(signal: np.ndarray, rate: float, step: str = "ecg:classify=false", kind: str | None = None) -> list[rtkit.Event]:
    events = rtkit.apply(step, np.asarray(signal, np.float32), rate=rate)[1]
    return [event for event in events if kind in (None, event.kind)]


def found_beats(signal: np.ndarray, rate: float, step: str = "ecg:classify=false") -> np.ndarray:
    return np.array([event.time for event in events_of(signal, rate, step, "beat")])


def errors(reference: np.ndarray, found: np.ndarray, without: tuple[tuple[float, float], ...] = (), tolerance: float = 0.15):
    """Missed and false beats, and the distances (s) of the matched ones: one to one, in order of time."""
    for since, until in without:
        reference = reference[(reference < since) | (reference > until)]
        found = found[(found < since) | (found > until)]
    missed = false = i = j = 0
    distances = []
    while i < len(reference) and j < len(found):
        apart = found[j] - reference[i]
        if abs(apart) <= tolerance:
            distances.append(apart)
            i, j = i + 1, j + 1
        elif apart < 0:
            false, j = false + 1, j + 1
        else:
            missed, i = missed + 1, i + 1
    return missed + len(reference) - i, false + len(found) - j, np.array(distances)


def heart(seconds: float, rate: float, rr: float | np.ndarray = 0.8, noise: float = 0.01, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """An artificial heart: P, QRS and T as Gaussian waves; gives signal (mV) and R peaks (s)."""
    random = np.random.default_rng(seed)
    intervals = np.full(int(seconds / np.min(rr)) + 2, rr) if np.ndim(rr) == 0 else np.asarray(rr)
    peaks = 0.5 + np.concatenate([[0.0], np.cumsum(intervals)])
    peaks = peaks[peaks < seconds - 0.6]
    time = np.arange(round(seconds * rate)) / rate
    signal = noise * random.standard_normal(len(time))
    for height, at, width in ((0.12, -0.17, 0.022), (-0.1, -0.028, 0.009), (1.0, 0.0, 0.011), (-0.2, 0.03, 0.01), (0.25, 0.28, 0.05)):
        for peak in peaks:
            near = slice(max(0, int((peak + at - 5 * width) * rate)), int((peak + at + 5 * width) * rate) + 2)
            signal[near] += height * np.exp(-0.5 * ((time[near] - peak - at) / width) ** 2)
    return signal.astype(np.float32), peaks
