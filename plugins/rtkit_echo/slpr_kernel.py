"""The sample loop of `slpr`. Imports numba, so it is imported only when a canceller opens."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

#: The input of each neuron's bias, as large as one tap of a signal at -24 dBFS: a constant of 1 would outweigh them all.
BIAS_INPUT = 2.0**-4
#: Mean power of the tap line (full scale 1) up to which the far end counts as silent, -60 dBFS: nothing to learn from.
SILENCE_POWER = 1e-6
#: Added to the mean power of the tap line in the step, -50 dBFS: a faint far end teaches little, as line noise is as loud.
REGULARISATION = 1e-5
#: The state is "tracking" while the mean error of the word is this much of its mean size or less (-10 dB).
TRACKING_RATIO = 10 ** (-10 / 20)

SILENT, CONVERGING, TRACKING = 0, 1, 2  # of canceller.STATES; it has no double-talk detector

# Sums may be reordered, for SIMD. Not "fast" altogether: that would assume away the NaN that is looked for here.
REORDER = {"reassoc", "contract", "nsz"}


@njit(nogil=True, cache=True, fastmath=REORDER)
def dot(a: NDArray[Any], b: NDArray[Any]) -> Any:
    """Inner product, in the precision of its arguments."""
    total = a[0] * b[0]
    for j in range(1, a.size):
        total += a[j] * b[j]
    return total


@njit(nogil=True, cache=True, fastmath=REORDER)
def cancel(
    near: NDArray[Any],
    far: NDArray[Any],
    out: NDArray[Any],
    energy: NDArray[Any],
    tally: NDArray[Any],
    weights: NDArray[Any],
    bias: NDArray[Any],
    taps: NDArray[Any],
    place: NDArray[Any],
    running: NDArray[Any],
    lowest: int,
    resolution: float,
    step_size: float,
) -> None:
    """Run the network over some samples; see `Slpr` for the arithmetic.

    Parameters
    ----------
    near, far, out : ndarray
        Float32 ``[n]``; `out` is filled.
    energy : ndarray
        Float64 ``[2]``: the energies of near end and output are added.
    tally : ndarray
        Int64 ``[4]``: samples in each state are added.
    weights, bias : ndarray
        Float32 ``[bits, taps]`` and ``[bits]``, in units of the resolution; a row a neuron, the most significant first.
    taps : ndarray
        Float32 ``[2 * taps]``: the tap line, each sample written twice, a line's length apart, so that the window from
        `place` on is always in one piece, newest sample first.
    place : ndarray
        Int64 ``[1]``: where the window starts.
    running : ndarray
        Float64 ``[2]``: means of the word's error and of its size, in units of the resolution.
    lowest : int
        What the code 0 stands for, in units of the resolution.
    resolution : float
        Value of the least significant bit.
    step_size : float
        Multiplies each step.
    """
    bits, length = weights.shape
    memory = 1.0 / length  # the running means forget as fast as the tap line does
    highest_code = (1 << bits) - 1
    for n in range(near.size):
        sound = math.isfinite(near[n]) and math.isfinite(far[n])
        reference = float(near[n]) if math.isfinite(near[n]) else 0.0
        place[0] = (place[0] or length) - 1
        newest = far[n] if math.isfinite(far[n]) else far.dtype.type(0)
        taps[place[0]] = taps[place[0] + length] = newest
        window = taps[place[0] : place[0] + length]
        power = dot(window, window)  # if it overflows, the step is 0: absurd samples teach nothing
        learns = sound and power > SILENCE_POWER * length
        step = step_size * running[0] / (power + BIAS_INPUT * BIAS_INPUT + REGULARISATION * length)

        wanted = int(min(max(np.floor(reference / resolution + 0.5) - lowest, 0.0), highest_code))
        code = 0
        for i in range(bits):
            bit = 1 << (bits - 1 - i)
            heard = dot(weights[i], window) + bias[i] * BIAS_INPUT
            boundary = lowest + bit - 0.5
            if heard >= boundary + code:
                code += bit
            above = wanted & ~(2 * bit - 1)
            error = int(wanted & bit != 0) - int(heard >= boundary + above)
            if learns and error != 0:
                pull = weights.dtype.type(error * step)
                for j in range(length):
                    weights[i, j] += pull * window[j]
                bias[i] += pull * BIAS_INPUT

        estimate = (lowest + code) * resolution if power > 0 else 0.0
        out[n] = reference - estimate
        energy[0] += reference * reference
        energy[1] += out[n] * out[n]
        if learns:
            running[0] += memory * (abs(wanted - code) - running[0])
            running[1] += memory * (abs(lowest + wanted) - running[1])
        if power <= SILENCE_POWER * length:
            tally[SILENT] += 1
        elif running[0] <= TRACKING_RATIO * running[1]:
            tally[TRACKING] += 1
        else:
            tally[CONVERGING] += 1
