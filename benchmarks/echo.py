"""`echo` beside the other cancellers and every peer that is installed; medians over pairs of talkers and rooms, the worst in brackets."""

import os
from pathlib import Path

import numpy as np
import soundfile
from rtkit_echo import comparison

#: A folder with speech_far/*.flac, speech_near/*.flac and rir/*.wav at 16 kHz; without it the shipped recordings are taken.
FOLDER = os.environ.get("RTKIT_ECHO_DATA")
PAIRS = 6


def pairs():
    if FOLDER is None:
        return comparison.shipped()
    far, near, rooms = (
        [soundfile.read(path, dtype="float32")[0] for path in sorted(Path(FOLDER).glob(kind))]
        for kind in ("speech_far/*.flac", "speech_near/*.flac", "rir/*.wav")
    )
    random = np.random.default_rng(0)
    chosen = [random.permutation(len(rooms))[:2] for _ in range(PAIRS)]
    return [
        comparison.Pair(far[number % len(far)], near[(number + 1 + number // len(far)) % len(near)], rooms[one], rooms[other])
        for number, (one, other) in enumerate(chosen)
    ]


def rows():
    for number, row in enumerate(comparison.compare(pairs())):
        if number == 0:
            yield tuple(row)
        yield tuple(row.values())
