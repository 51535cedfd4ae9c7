"""Kernel: the residual echo suppressor of `echo`.

What the linear stage leaves is echo that no linear filter of its length explains, the near end, and noise. A gain for each frequency
takes the residual echo and the noise down: the power of the first is that of the estimated echo times a leak, learned for each frequency,
or what the error variance of the Kalman filter's weights lets expect, if that is more. Double talk is detected by power far beyond it, and
then the suppressor holds back.

Y. Ephraim, D. Malah, IEEE Transactions on Acoustics, Speech, and Signal Processing 32 (1984), for the decision-directed gain; R. Martin,
IEEE Transactions on Speech and Audio Processing 9 (2001), for the noise by minimum statistics.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_echo.fourier import FourierPlan, forward, inverse
from rtkit_echo.kalman_kernel import Floats

#: Smoothing of power spectra, a block of 8 ms, for leaks and for the noise.
POWER_SMOOTHING, NOISE_SMOOTHING = 0.2, 0.1
#: The noise is the minimum over so many times so many blocks, times what minima lie below means.
NOISE_WINDOWS, NOISE_WINDOW_BLOCKS, NOISE_BIAS = 6, 31, 1.5
#: The first so many blocks are averaged before minima count: the very first one holds silence from before the stream.
NOISE_START_BLOCKS = 12
#: The estimated echo dies away by 60 dB in this time (s): the room beyond the filter's tail.
REVERBERATION_S = 0.5
#: Band (Hz) of the double-talk detector.
TALKER_LOW_HZ, TALKER_HIGH_HZ = 200.0, 4000.0
#: Least leak in that detector, and the noise's share in it.
MIN_SEARCH_LEAK, NOISE_SHARE = 0.007, 0.3
#: Double-talk thresholds: ratio of what is left to what the leak explains from which double talk is suspected, and certain; what stays of
#: the ratio a block.
DOUBLE_TALK_SUSPECTED, DOUBLE_TALK_CERTAIN, DOUBLE_TALK_DECAY = 4.0, 8.0, 0.95
#: The residual echo is overestimated by this factor in single talk, and in double talk.
SINGLE_TALK_OVERESTIMATE, DOUBLE_TALK_OVERESTIMATE = 4.0, 0.25
#: The least gain in double talk; the share of the noise's power that stays, or is made good by comfort noise, while the far end speaks;
#: and by how much the noise counts as something to take down. The second is the square of the first: comfort noise amid speech is heard.
GAIN_FLOOR, COMFORT_NOISE, NOISE_WEIGHT = 0.4, 0.16, 1.0
#: Weight of the block before in the decision-directed estimate.
DECISION_DIRECTED = 0.8
#: So much of the residual echo that the filter's error variance lets expect is really left; the double-talk detector takes it to be more,
#: by this factor.
RESIDUAL_SHARE, RESIDUAL_MARGIN = 0.05, 6.0
MIN_LEAK, MAX_LEAK = 1e-4, 4.0
#: The leak in the double-talk detector at the start, and after the shadow filter took over.
INITIAL_LEAK, TAKEOVER_LEAK = 0.1, 0.5
#: Seed of the random numbers.
SEED = 88_172_645_463_325_252

# places in `levels`
LEAK, DOUBLE_TALK, SILENT_BLOCKS, CLOSED = range(4)
LEVELS = 4


class SuppressorState(NamedTuple):
    """The state; all spectra float32 ``[bins]``.

    Parameters
    ----------
    before : ndarray
        Float32 ``[b, 2]``: the last blocks of error and echo.
    overlap : ndarray
        Float32 ``[b]``: the second half of the last output window.
    error, echo, quiet, tail, leak, prior : ndarray
        Averaged power of error and echo; of the error more slowly; the echo dying away; the leak; the decision-directed memory.
    lowest : ndarray
        Float32 ``[NOISE_WINDOWS, bins]``: minima of the parts of the last while.
    levels : ndarray
        Float64, at the places named above.
    counts : ndarray
        Uint64 ``[2]``: blocks so far, and the state of the random numbers.
    """

    before: Floats
    overlap: Floats
    error: Floats
    echo: Floats
    quiet: Floats
    tail: Floats
    leak: Floats
    prior: Floats
    lowest: Floats
    levels: NDArray[np.float64]
    counts: NDArray[np.uint64]


def suppressor_state(size: int) -> SuppressorState:
    """The state before the first block of `size` samples."""
    bins = size + 1
    levels = np.zeros(LEVELS)
    levels[LEAK] = INITIAL_LEAK
    return SuppressorState(
        before=np.zeros((size, 2), np.float32),
        overlap=np.zeros(size, np.float32),
        error=np.zeros(bins, np.float32),
        echo=np.zeros(bins, np.float32),
        quiet=np.zeros(bins, np.float32),
        tail=np.zeros(bins, np.float32),
        leak=np.ones(bins, np.float32),
        prior=np.zeros(bins, np.float32),
        lowest=np.full((NOISE_WINDOWS, bins), np.float32(1e9)),
        levels=levels,
        counts=np.array([0, SEED], np.uint64),
    )


@numba.njit(nogil=True, cache=True)
def analyse(
    error: Floats,
    echo: Floats,
    window: Floats,
    state: SuppressorState,
    real: Floats,
    imaginary: Floats,
    workspace: Floats,
    two: FourierPlan,
) -> None:
    """Spectra ``[blocks, bins, 2]`` of error and echo ``[blocks, b]``."""
    size = error.shape[1]
    for block in range(error.shape[0]):
        for n in range(size):
            workspace[n, 0], workspace[n, 1] = window[n] * state.before[n, 0], window[n] * state.before[n, 1]
            workspace[size + n, 0], workspace[size + n, 1] = window[size + n] * error[block, n], window[size + n] * echo[block, n]
            state.before[n, 0], state.before[n, 1] = error[block, n], echo[block, n]
        forward(workspace, real[block], imaginary[block], two)


@numba.njit(nogil=True, cache=True)
def _random(counts: NDArray[np.uint64]) -> float:
    """Uniform from 0 to 1, by xorshift (G. Marsaglia, 2003)."""
    x = counts[1]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    counts[1] = x
    return float(x >> np.uint64(11)) / 9007199254740992.0


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def noise(power: Floats, state: SuppressorState, out: Floats) -> None:
    """Follow the noise by minimum statistics: fill `out` with its power spectrum."""
    count = int(state.counts[0])
    part, fresh = count // NOISE_WINDOW_BLOCKS % NOISE_WINDOWS, count % NOISE_WINDOW_BLOCKS == 0
    pace = np.float32(max(NOISE_SMOOTHING, 1 / (count + 1)))
    for k in range(power.size):
        state.quiet[k] += pace * (power[k] - state.quiet[k])
        if count < NOISE_START_BLOCKS:
            out[k] = state.quiet[k]
            continue
        state.lowest[part, k] = state.quiet[k] if fresh else min(state.lowest[part, k], state.quiet[k])
        least = state.lowest[0, k]
        for other in range(1, NOISE_WINDOWS):
            least = min(least, state.lowest[other, k])
        out[k] = np.float32(NOISE_BIAS) * least
    state.counts[0] += np.uint64(1)


@numba.njit(nogil=True, cache=True)
def noises(real: Floats, imaginary: Floats, state: SuppressorState, floor: Floats) -> None:
    """The same for blocks of spectra ``[blocks, bins, 2]``: fill `floor` ``[blocks, bins]``."""
    power = np.empty(floor.shape[1], np.float32)
    for block in range(floor.shape[0]):
        for k in range(power.size):
            power[k] = real[block, k, 0] ** 2 + imaginary[block, k, 0] ** 2
        noise(power, state, floor[block])


@numba.njit(nogil=True, cache=True)
def open_gains(activity: NDArray[np.int64], hangover: int, fade: float, state: SuppressorState, gain: Floats) -> None:
    """Let everything pass where there has been no far end for longer than its echo lasts (`hangover` blocks), by `fade` more a block."""
    levels = state.levels
    for block in range(activity.size):
        levels[SILENT_BLOCKS] = 0 if activity[block] > 0 else levels[SILENT_BLOCKS] + 1
        levels[CLOSED] = 1.0 if activity[block] > 0 else levels[CLOSED]
        if levels[SILENT_BLOCKS] > hangover:
            levels[CLOSED] = max(0.0, levels[CLOSED] - fade)
        for k in range(gain.shape[1]):
            gain[block, k] = 1 - np.float32(levels[CLOSED]) * (1 - gain[block, k])


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def gains(
    real: Floats,
    imaginary: Floats,
    expected: Floats,
    activity: NDArray[np.int64],
    state: SuppressorState,
    first: int,
    last: int,
    decay: float,
    floor: Floats,
    residual_by_leak: Floats,
    double_talk: Floats,
    out: Floats,
) -> None:
    """Gains ``[blocks, bins]`` for some blocks of spectra.

    Parameters
    ----------
    expected : ndarray
        Float32 ``[blocks, bins]``: power of the residual echo, as `rtkit_echo.linear_kernel.run` fills it.
    floor : ndarray
        Float32 ``[blocks, bins]``: power of the noise.
    activity : ndarray
        As `rtkit_echo.linear_kernel.run` fills them.
    first, last : int
        Bins of the double-talk detector.
    decay : float
        What is left of an echo's power a block later.
    residual_by_leak, double_talk : ndarray
        Float32 ``[blocks, bins]`` and ``[blocks]``: filled with the residual echo by the learned leak, and with the probability
        of double talk (0 to 1).
    """
    bins, levels = out.shape[1], state.levels
    power, echo = np.empty(bins, np.float32), np.empty(bins, np.float32)
    for block in range(out.shape[0]):
        for k in range(bins):
            power[k] = real[block, k, 0] ** 2 + imaginary[block, k, 0] ** 2
            echo[k] = real[block, k, 1] ** 2 + imaginary[block, k, 1] ** 2
            state.error[k] += np.float32(POWER_SMOOTHING) * (power[k] - state.error[k])
            state.echo[k] += np.float32(POWER_SMOOTHING) * (echo[k] - state.echo[k])
            state.tail[k] = max(echo[k], np.float32(decay) * state.tail[k])
        if activity[block] == 2:
            levels[LEAK] = max(levels[LEAK], TAKEOVER_LEAK)
            state.leak[:] = np.maximum(state.leak, np.float32(1))
        left, taken, whole, still, beyond, residual_by_filter = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(first, last):
            left += state.error[k]
            taken += state.echo[k]
            whole += state.tail[k]
            still += floor[block, k]
            residual_by_filter += RESIDUAL_SHARE * expected[block, k]
            beyond += max(np.float32(0), power[k] - floor[block, k])
        active = activity[block] > 0 and taken > 1e-10
        if active:
            leak = max(left - still, 0.0) / taken
            if leak < levels[LEAK]:
                levels[LEAK] += 0.05 * (leak - levels[LEAK])
            else:
                levels[LEAK] *= 1.002
        residual = max(max(levels[LEAK], MIN_SEARCH_LEAK) * whole, RESIDUAL_MARGIN * residual_by_filter)
        ratio = beyond / (residual + NOISE_SHARE * still + 1e-20)
        levels[DOUBLE_TALK] = max(ratio, DOUBLE_TALK_DECAY * levels[DOUBLE_TALK])
        log_ratio = np.log(max(levels[DOUBLE_TALK], 1e-6) / DOUBLE_TALK_SUSPECTED)
        talk = min(max(log_ratio / np.log(DOUBLE_TALK_CERTAIN / DOUBLE_TALK_SUSPECTED), 0.0), 1.0)
        double_talk[block] = talk
        over = SINGLE_TALK_OVERESTIMATE * (DOUBLE_TALK_OVERESTIMATE / SINGLE_TALK_OVERESTIMATE) ** talk
        for k in range(bins):
            if active and state.echo[k] > 1e-12:
                seen = max(state.error[k] - floor[block, k], np.float32(0)) / state.echo[k]
                leak_k = state.leak[k]
                if seen < leak_k:
                    leak_k += np.float32(0.05) * (seen - leak_k)
                else:
                    leak_k *= np.float32(1) + np.float32(0.003) * min(seen / leak_k - np.float32(1), np.float32(3))
                    leak_k += np.float32(0.05 * (1 - talk)) * max(seen - leak_k, np.float32(0))
                state.leak[k] = min(max(leak_k, np.float32(MIN_LEAK)), np.float32(MAX_LEAK))
            residual_by_leak[block, k] = state.leak[k] * state.tail[k]
            unwanted = over * max(residual_by_leak[block, k], RESIDUAL_SHARE * expected[block, k]) + NOISE_WEIGHT * floor[block, k] + 1e-12
            prior_snr = DECISION_DIRECTED * state.prior[k] / unwanted + (1 - DECISION_DIRECTED) * max(power[k] / unwanted - 1, 0.0)
            gain = prior_snr / (1 + prior_snr)
            gain = max(gain, GAIN_FLOOR * talk)
            state.prior[k] = gain * gain * power[k]
            out[block, k] = gain


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def synthesise(
    real: Floats,
    imaginary: Floats,
    gain: Floats,
    floor: Floats,
    window: Floats,
    state: SuppressorState,
    out: Floats,
    workspace: Floats,
    one: FourierPlan,
) -> None:
    """Blocks ``[blocks, b]`` of what passes the gains, with comfort noise for the noise that does not."""
    size, bins = out.shape[1], gain.shape[1]
    r, i = np.empty((bins, 1), np.float32), np.empty((bins, 1), np.float32)
    for block in range(out.shape[0]):
        for k in range(bins):
            g = gain[block, k]
            lost = np.sqrt(max(COMFORT_NOISE - g * g, 0.0) * floor[block, k])
            angle = 2 * np.pi * _random(state.counts)
            r[k, 0] = g * real[block, k, 0] + np.float32(lost * np.cos(angle))
            i[k, 0] = g * imaginary[block, k, 0] + np.float32(lost * np.sin(angle))
        i[0, 0] = i[bins - 1, 0] = 0
        inverse(r, i, workspace, one)
        for n in range(size):
            out[block, n] = state.overlap[n] + window[n] * workspace[n, 0]
            state.overlap[n] = window[size + n] * workspace[size + n, 0]
