"""What the scenes are made of: talkers and rooms of a folder, or the shipped ones; music; the recordings of that folder."""

import csv
import itertools
import os
from pathlib import Path

import numpy as np
import soundfile
from rtkit_echo import comparison
from rtkit_echo.comparison import DURATION_S, RATE_HZ, Pair
from scipy.signal import lfilter

#: A folder with speech_far/*.flac, speech_near/*.flac and rir/*.wav at 16 kHz; without it the shipped recordings are taken.
FOLDER = os.environ.get("RTKIT_ECHO_DATA")
#: This room was never looked at while the constants of `echo` were chosen, nor were the talkers of this file but those in its first scene;
#: its network learned from both.
HELD_OUT_ROOM, HELD_OUT_TALKERS = "overlap_save_rir", "libri_mix6"
#: Four chords, as MIDI notes, a beat (s), and the loss of a string in a period.
CHORDS = ((45, 57, 60, 64), (41, 57, 60, 65), (48, 55, 60, 64), (43, 55, 59, 62))
BEAT, STRING = 0.5, 0.996


def files(kind):
    return sorted(Path(FOLDER).glob(kind)) if FOLDER else []


def sound(path):
    return soundfile.read(path, dtype="float32")[0]


def pairs():
    """Every far-end talker in every room but one, with a near-end talker and another room."""
    if not FOLDER:
        return comparison.shipped()
    far, near = ([sound(path) for path in files(f"speech_{end}/*.flac")] for end in ("far", "near"))
    rooms = [sound(path) for path in files("rir/*.wav") if path.stem != HELD_OUT_ROOM]
    return [
        Pair(talker, near[(i + j + 1) % len(near)], room, rooms[(j + 1) % len(rooms)])
        for (i, talker), (j, room) in itertools.product(enumerate(far), enumerate(rooms))
    ]


def held_out():
    """Talkers and rooms that are in no pair: a measured room of long reverberation, and the made one of the shipped pair."""
    if not FOLDER:
        return []
    (speech,) = files(f"speech_near/{HELD_OUT_TALKERS}.flac")
    with speech.with_suffix(".csv").open() as file:
        parts = [(int(row["start"]), int(row["samples"])) for row in csv.DictReader(file)]
    talkers = [sound(speech)[start : start + length] for start, length in parts if start > DURATION_S * RATE_HZ]
    rooms = [sound(Path(FOLDER) / "rir" / f"{HELD_OUT_ROOM}.wav"), comparison.shipped()[0].other]
    return [Pair(far, near, rooms[i % 2], rooms[1 - i % 2]) for i, (far, near) in enumerate(itertools.permutations(talkers, 2))]


def recordings(folder, ending):
    """The recordings of a folder by name: near end, far end, and the clean talker if there is one."""
    for path in files(f"{folder}/*_{ending}.wav"):
        base = str(path)[: -len(f"{ending}.wav")]
        clean = Path(f"{base}gt.wav")
        near, far = sound(f"{base}mic.wav"), sound(path)
        count = min(len(near), len(far))
        yield path.stem.removesuffix(f"_{ending}").strip("_"), near[:count], far[:count], sound(clean)[:count] if clean.exists() else None


def music():
    """Music by rule: chords of plucked strings over a bass, and a drum of noise; 32 s.

    K. Karplus, A. Strong, "Digital synthesis of plucked-string and drum timbres", Computer Music Journal 7 (1983).
    """
    random = np.random.default_rng(0)
    beat = round(BEAT * RATE_HZ)
    out = np.zeros(64 * beat)
    for number in range(64):
        chord = CHORDS[number // 4 % len(CHORDS)]
        out[number * beat : (number + 1) * beat] += random.standard_normal(beat) * np.exp(-np.arange(beat) / (0.02 * RATE_HZ)) * 0.3
        for note in (chord[number % 4], chord[(number + 1) % 4] + 12) if number % 4 else chord:
            period = round(RATE_HZ / (440 * 2 ** ((note - 69) / 12)))
            pluck = np.zeros(min(4 * beat, len(out) - number * beat))
            pluck[:period] = random.uniform(-1, 1, period)
            loop = np.concatenate([[1], np.zeros(period - 1), [-STRING / 2, -STRING / 2]])
            out[number * beat : number * beat + len(pluck)] += lfilter([1], loop, pluck)
    return out.astype(np.float32)
