"""Kernel: the residual echo suppressor of `echo`.

What the linear stage leaves is echo that no linear filter of its length explains, the near end, and noise. A gain for each frequency
takes the residual echo and the noise down: the power of the first is that of the estimated echo times a leak, learned for each frequency,
or what the Kalman filter's own doubt about its weights lets expect, if that is more. A talker at the near end shows as power far beyond it,
and then the suppressor holds back.

Y. Ephraim, D. Malah, IEEE Transactions on Acoustics, Speech, and Signal Processing 32 (1984), for the decision-directed gain; R. Martin,
IEEE Transactions on Speech and Audio Processing 9 (2001), for the noise by minimum statistics.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_echo.fourier import Plan, forward, inverse
from rtkit_echo.kalman_kernel import Floats

#: How fast power spectra are averaged, a block of 8 ms, for leaks and for the noise.
PACE, NOISE_PACE = 0.2, 0.1
#: The noise is the minimum over so many times so many blocks, times what minima lie below means.
PARTS, PART, BIAS = 6, 31, 1.5
#: The first so many blocks are averaged before minima count: the very first one holds silence from before the stream.
FIRST = 12
#: The estimated echo dies away by 60 dB in this time (s): the room beyond the filter's tail.
REVERBERATION = 0.5
#: Band (Hz) in which the near-end talker is looked for.
LOW, HIGH = 200.0, 4000.0
#: Least leak in that search, and the noise's share in it.
LEAST_LEAK, NOISE_SHARE = 0.007, 0.3
#: Ratio of what is left to what the leak explains from which a talker is suspected, and believed; what stays of it a block.
SUSPECTED, BELIEVED, STAYS = 4.0, 8.0, 0.95
#: The residual echo is overestimated by this factor in single talk, and in double talk.
SINGLE, DOUBLE = 4.0, 0.25
#: The least gain in double talk; the share of the noise's power that stays, or is made good by comfort noise, while the far end speaks;
#: and by how much the noise counts as something to take down. The second is the square of the first: comfort noise amid speech is heard.
FLOOR, COMFORT, NOISY = 0.4, 0.16, 1.0
#: Weight of the block before in the decision-directed estimate.
DIRECTED = 0.8
#: So much of what the filter's doubt leads it to expect is really left; the search for a talker takes it to be more, by this factor.
TRUE, WARY = 0.05, 6.0
LEAK_MIN, LEAK_MAX = 1e-4, 4.0
#: The leak in the search for a talker before anything was heard, and after the challenger took over.
UNKNOWN_LEAK, NEW_LEAK = 0.1, 0.5
#: Of the random numbers.
SEED = 88_172_645_463_325_252

# places in `levels`
LEAK, TALK, SILENT, CLOSED = range(4)
LEVELS = 4


class Suppressor(NamedTuple):
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
        Float32 ``[PARTS, bins]``: minima of the parts of the last while.
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


def suppressor(size: int) -> Suppressor:
    """The state before the first block of `size` samples."""
    bins = size + 1
    levels = np.zeros(LEVELS)
    levels[LEAK] = UNKNOWN_LEAK
    return Suppressor(
        before=np.zeros((size, 2), np.float32),
        overlap=np.zeros(size, np.float32),
        error=np.zeros(bins, np.float32),
        echo=np.zeros(bins, np.float32),
        quiet=np.zeros(bins, np.float32),
        tail=np.zeros(bins, np.float32),
        leak=np.ones(bins, np.float32),
        prior=np.zeros(bins, np.float32),
        lowest=np.full((PARTS, bins), np.float32(1e9)),
        levels=levels,
        counts=np.array([0, SEED], np.uint64),
    )


@numba.njit(nogil=True, cache=True)
def analyse(
    error: Floats, echo: Floats, window: Floats, state: Suppressor, real: Floats, imaginary: Floats, room: Floats, two: Plan
) -> None:
    """Spectra ``[blocks, bins, 2]`` of error and echo ``[blocks, b]``."""
    size = error.shape[1]
    for block in range(error.shape[0]):
        for n in range(size):
            room[n, 0], room[n, 1] = window[n] * state.before[n, 0], window[n] * state.before[n, 1]
            room[size + n, 0], room[size + n, 1] = window[size + n] * error[block, n], window[size + n] * echo[block, n]
            state.before[n, 0], state.before[n, 1] = error[block, n], echo[block, n]
        forward(room, real[block], imaginary[block], two)


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
def noise(power: Floats, state: Suppressor, out: Floats) -> None:
    """Follow the noise by minimum statistics: fill `out` with its power spectrum."""
    count = int(state.counts[0])
    part, fresh = count // PART % PARTS, count % PART == 0
    pace = np.float32(max(NOISE_PACE, 1 / (count + 1)))
    for k in range(power.size):
        state.quiet[k] += pace * (power[k] - state.quiet[k])
        if count < FIRST:
            out[k] = state.quiet[k]
            continue
        state.lowest[part, k] = state.quiet[k] if fresh else min(state.lowest[part, k], state.quiet[k])
        least = state.lowest[0, k]
        for other in range(1, PARTS):
            least = min(least, state.lowest[other, k])
        out[k] = np.float32(BIAS) * least
    state.counts[0] += np.uint64(1)


@numba.njit(nogil=True, cache=True)
def noises(real: Floats, imaginary: Floats, state: Suppressor, floor: Floats) -> None:
    """The same for blocks of spectra ``[blocks, bins, 2]``: fill `floor` ``[blocks, bins]``."""
    power = np.empty(floor.shape[1], np.float32)
    for block in range(floor.shape[0]):
        for k in range(power.size):
            power[k] = real[block, k, 0] ** 2 + imaginary[block, k, 0] ** 2
        noise(power, state, floor[block])


@numba.njit(nogil=True, cache=True)
def open_up(notes: NDArray[np.int64], patience: int, fade: float, state: Suppressor, gain: Floats) -> None:
    """Let everything pass where there has been no far end for longer than its echo lasts (`patience` blocks), by `fade` more a block."""
    levels = state.levels
    for block in range(notes.size):
        levels[SILENT] = 0 if notes[block] > 0 else levels[SILENT] + 1
        levels[CLOSED] = 1.0 if notes[block] > 0 else levels[CLOSED]
        if levels[SILENT] > patience:
            levels[CLOSED] = max(0.0, levels[CLOSED] - fade)
        for k in range(gain.shape[1]):
            gain[block, k] = 1 - np.float32(levels[CLOSED]) * (1 - gain[block, k])


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def gains(
    real: Floats,
    imaginary: Floats,
    expected: Floats,
    notes: NDArray[np.int64],
    state: Suppressor,
    first: int,
    last: int,
    decay: float,
    floor: Floats,
    known: Floats,
    talks: Floats,
    out: Floats,
) -> None:
    """Gains ``[blocks, bins]`` for some blocks of spectra.

    Parameters
    ----------
    expected : ndarray
        Float32 ``[blocks, bins]``: power of the echo that may be left, as `rtkit_echo.linear_kernel.run` fills it.
    floor : ndarray
        Float32 ``[blocks, bins]``: power of the noise.
    notes : ndarray
        As `rtkit_echo.linear_kernel.run` fills them.
    first, last : int
        Bins between which the talker is looked for.
    decay : float
        What is left of an echo's power a block later.
    known, talks : ndarray
        Float32 ``[blocks, bins]`` and ``[blocks]``: filled with the residual echo by the learned leak, and with how far a talker is
        believed in (0 to 1).
    """
    bins, levels = out.shape[1], state.levels
    power, echo = np.empty(bins, np.float32), np.empty(bins, np.float32)
    for block in range(out.shape[0]):
        for k in range(bins):
            power[k] = real[block, k, 0] ** 2 + imaginary[block, k, 0] ** 2
            echo[k] = real[block, k, 1] ** 2 + imaginary[block, k, 1] ** 2
            state.error[k] += np.float32(PACE) * (power[k] - state.error[k])
            state.echo[k] += np.float32(PACE) * (echo[k] - state.echo[k])
            state.tail[k] = max(echo[k], np.float32(decay) * state.tail[k])
        if notes[block] == 2:
            levels[LEAK] = max(levels[LEAK], NEW_LEAK)
            state.leak[:] = np.maximum(state.leak, np.float32(1))
        left, taken, whole, still, beyond, doubted = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(first, last):
            left += state.error[k]
            taken += state.echo[k]
            whole += state.tail[k]
            still += floor[block, k]
            doubted += TRUE * expected[block, k]
            beyond += max(np.float32(0), power[k] - floor[block, k])
        active = notes[block] > 0 and taken > 1e-10
        if active:
            leak = max(left - still, 0.0) / taken
            if leak < levels[LEAK]:
                levels[LEAK] += 0.05 * (leak - levels[LEAK])
            else:
                levels[LEAK] *= 1.002
        ratio = beyond / (max(max(levels[LEAK], LEAST_LEAK) * whole, WARY * doubted) + NOISE_SHARE * still + 1e-20)
        levels[TALK] = max(ratio, STAYS * levels[TALK])
        talk = min(max(np.log(max(levels[TALK], 1e-6) / SUSPECTED) / np.log(BELIEVED / SUSPECTED), 0.0), 1.0)
        talks[block] = talk
        over = SINGLE * (DOUBLE / SINGLE) ** talk
        for k in range(bins):
            if active and state.echo[k] > 1e-12:
                seen = max(state.error[k] - floor[block, k], np.float32(0)) / state.echo[k]
                leak_k = state.leak[k]
                if seen < leak_k:
                    leak_k += np.float32(0.05) * (seen - leak_k)
                else:
                    leak_k *= np.float32(1) + np.float32(0.003) * min(seen / leak_k - np.float32(1), np.float32(3))
                    leak_k += np.float32(0.05 * (1 - talk)) * max(seen - leak_k, np.float32(0))
                state.leak[k] = min(max(leak_k, np.float32(LEAK_MIN)), np.float32(LEAK_MAX))
            known[block, k] = state.leak[k] * state.tail[k]
            residual = over * max(known[block, k], TRUE * expected[block, k]) + NOISY * floor[block, k] + 1e-12
            ahead = DIRECTED * state.prior[k] / residual + (1 - DIRECTED) * max(power[k] / residual - 1, 0.0)
            gain = ahead / (1 + ahead)
            gain = max(gain, FLOOR * talk)
            state.prior[k] = gain * gain * power[k]
            out[block, k] = gain


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def synthesise(
    real: Floats, imaginary: Floats, gain: Floats, floor: Floats, window: Floats, state: Suppressor, out: Floats, room: Floats, one: Plan
) -> None:
    """Blocks ``[blocks, b]`` of what passes the gains, with comfort noise for the noise that does not."""
    size, bins = out.shape[1], gain.shape[1]
    r, i = np.empty((bins, 1), np.float32), np.empty((bins, 1), np.float32)
    for block in range(out.shape[0]):
        for k in range(bins):
            g = gain[block, k]
            lost = np.sqrt(max(COMFORT - g * g, 0.0) * floor[block, k])
            angle = 2 * np.pi * _random(state.counts)
            r[k, 0] = g * real[block, k, 0] + np.float32(lost * np.cos(angle))
            i[k, 0] = g * imaginary[block, k, 0] + np.float32(lost * np.sin(angle))
        i[0, 0] = i[bins - 1, 0] = 0
        inverse(r, i, room, one)
        for n in range(size):
            out[block, n] = state.overlap[n] + window[n] * room[n, 0]
            state.overlap[n] = window[size + n] * room[size + n, 0]
