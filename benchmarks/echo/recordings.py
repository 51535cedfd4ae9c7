"""Recordings of others: a laptop whose clocks drift, scenes of double talk from their start, and a near end that holds no echo."""

import numpy as np
from rtkit_echo.comparison import RATE_HZ, delay_of, erle, in_time, shown, speech

from benchmarks.echo import data


def headset(cleaned):
    """PESQ of near-end talkers, whose microphone hears nothing of the laptop's far end, against the microphone."""
    far = next(data.recordings("real_echo", "lpb"))[2]
    scores = []
    for path in data.files("speech_near/*.flac"):
        near = data.sound(path)[: 20 * RATE_HZ]
        out = cleaned(near, np.tile(far, 2)[: len(near)])
        scores += [value for key, value in speech(near, out).items() if key == "pesq"]
    return scores


def figures(cancel):
    cleaned = in_time(cancel, delay_of(cancel))
    found = {}
    for name, near, far, _ in data.recordings("real_echo", "lpb"):
        found[f"{name}: level drop in the second half (dB)"] = f"{erle(near, cleaned(near, far), slice(len(near) // 2, None)):.1f}"
    for name, near, far, clean in data.recordings("synth_echo", "ref"):
        for key, value in speech(clean[RATE_HZ:], cleaned(near, far)[RATE_HZ:]).items():
            found[f"{name}, from 1 s on: {key.upper()}"] = f"{value:.2f}"
    if scores := headset(cleaned):
        found["near-end speech without echo while the laptop's far end talks: PESQ"] = shown("pesq", scores)
    return found
