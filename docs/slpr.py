"""Draw docs/slpr.png: what `slpr` reaches beside `adaline`, and what independent perceptrons reach.

python docs/slpr.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numba import njit
from rtkit_echo.scenes import hybrids
from scipy.signal import fftconvolve, lfilter

import rtkit

RATE, SECONDS = 8000, 16
TAIL_MS = 32
TAPS = RATE * TAIL_MS // 1000
#: Full scale just over the echo's peak; and the one at which the plain form is at its best, the echo's rms.
PEAK, BEST_PLAIN = 0.1, 0.02
BITS = range(2, 17, 2)
STYLES = {"adaline": ("adaline", "C0", "-"), "slpr": ("slpr", "C1", "-"), "plain": ("independent perceptrons", "C3", "--")}


def call(model, seed=1):
    """Near and far end: speech-like noise at -24 dBFS, its echo 10 dB below after 5 ms, line noise 35 dB below the echo."""
    rng = np.random.default_rng(seed)
    far = at_level(lfilter([1.0], np.poly([0.85, 0.6 + 0.5j, 0.6 - 0.5j]).real, rng.standard_normal(SECONDS * RATE)), -24)
    echo = at_level(fftconvolve(far, np.concatenate([np.zeros(40), hybrids()[model]]))[: len(far)], -34)
    return (echo + at_level(rng.standard_normal(len(far)), -69)).astype(np.float32), far.astype(np.float32)


def at_level(signal, db):
    """`signal` at a level of `db` (dB re full scale)."""
    return signal * 10 ** (db / 20) / np.sqrt(np.mean(signal**2))


@njit
def independent(near, far, taps, bits, h_max):
    """Output of the plain form: each neuron learns its bit of the two's complement from the delay line alone.

    All its thresholds are 0, so that the step only scales the weights and no bit depends on it.
    """
    weights = np.zeros((bits, taps + 1))
    line = np.zeros(taps + 1)
    line[taps] = 2.0**-4
    zero = 1 << bits - 1
    resolution = h_max / zero
    out = np.empty_like(near)
    for n in range(near.size):
        for j in range(taps - 1, 0, -1):
            line[j] = line[j - 1]
        line[0] = far[n]
        step = 1 / (line @ line + 1e-5 * taps)
        wanted = int(min(max(np.floor(near[n] / resolution + 0.5) + zero, 0), 2 * zero - 1))
        code = 0
        for i in range(bits):
            bit = 1 << bits - 1 - i
            fires = weights[i] @ line >= 0
            code += bit * fires
            weights[i] += step * (int(wanted & bit != 0) - int(fires)) * line
        out[n] = near[n] - (code - zero) * resolution
    return out


def cancelled(method, near, far, bits=12, h_max=1.0):
    """Output of one of the methods."""
    if method == "plain":
        return independent(near, far, TAPS, bits, h_max)
    chain = f"slpr:bits={bits},h_max={h_max},tail_ms={TAIL_MS}" if method == "slpr" else f"adaline:tail_ms={TAIL_MS}"
    return rtkit.apply(chain, np.stack([near, far], axis=1), rate=RATE)[0][:, 0]


def erle(near, out):
    """Echo return loss enhancement (dB)."""
    return 10 * np.log10(np.mean(near.astype(float) ** 2) / np.mean(out.astype(float) ** 2))


def last_third(near, out):
    """ERLE (dB) once it has converged."""
    return erle(near[len(near) * 2 // 3 :], out[len(near) * 2 // 3 :])


def main():
    """Print the table and draw the plot."""
    models = sorted(hybrids())
    print("hybrid       " + "".join(f"{model:>7}" for model in models))
    for method, h_max in (("adaline", 1.0), ("slpr", 1.0), ("slpr", PEAK), ("plain", 1.0), ("plain", PEAK), ("plain", BEST_PLAIN)):
        row = [last_third(near, cancelled(method, near, far, h_max=h_max)) for near, far in map(call, models)]
        print(f"{method:7} {h_max:5g}" + "".join(f"{value:7.1f}" for value in row))

    near, far = call("D4")
    figure, (over_time, over_bits) = plt.subplots(1, 2, figsize=(11, 4.2), sharey=True, layout="constrained")
    window = RATE // 2
    times = np.arange(window, len(near) + 1, window // 2)
    for method, (name, colour, line) in STYLES.items():
        h_max = BEST_PLAIN if method == "plain" else 1.0
        out = cancelled(method, near, far, h_max=h_max)
        label = name if method == "adaline" else f"{name}, 12 bits, h_max {h_max:g}"
        over_time.plot(times / RATE, [erle(near[t - window : t], out[t - window : t]) for t in times], line, color=colour, label=label)
    over_time.set(xlabel="time (s)", ylabel="ERLE (dB)", title="ERLE over time (windows of 0.5 s)", xlim=(0, SECONDS))

    level = np.sqrt(np.mean(near**2))
    over_bits.axhline(last_third(near, cancelled("adaline", near, far)), color="C0", label="adaline")
    for method, h_max, line in (("slpr", 1.0, "o-"), ("slpr", PEAK, "s:"), ("plain", BEST_PLAIN, "x--")):
        name, colour, _ = STYLES[method]
        reached = [last_third(near, cancelled(method, near, far, bits, h_max)) for bits in BITS]
        over_bits.plot(BITS, reached, line, color=colour, label=f"{name}, h_max {h_max:g}")
    rounding = [20 * np.log10(level * 2 ** (bits - 1) * np.sqrt(12)) for bits in BITS]
    over_bits.plot(BITS, rounding, color="grey", linewidth=1, label="rounding error alone, h_max 1")
    over_bits.set(xlabel="bits", title="ERLE over the last third", ylim=(-15, 40), xticks=BITS)
    for axes in (over_time, over_bits):
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right", fontsize=8)
    figure.suptitle("Echo of the G.168 hybrid D.4, speech-like noise, line noise 35 dB below the echo")
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)


if __name__ == "__main__":
    main()
