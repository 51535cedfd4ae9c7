"""The kernel of `adaline`: filter, learn and watch, sample by sample."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_echo.outcome import MAX_AMPLITUDE

SILENT, CONVERGING, TRACKING, DOUBLE_TALK = range(4)
#: Far-end power a sample below which the far end is silent and nothing is learned: -100 dBFS, and 50 dB below the far end's own level.
SILENCE_POWER, SILENCE_SHARE = 1e-10, 1e-5
#: Input of the bias: of the size of speech, so that it learns at the pace of the taps.
BIAS_INPUT = 0.01
#: An error this many times the power just before is a click and not learned from; speech gets no further in one sample.
CLICK_RATIO = 1e4
#: Regularisation of the step, relative to the far end's own level.
REGULARISATION = 0.02
#: Smoothing of that level, a window, and in pauses, so that a far end that has become quiet for good is heard again; and
#: the factor by which a window may exceed it, so that a click does not count as a level.
LEVEL_SMOOTHING, PAUSE_SMOOTHING, LEVEL_MAX_RISE = 0.02, 0.004, 100.0
#: Samples over which the powers of error and estimate are smoothed for the step.
SMOOTHING_SAMPLES = 128
#: The leak is regressed over ``1 / LEAK_SMOOTHING`` windows, on powers less their mean over ``1 / MEAN_SMOOTHING`` windows.
LEAK_SMOOTHING, MEAN_SMOOTHING = 0.005, 0.1
#: Least misadjustment that the leak may show: less would lock the filter up when the echo path changes.
MIN_LEAK = 0.05
#: The step size is this many times what the leak says, for bursts that the leak, a mean, does not follow.
STEP_GAIN = 2.0
#: Full steps, in lengths of the filter, before the double-talk guard begins: a new filter has no estimate to judge by.
GUARD_START_LENGTHS = 8.0
#: A filter that makes the output this many times as powerful as the near end has diverged and is reset: it had fitted
#: faint noise before the far end spoke, or the echo path has changed. The powers are means over ``1 / DIVERGED_SMOOTHING`` windows; over
#: fewer, real double talk can look like that.
DIVERGED_RATIO, DIVERGED_SMOOTHING = 2.0, 0.1
#: Below this share of the full step, the error is mostly not echo: double talk.
DOUBLE_TALK_SHARE = 0.25
#: Below this leak the filter has converged.
CONVERGED_LEAK = 0.25

# places in `levels`
ENERGY, STEP, LEVEL, ERROR, ECHO, CROSS, SQUARE, LEAK, LEARNED, BIAS_WEIGHT = range(10)
SUM_NEAR, SUM_ERROR, SUM_ECHO, MEAN_ERROR, MEAN_ECHO, SLOW_NEAR, SLOW_ERROR = range(10, 17)
LEVELS = 17
# places in `counts`
PLACE, IN_WINDOW = range(2)
COUNTS = 2

_FAST = {"reassoc", "contract", "nsz"}  # sums may be reordered; NaN and Inf still count


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def _respond(weights: NDArray[np.float32], taps: NDArray[np.float32]) -> np.float32:
    total = np.float32(0)
    for i in range(weights.size):
        total += weights[i] * taps[i]
    return total


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def _learn_and_respond(weights: NDArray[np.float32], span: NDArray[np.float32], step: np.float32) -> np.float32:
    """Apply the correction of the sample before and respond to this one, in one pass over the weights.

    `span` is one sample longer than `weights`: the taps of the sample before, and, one further, those of this one.
    """
    total = np.float32(0)
    for i in range(weights.size):
        weight = weights[i] + step * span[i]
        weights[i] = weight
        total += weight * span[i + 1]
    return total


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _leak(weights: NDArray[np.float32], leakage: float) -> None:
    keep = np.float32(1 - leakage)
    for i in range(weights.size):
        weights[i] *= keep


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def cancel(
    near: NDArray[np.float32],
    far: NDArray[np.float32],
    out: NDArray[np.float32],
    energy: NDArray[np.float64],
    tally: NDArray[np.int64],
    weights: NDArray[np.float32],
    line: NDArray[np.float32],
    levels: NDArray[np.float64],
    counts: NDArray[np.int64],
    window: int,
    step_size: float,
    leakage: float,
    bias: bool,
    normalised: bool,
    guard: bool,
) -> None:
    """Cancel the echo in some samples.

    Parameters
    ----------
    near, far, out : ndarray
        Float32 ``[n]``; `out` is filled.
    energy, tally : ndarray
        The energies of near end and output, and the samples in each state, are added.
    weights : ndarray
        Float32 ``[taps]``, that of the oldest sample first, so that it runs along with `line`.
    line : ndarray
        Float32 delay line, longer than the filter by some: it is filled to its end, and then its last samples move to the
        front. That depends on the count of samples only, so that it does not matter how the stream is cut.
    levels, counts : ndarray
        Everything else that is remembered, at the places named above.
    window : int
        Samples over which powers are summed for the regression of the leak.
    step_size, leakage : float
        α, and what the weights lose with each correction.
    bias, normalised, guard : bool
        As for `Adaline`.
    """
    length = weights.size
    for n in range(near.size):
        near_sounds, far_sounds = abs(near[n]) < MAX_AMPLITUDE, abs(far[n]) < MAX_AMPLITUDE  # NaN does not
        heard = near[n] if near_sounds else np.float32(0)
        newest = far[n] if far_sounds else np.float32(0)

        place = counts[PLACE]
        if place + length == line.size:
            line[:length] = line[place : place + length]
            place = 0
            levels[ENERGY] = 0.0  # summed anew, so that rounding does not pile up
            for i in range(length):
                levels[ENERGY] += np.float64(line[i]) * line[i]
        line[place + length] = newest
        levels[ENERGY] += np.float64(newest) * newest - np.float64(line[place]) * line[place]
        counts[PLACE] = place + 1

        if levels[STEP] != 0:
            if leakage > 0:
                _leak(weights, leakage)
            estimate = _learn_and_respond(weights, line[place : place + length + 1], np.float32(levels[STEP]))
        else:
            estimate = _respond(weights, line[place + 1 : place + 1 + length])
        if bias:
            if levels[STEP] != 0:
                levels[BIAS_WEIGHT] = (1 - leakage) * levels[BIAS_WEIGHT] + levels[STEP] * BIAS_INPUT
            estimate += np.float32(levels[BIAS_WEIGHT] * BIAS_INPUT)
        error = heard - estimate
        out[n] = error
        error_power, echo_power = np.float64(error) * error, np.float64(estimate) * estimate
        energy[0] += np.float64(heard) * heard
        energy[1] += error_power

        click = error_power > CLICK_RATIO * levels[ERROR]
        levels[ERROR] += (error_power - levels[ERROR]) / SMOOTHING_SAMPLES
        levels[ECHO] += (echo_power - levels[ECHO]) / SMOOTHING_SAMPLES
        levels[SUM_NEAR] += np.float64(heard) * heard
        levels[SUM_ERROR] += error_power
        levels[SUM_ECHO] += echo_power
        power = levels[ENERGY] + (BIAS_INPUT * BIAS_INPUT if bias else 0.0)
        active = levels[ENERGY] > SILENCE_POWER * length and levels[ENERGY] > SILENCE_SHARE * length * levels[LEVEL]
        share = 1.0
        if guard and levels[LEARNED] >= GUARD_START_LENGTHS * length:
            share = min(1.0, STEP_GAIN * levels[LEAK] * levels[ECHO] / (levels[ERROR] + 1e-30))
        levels[STEP] = 0.0
        scaled = levels[LEVEL] > 0  # before the first window ends, a step would have no scale, and might be a wild one
        if active and scaled and near_sounds and far_sounds and not click and step_size > 0:
            levels[LEARNED] += share * step_size
            if normalised:
                scale = share * step_size / (power + REGULARISATION * length * levels[LEVEL])
            else:
                scale = min(share * step_size, 1.0 / power)  # more would not be stable
            levels[STEP] = scale * error

        if not active:
            tally[SILENT] += 1
        elif share < DOUBLE_TALK_SHARE:
            tally[DOUBLE_TALK] += 1
        elif levels[LEAK] < CONVERGED_LEAK:
            tally[TRACKING] += 1
        else:
            tally[CONVERGING] += 1

        counts[IN_WINDOW] += 1
        if counts[IN_WINDOW] == window:
            counts[IN_WINDOW] = 0
            if _diverged(levels, window):
                weights[:] = 0
                for forgotten in (STEP, BIAS_WEIGHT, ERROR, ECHO, CROSS, SQUARE, LEARNED, SLOW_ERROR):
                    levels[forgotten] = 0.0
                levels[LEAK] = 1.0
            _estimate_leak(levels, window, length, active)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _diverged(levels: NDArray[np.float64], window: int) -> bool:
    """At the end of a window: whether the output is much louder than the near end."""
    levels[SLOW_NEAR] += DIVERGED_SMOOTHING * (levels[SUM_NEAR] / window - levels[SLOW_NEAR])
    levels[SLOW_ERROR] += DIVERGED_SMOOTHING * (levels[SUM_ERROR] / window - levels[SLOW_ERROR])
    levels[SUM_NEAR] = 0.0
    return bool(levels[SLOW_ERROR] > DIVERGED_RATIO * levels[SLOW_NEAR])


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _estimate_leak(levels: NDArray[np.float64], window: int, length: int, active: bool) -> None:
    """At the end of a window: how much of the echo leaks through, by regression of error power on echo power."""
    error, echo = levels[SUM_ERROR] / window, levels[SUM_ECHO] / window
    levels[SUM_ERROR] = levels[SUM_ECHO] = 0.0
    present = levels[ENERGY] / length
    if present > SILENCE_POWER and levels[LEVEL] == 0:
        levels[LEVEL] = present
    elif present > SILENCE_POWER:
        levels[LEVEL] += (min(present, LEVEL_MAX_RISE * levels[LEVEL]) - levels[LEVEL]) * (LEVEL_SMOOTHING if active else PAUSE_SMOOTHING)
    if not active:
        return
    pace = LEAK_SMOOTHING * min(1.0, 2 * echo / (error + 1e-30))  # a loud near end says little about the leak
    more_error, more_echo = error - levels[MEAN_ERROR], echo - levels[MEAN_ECHO]
    levels[MEAN_ERROR] += MEAN_SMOOTHING * more_error
    levels[MEAN_ECHO] += MEAN_SMOOTHING * more_echo
    levels[CROSS] += pace * (more_error * more_echo - levels[CROSS])
    levels[SQUARE] += pace * (more_echo * more_echo - levels[SQUARE])
    levels[LEAK] = min(max(levels[CROSS] / (levels[SQUARE] + 1e-60), MIN_LEAK), 1.0)
