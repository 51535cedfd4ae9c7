"""Cost of the cancellers a sample, 16 kHz, 128 ms tail, one thread, against plain NLMS in numba and NumPy and padasip."""

import numba
import numpy as np
from rtkit_echo.scenes import room_scene

import rtkit
from benchmarks.clock import cpu_seconds

TAPS, RATE = 2048, 16000


@numba.njit(fastmath=True)
def numba_nlms(near, far, taps, out):
    weights, line = np.zeros(taps, np.float32), np.zeros(2 * taps, np.float32)
    place, energy = 0, 0.0
    for n in range(near.size):
        place = place - 1 if place else taps - 1
        energy += far[n] * far[n] - line[place] * line[place]
        line[place] = line[place + taps] = far[n]
        window = line[place : place + taps]
        estimate = np.float32(0)
        for i in range(taps):
            estimate += weights[i] * window[i]
        out[n] = near[n] - estimate
        step = np.float32(0.5 * out[n] / (max(energy, 0.0) + 1e-5 * taps))
        for i in range(taps):
            weights[i] += step * window[i]


def numpy_nlms(near, far, taps, out):
    weights, line = np.zeros(taps, np.float32), np.zeros(2 * taps, np.float32)
    place, energy = 0, 0.0
    for n in range(near.size):
        place = place - 1 if place else taps - 1
        energy += float(far[n]) ** 2 - float(line[place]) ** 2
        line[place] = line[place + taps] = far[n]
        window = line[place : place + taps]
        out[n] = near[n] - weights.dot(window)
        weights += (0.5 * out[n] / (max(energy, 0.0) + 1e-5 * taps)) * window


def padasip_nlms(near, far, taps, out):
    import padasip

    filter_ = padasip.filters.FilterNLMS(n=taps, mu=0.5, w="zeros")
    line = np.concatenate((np.zeros(taps), far))
    for n in range(len(near)):
        window = line[n + taps : n : -1]
        out[n] = near[n] - filter_.predict(window)
        filter_.adapt(near[n], window)


def rows():
    scene = room_scene()
    yield "canceller", "us a sample", "x numba NLMS"
    results = {}

    def measure(name, run, seconds):
        n = int(seconds * RATE)
        near, far = scene.near[:n].copy(), scene.far[:n].copy()
        results[name] = cpu_seconds(lambda: run(near, far), 3)[1] / n * 1e6

    for name in ("adaline:tail_ms=128", "adaline:tail_ms=128,guard=false", "slpr:tail_ms=128"):
        measure(name, lambda near, far, name=name: rtkit.apply(name, np.stack([near, far], axis=1), rate=RATE), 8)
    measure("numba NLMS", lambda near, far: numba_nlms(near, far, TAPS, np.empty_like(near)), 8)
    measure("NumPy NLMS", lambda near, far: numpy_nlms(near, far, TAPS, np.empty_like(near)), 1)
    try:
        measure("padasip NLMS", lambda near, far: padasip_nlms(near, far, TAPS, np.empty_like(near)), 1)
    except ImportError:
        yield "padasip: not installed", "", ""
    for name, cost in results.items():
        yield name, round(cost, 3), round(cost / results["numba NLMS"], 2)
