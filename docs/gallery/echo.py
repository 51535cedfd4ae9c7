"""Make what docs/gallery/echo.md shows and plays: three calls, of the shipped recordings, before and after `echo`.

python docs/gallery/echo.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import soundfile
import soxr
from rtkit_echo.comparison import DURATION_S, PATH_CHANGE, RATE_HZ, changed_path, delay_of, in_time, joined_at, own, scene, shipped

HERE = Path(__file__).parent
#: Of the second call: bulk delay (ms), and how much faster the microphone's clock runs (ppm).
DELAY, CLOCK = 300, 150
#: When the near-end talker joins (s) in the first and the second call.
JOINS = 10, 16
#: Peak of what is played, and levels (dB) between which spectrograms are drawn.
PEAK, LEVELS = 0.5, (-120, -55)
#: Of the MP3 files: 0 the best, 1 the smallest.
SMALLER = 0.6


def moved(signal):
    """An echo through a sound system with a delay and a clock of its own."""
    late = np.concatenate([np.zeros(RATE_HZ * DELAY // 1000, np.float32), signal])
    return soxr.resample(late, RATE_HZ, RATE_HZ * (1 + CLOCK * 1e-6), "VHQ")[: len(signal)]


def draw(title, rows, path):
    """Spectrograms one above the other."""
    figure, axes = plt.subplots(len(rows), 1, figsize=(10, 1.9 * len(rows)), sharex=True, sharey=True, layout="constrained")
    for place, (label, signal) in zip(axes, rows.items(), strict=True):
        floor = np.random.default_rng(0).normal(0, 1e-8, len(signal))  # the logarithm of silence
        place.specgram(signal + floor, NFFT=512, Fs=RATE_HZ, noverlap=256, cmap="magma", vmin=LEVELS[0], vmax=LEVELS[1])
        place.set(ylabel="Hz", xlim=(0, len(signal) / RATE_HZ))
        place.set_title(label, loc="left", fontsize=10)
    axes[-1].set_xlabel("time (s)")
    figure.suptitle(title)
    figure.savefig(path, dpi=80, pil_kwargs={"quality": 85})
    plt.close(figure)


def write(name, signal, loudness):
    """A sound file."""
    soundfile.write(HERE / f"echo-{name}.mp3", loudness * signal, RATE_HZ, compression_level=SMALLER)


def main():
    """Make all files, and print levels."""
    (pair,) = shipped()
    far, plain, noise, talker = scene(pair, 0, pair.room)
    changed = moved(changed_path(pair, 0, plain))
    calls = {
        "call": (f"A room; the near-end talker joins at {JOINS[0]} s", plain, joined_at(talker, JOINS[0] * RATE_HZ)),
        "moved": (
            f"Another room at {PATH_CHANGE * DURATION_S:g} s, {DELAY} ms of delay, clocks {CLOCK} ppm apart; "
            f"the talker joins at {JOINS[1]} s",
            changed,
            joined_at(talker, JOINS[1] * RATE_HZ),
        ),
        "headphones": ("No echo: the far end talks, too, but in headphones", np.zeros_like(far), talker),
    }
    echo = own("echo")
    cleaned = in_time(echo, delay_of(echo))
    for name, (title, came_back, voice) in calls.items():
        near = came_back + voice + noise
        out = cleaned(near, far)
        levels = [10 * np.log10(np.mean(signal[6 * RATE_HZ : JOINS[0] * RATE_HZ] ** 2)) for signal in (near, out)]
        print(f"{name}: from 6 to {JOINS[0]} s {levels[0]:.1f} dBFS before, {levels[1]:.1f} dBFS after")
        draw(title, {"microphone": near, "after `echo`": out, "the near-end talker alone": voice}, HERE / f"echo-{name}.jpg")
        loudness = PEAK / np.abs(near).max()
        write(f"{name}-microphone", near, loudness)
        write(f"{name}-cleaned", out, loudness)
    write("far", far, PEAK / np.abs(far).max())


if __name__ == "__main__":
    main()
