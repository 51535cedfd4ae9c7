"""Telephone hybrids of ITU-T G.168 at 8 kHz, 10 dB of echo return loss behind 5 ms: time until 20 dB, and double talk."""

import numpy as np
import soxr
from rtkit_echo.comparison import (
    DOUBLE_TALK,
    DURATION_S,
    MAX_DELAY_SAMPLES,
    Pair,
    cancellers,
    delay_of,
    in_time,
    joined_at,
    own,
    reached,
    scene,
    shown,
    speech,
)
from rtkit_echo.scenes import FLAT_DELAY_S, HYBRID_LOSS_DB, hybrids
from scipy.signal import lfilter

from benchmarks.echo import data

RATE_HZ = 8000
#: Tail (s) that a canceller of lines needs.
TAILS_S = (0.032,)
LABELS = {
    "noise_t20_s": "hybrids, speech-like noise: time until 20 dB (s)",
    "speech_t20_s": "hybrids, speech: time until 20 dB (s)",
    "dt_pesq": "hybrids, double talk: PESQ (narrow band)",
    "dt_stoi": "hybrids, double talk: STOI",
}
LABELS |= {f"short_{key}": f"{label}, tail of 32 ms" for key, label in LABELS.items()}


def pairs():
    talkers = data.pairs()
    for number, (_, hybrid) in enumerate(sorted(hybrids().items())):
        pair = talkers[number % len(talkers)]
        path = np.concatenate([np.zeros(round(FLAT_DELAY_S * RATE_HZ)), hybrid]).astype(np.float32)
        yield Pair(*(soxr.resample(signal, data.RATE_HZ, RATE_HZ) for signal in (pair.far, pair.near)), path, path)


def noise(seed):
    """Noise with a spectrum like that of speech."""
    poles = np.poly([0.85, 0.6 + 0.5j, 0.6 - 0.5j]).real
    return lfilter([1], poles, np.random.default_rng(1000 + seed).standard_normal(DURATION_S * RATE_HZ)).astype(np.float32)


def measure(cleaned, pair, seed):
    found = {}
    for name, said in (("noise", noise(seed)), ("speech", pair.far)):
        far, echo, hiss, talker = scene(Pair(said, pair.near, pair.room, pair.room), seed, pair.room, RATE_HZ, HYBRID_LOSS_DB)
        found[f"{name}_t20_s"] = reached(echo + hiss, cleaned(echo + hiss, far), 20, 0, RATE_HZ)
    talk = slice(round(DOUBLE_TALK * len(far)), len(far) - MAX_DELAY_SAMPLES)
    voice = joined_at(talker, talk.start)
    out = cleaned(echo + hiss + voice, far)
    return found | {f"dt_{key}": value for key, value in speech(voice[talk], out[talk], RATE_HZ).items()}


def figures(cancel):
    late, found = delay_of(cancel), {}
    for number, pair in enumerate(pairs()):
        for key, value in measure(in_time(cancel, late), pair, number).items():
            found.setdefault(key, []).append(value)
    return {key: shown(key, values) for key, values in found.items()}


def compare(wanted):
    """Figures by canceller; those that do not run at this rate are left out. `echo` with its own tail, and with that of a line."""
    for name, cancel in cancellers(RATE_HZ, TAILS_S).items():
        if not wanted(name):
            continue
        try:
            found = figures(cancel)
        except ValueError:
            continue
        if name.startswith("echo"):
            short = own(f"{name}{',' if ':' in name else ':'}tail_ms={1000 * TAILS_S[0]:g}", RATE_HZ)
            found |= {f"short_{key}": value for key, value in figures(short).items()}
        yield {"canceller": name} | found
