"""Beat detection beside other packages, on the records in the folder RTKIT_ECG_DATA (the shipped excerpts without): errors and speed.

Errors are missed and false beats as a share of all beats (DER), 150 ms apart at most, ventricular flutter left out. One lead, one thread.
"""

import contextlib
import io
import os
import resource
import time
import warnings
from pathlib import Path

import numpy as np
from rtkit_ecg.demo import DATA
from scipy.signal import butter, lfilter, sosfilt

import rtkit
from rtkit.core.items import Block, SampleSpec
from tests.rtkit_ecg.hearts import errors, heart, read

FOLDER = Path(os.environ.get("RTKIT_ECG_DATA", DATA))
HOURS = float(os.environ.get("RTKIT_ECG_HOURS", 1))


def clean(signal, random):
    return signal


def white(signal, random):
    """White noise, 6 dB below the signal."""
    return signal + random.standard_normal(len(signal)) * np.std(signal) / 10 ** (6 / 20)


def electrode_motion(signal, random):
    """Electrode motion: sudden shifts of the baseline that die away, and waves of 0.7 to 8 Hz; 6 dB after Moody's noise stress test."""
    rate, count = 360, len(signal)
    kicks = (random.random(count) < 1.5 / rate) * random.standard_normal(count)
    shifts = lfilter([1], [1, -np.exp(-1 / (0.35 * rate))], kicks)
    waves = sosfilt(butter(2, [0.7, 8], "bandpass", fs=rate, output="sos"), random.standard_normal(count))
    noise = sosfilt(butter(2, 12, fs=rate, output="sos"), shifts / np.std(shifts)) + waves / np.std(waves)
    windows = signal[: count // rate * rate].reshape(-1, rate)
    power = np.median(np.ptp(windows, axis=1)) ** 2 / 8
    return signal + noise / np.std(noise) * np.sqrt(power / 10 ** (6 / 10))


def ours(step):
    return lambda signal, rate: [event.time for event in rtkit.apply(step, signal.astype(np.float32), rate=rate)[1] if event.kind == "beat"]


def xqrs(signal, rate):
    from wfdb import processing

    return np.asarray(processing.xqrs_detect(signal, rate, verbose=False)) / rate


def gqrs(signal, rate):
    from wfdb import processing

    return np.asarray(processing.gqrs_detect(sig=signal, fs=rate, adc_gain=200.0, adc_zero=0)) / rate


def neurokit(signal, rate):
    import neurokit2

    clean = neurokit2.ecg_clean(signal, sampling_rate=int(rate))
    return np.asarray(neurokit2.ecg_peaks(clean, sampling_rate=int(rate))[1]["ECG_R_Peaks"]) / rate


def sleepecg(signal, rate):
    from sleepecg import detect_heartbeats

    return detect_heartbeats(signal, rate) / rate


DETECTORS = {
    "rtkit ecg:classify=false": ours("ecg:classify=false"),
    "rtkit ecg": ours("ecg"),
    "wfdb xqrs": xqrs,
    "wfdb gqrs": gqrs,
    "neurokit2": neurokit,
    "sleepecg": sleepecg,
}


def detection():
    warnings.simplefilter("ignore")
    yield "detector", "DER %", "worst Se %", "worst +P %", "white noise 6 dB: DER %", "electrode motion 6 dB: DER %", "x real time (median)"
    records = [read(path.with_suffix("")) for path in sorted(FOLDER.glob("*.hea"))]
    for name, detect in DETECTORS.items():
        try:
            detect(records[0].signal[:20000, 0].astype(float), records[0].rate)  # compiles and imports
        except ImportError:
            yield f"{name}: not installed", *[""] * 6
            continue
        figures, speeds = [], []
        for disturb in (clean, white, electrode_motion):
            wrong, beats, se, pp = 0, 0, 100.0, 100.0
            for number, record in enumerate(records):
                signal = disturb(record.signal[:, 0].astype(float), np.random.default_rng(number))
                start = time.perf_counter()
                with contextlib.redirect_stdout(io.StringIO()):
                    found = np.asarray(detect(signal, record.rate))
                speeds.append(len(signal) / record.rate / (time.perf_counter() - start))
                missed, false, apart = errors(record.beats, found, record.flutter)
                wrong, beats = wrong + missed + false, beats + missed + len(apart)
                se = min(se, 100 * len(apart) / (len(apart) + missed))
                pp = min(pp, 100 * len(apart) / max(len(apart) + false, 1))
            figures.append((100 * wrong / beats, se, pp))
        der, noisy, moving = (f"{figure[0]:.3f}" for figure in figures)
        yield name, der, f"{figures[0][1]:.2f}", f"{figures[0][2]:.2f}", noisy, moving, round(float(np.median(speeds)))


def many_leads():
    """64 leads at 360 Hz in blocks of 0.1 s, in one thread: the share of real time that they take, and the longest block."""
    yield "leads", "share of real time", "longest block (ms)"
    signal = np.repeat(heart(60, 360)[0][:, None], 64, axis=1)
    for classify in (False, True):
        processor = rtkit.create("ecg", classify=classify)
        channels = tuple(map(str, range(64)))
        processor.open(SampleSpec(360.0, channels))
        times = []
        for start in range(0, len(signal), 36):
            began = time.perf_counter()
            processor.process(Block(signal[start : start + 36], start, 360.0, channels))
            times.append(time.perf_counter() - began)
        yield f"64 (classify={str(classify).lower()})", f"{sum(times) / 60:.3f}", f"{1e3 * max(times):.1f}"


def long_run():
    """A long stream (RTKIT_ECG_HOURS): memory, and speed in its first and last part."""
    yield (
        "stream",
        "x real time, first tenth",
        "last tenth",
        "growth of memory (MiB)",
        "beats missed or false",
        "latency of the last beats (s)",
    )
    minute, _ = heart(60.8, 250, rr=0.8)
    minute, expected = minute[: 60 * 250], 75
    processor = rtkit.create("ecg")
    processor.open(SampleSpec(250.0))
    speeds, beats, latency = [], 0, 0.0
    minutes = max(20, round(60 * HOURS))
    memory = 0
    for number in range(minutes):
        began = time.perf_counter()
        for start in range(0, len(minute), 250):
            processor.process(Block(minute[start : start + 250, None], number * len(minute) + start, 250.0, ("mono",)))
        speeds.append(60 / (time.perf_counter() - began))
        told = [event for event in processor.events if event.kind == "beat"]
        beats, latency = beats + len(told), told[-1].data["latency_s"]
        processor.events.clear()
        if number == minutes // 10:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
    tenth = max(1, minutes // 10)
    first, last = (round(float(np.median(part))) for part in (speeds[:tenth], speeds[-tenth:]))
    yield f"{minutes / 60:g} h", first, last, f"{grown:.1f}", abs(beats - expected * minutes), latency


def rows():
    yield from detection()
    yield from many_leads()
    yield from long_run()
