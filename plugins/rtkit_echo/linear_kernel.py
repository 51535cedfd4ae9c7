"""Kernel: the linear stage of `echo`, a Kalman filter that listens long and, when it is in doubt, a challenger that begins anew.

A filter that trusts what it knows keeps the near end whole and reaches deep, but locks up when the echo path changes. The challenger starts
from nothing, learns boldly, and takes the place of the other as soon as it is clearly better.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_echo.far_kernel import BEFORE, PLACE, STEP, STRONG, TURNED, FarEnd, ahead, read, write
from rtkit_echo.far_kernel import PACE as READ_PACE
from rtkit_echo.kalman_kernel import Filter, Floats, Line, Plans, Room, estimate, learn, push, shift, transform

#: Of the filter in charge: how much of the path stays from block to block of 8 ms, and the theory's caution.
KEEP, CAUTION = 0.9999, 2.0
#: Of the challenger.
BOLD_KEEP, BOLD_CAUTION = 0.999, 1.0
#: Mean power of a far-end sample below which there is no far end: -70 dBFS, and 60 dB below its own level.
QUIET, FAR_BELOW = 1e-7, 1e-6
#: How fast powers are averaged, a block, and how fast the far end's level sinks.
PACE, SINK = 0.1, 0.999
#: The challenger wins with less than this share of the other's error power, for so many blocks.
BETTER, BLOCKS = 0.5, 6
#: What it learned in a moment is not to be relied on: it then doubts its weights by so many times what a filter does that knows nothing.
DOUBTFUL = 4.0
#: It begins anew when it is so many blocks old and has more than this share, or at once when what the filter in charge leaves
#: is so many times its usual share of the near end, and more than the least share of its power over a second; at most every so many
#: blocks.
OLD, HOPELESS = 125, 0.7
ALARM, LEAST, PAUSE = 4.0, 0.02, 38
#: How fast the usual share rises and falls.
RISE, FALL = 0.01, 0.1
#: The challenger sleeps when it has been of no use for so many blocks and the filter in charge leaves less than this share
#: of powers that are averaged at this pace.
PATIENCE, GOOD, SLOW = 375, 0.03, 0.01

#: Band of the loop, in shares of half the sample rate; the share of the near end that may be left for it to run.
LOCK_LOW, LOCK_HIGH, HEARD = 0.025, 0.5, 0.5
#: The share of a lag that the loop makes good at once, and what it adds to the pace for a lag of a whole block, each in a block of 8 ms.
PHASE_GAIN, PACE_GAIN, MOST_DRIFT = 0.024, 2.05e-4, 5e-4
#: A filter that leaves more than this share of the near end's power over a second, and has had so many blocks, does harm and is given up;
#: one that left less than the other share is proven, and is not given up any more: its count of blocks then.
HARM, TRIAL, PROOF, PROVEN = 1.03, 125, 0.4, -(2**62)
#: The share of the usual echo path's power that is expected after that falls by the first, down to the second, until a filter is proven;
#: the challenger must win for up to so many more blocks meanwhile.
MODEST, LEAST_PATH, PROBATION = 0.05, 0.001, 10

# places in `levels`
FAR, NEAR, ERROR, RIVAL_ERROR, USUAL, ENERGY, SLOW_NEAR, SLOW_ERROR, LACK = range(9)
LEVELS = 9
# places in `counts`
WON, AGE, SINCE, USELESS, AWAKE, TURN, HELD = range(7)
COUNTS = 7


class Linear(NamedTuple):
    """The state of the stage.

    Parameters
    ----------
    far : FarEnd
        The far end, as it comes.
    line : Line
        The far end, as it was read.
    main, rival : Filter
        The filter in charge and the challenger.
    prior : ndarray
        Float32 ``[partitions]``: the doubt of a filter that knows nothing.
    levels, counts : ndarray
        Float64 and int64, at the places named above.
    """

    far: FarEnd
    line: Line
    main: Filter
    rival: Filter
    prior: Floats
    levels: NDArray[np.float64]
    counts: NDArray[np.int64]


@numba.njit(nogil=True, cache=True)
def restart(filter_: Filter, prior: Floats, share: float) -> None:
    """Forget everything, and expect an echo path of this share of the usual power."""
    filter_.real[:] = 0
    filter_.imaginary[:] = 0
    for c in range(filter_.doubt.shape[0]):
        for k in range(filter_.doubt.shape[1]):
            filter_.doubt[c, k] = np.float32(share) * prior
    filter_.error[:] = 0


@numba.njit(nogil=True, cache=True)
def _take_over(linear: Linear) -> None:
    linear.main.real[:] = linear.rival.real
    linear.main.imaginary[:] = linear.rival.imaginary
    _doubt(linear)
    linear.main.error[:] = linear.rival.error
    linear.counts[HELD] = 0
    if linear.levels[LACK] > 0:  # what was before, without an echo, says nothing
        linear.levels[SLOW_NEAR] = linear.levels[SLOW_ERROR] = linear.levels[NEAR]


@numba.njit(nogil=True, cache=True)
def _doubt(linear: Linear) -> None:
    """Let the filter in charge learn fast."""
    doubt, share = linear.main.doubt, DOUBTFUL * (1 - linear.levels[LACK])
    for c in range(doubt.shape[0]):
        for k in range(doubt.shape[1]):
            doubt[c, k] = np.float32(share) * linear.prior


@numba.njit(nogil=True, cache=True)
def _power(block: Floats) -> float:
    total = 0.0
    for n in range(block.size):
        total += float(block[n]) * float(block[n])
    return total / block.size


@numba.njit(nogil=True, cache=True)
def run(
    near: Floats,
    far: Floats,
    error: Floats,
    echo: Floats,
    expected: Floats,
    notes: NDArray[np.int64],
    follow: bool,
    linear: Linear,
    room: Room,
    plans: Plans,
) -> None:
    """Cancel some blocks.

    Parameters
    ----------
    near, far : ndarray
        Float32 ``[blocks, b]`` and ``[blocks, b, channels]``.
    error, echo : ndarray
        Float32 ``[blocks, b]``: filled with what is left, and with the echo that was taken away.
    expected : ndarray
        Float32 ``[blocks, bins]``: filled with the power spectrum of the echo that may be left, as the filter in charge sees it.
    notes : ndarray
        Int64 ``[blocks]``: filled with 0 where the far end is silent, 1 where it speaks, 2 where the challenger took over.
    follow : bool
        Whether to follow the drift of clocks.
    """
    levels, counts = linear.levels, linear.counts
    bold, guess = np.empty_like(near[0]), np.empty_like(near[0])
    before, newest = np.zeros_like(far[0]), np.zeros_like(far[0])
    for block in range(near.shape[0]):
        write(linear.far, far[block])
        energy = _feed(linear, before, newest, room, plans)
        levels[FAR] = max(SINK * levels[FAR], energy)
        levels[ENERGY] = max(energy, 0.9 * levels[ENERGY])
        active = levels[ENERGY] > QUIET and levels[ENERGY] > FAR_BELOW * levels[FAR]
        estimate(linear.main, linear.line, room, plans, echo[block])
        for n in range(near.shape[1]):
            error[block, n] = near[block, n] - echo[block, n]
        notes[block] = 1 if active else 0
        expected[block] = 0
        if not active:
            continue
        counts[TURN] += 1
        levels[NEAR] += PACE * (_power(near[block]) - levels[NEAR])
        levels[ERROR] += PACE * (_power(error[block]) - levels[ERROR])
        transform(error[block], echo[block], room, plans)
        if follow:
            _lock(linear, near.shape[1], room)
        learn(linear.main, linear.line, KEEP, CAUTION, counts[TURN], room, plans)
        expected[block] = linear.main.expected
        _watch(levels, counts, linear)
        _give_up(linear)
        if counts[AWAKE] == 0:
            continue
        estimate(linear.rival, linear.line, room, plans, guess)
        for n in range(near.shape[1]):
            bold[n] = near[block, n] - guess[n]
        levels[RIVAL_ERROR] += PACE * (_power(bold) - levels[RIVAL_ERROR])
        transform(bold, guess, room, plans)
        learn(linear.rival, linear.line, BOLD_KEEP, BOLD_CAUTION, counts[TURN], room, plans)
        counts[AGE] += 1
        counts[WON] = counts[WON] + 1 if levels[RIVAL_ERROR] < BETTER * levels[ERROR] else 0
        if counts[WON] >= BLOCKS + PROBATION * levels[LACK]:
            _take_over(linear)
            levels[ERROR] = levels[RIVAL_ERROR]
            for n in range(near.shape[1]):
                error[block, n] = bold[n]
                echo[block, n] = guess[n]
            notes[block] = 2
            counts[WON] = counts[USELESS] = 0
        elif counts[AGE] > OLD and levels[RIVAL_ERROR] > HOPELESS * levels[ERROR]:
            _challenge(linear)


@numba.njit(nogil=True, cache=True)
def _feed(linear: Linear, before: Floats, newest: Floats, room: Room, plans: Plans) -> float:
    """Hand the next block of the far end on to the line; gives the mean power of its samples."""
    numbers, size = linear.far.numbers, newest.shape[0]
    if ahead(linear.far, size) < 0:  # the echo would come before its cause: there is nothing left to give
        numbers[PLACE] += ahead(linear.far, size)
        numbers[READ_PACE] = min(numbers[READ_PACE], 0.0)
    step = 1 + numbers[READ_PACE]
    read(linear.far, numbers[BEFORE], numbers[STEP], before)  # what was beyond the end then is there now
    read(linear.far, numbers[PLACE], step, newest)
    numbers[BEFORE], numbers[STEP] = numbers[PLACE], step
    numbers[PLACE] += size * step
    return push(linear.line, before, newest, room, plans)


@numba.njit(nogil=True, cache=True)
def delay(linear: Linear, blocks: int, works: bool, room: Room, plans: Plans) -> None:
    """Read the far end some blocks later (or earlier), and fill the line anew.

    What filters that work know moves along, so that their echo stays where it was; those that do not begin anew.
    """
    numbers, size, partitions = linear.far.numbers, linear.line.last.shape[0], linear.prior.size
    before, newest = np.zeros_like(linear.line.last), np.zeros_like(linear.line.last)
    step = 1 + numbers[READ_PACE]
    numbers[PLACE] -= (blocks + partitions) * size * step
    numbers[BEFORE], numbers[STEP] = numbers[PLACE] - size * step, step
    for _ in range(partitions):
        _feed(linear, before, newest, room, plans)
    linear.levels[LACK], linear.counts[HELD] = 0.0, -PATIENCE  # there is an echo, and what was done about it up to now says nothing
    for filter_ in (linear.main, linear.rival):
        if works:
            shift(filter_, blocks, linear.prior)
        else:
            restart(filter_, linear.prior, 1.0)


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def _lock(linear: Linear, size: int, room: Room) -> None:
    """Phase-locked loop: read the far end a little faster or slower, so that the estimate comes neither too late nor too early.

    With E and Y the spectra of error and estimate, which `transform` has put into the room, an echo that comes later by t leaves
    E = -j w t Y, and the near end is not correlated with Y.
    """
    levels, numbers = linear.levels, linear.far.numbers
    real, imaginary = room.pair_real, room.pair_imaginary
    turned, strong = 0.0, 0.0
    for k in range(int(LOCK_LOW * size), int(LOCK_HIGH * size)):
        w = np.pi * k / size
        yr, yi = real[k, 1], imaginary[k, 1]
        turned += w * (imaginary[k, 0] * yr - real[k, 0] * yi)
        strong += w * w * (yr * yr + yi * yi)
    numbers[TURNED] += PACE * (turned - numbers[TURNED])
    numbers[STRONG] += PACE * (strong - numbers[STRONG])
    if levels[ERROR] >= HEARD * levels[NEAR] or numbers[STRONG] < 1e-9:
        return
    late = min(max(-numbers[TURNED] / numbers[STRONG], -1.0), 1.0)
    numbers[PLACE] -= PHASE_GAIN * late
    numbers[READ_PACE] = min(max(numbers[READ_PACE] - PACE_GAIN * late / size, -MOST_DRIFT), MOST_DRIFT)


@numba.njit(nogil=True, cache=True)
def _give_up(linear: Linear) -> None:
    """Forget what does more harm than good: where there is no echo, filters learn from the near-end talker what is not there.

    From then on a weaker echo path is expected, until a filter has proved to be good. The challenger goes on expecting the usual one: so an
    echo that comes later is found.
    """
    levels, counts = linear.levels, linear.counts
    counts[HELD] += 1
    if levels[SLOW_ERROR] < PROOF * levels[SLOW_NEAR]:
        counts[HELD] = PROVEN
        if levels[LACK] > 0:  # there is an echo after all
            levels[LACK] = 0
            _doubt(linear)
    if levels[SLOW_ERROR] > HARM * levels[SLOW_NEAR] and counts[HELD] > TRIAL * (1 - 0.5 * levels[LACK]):
        levels[LACK] = 1 - max((1 - levels[LACK]) * MODEST, LEAST_PATH)
        restart(linear.main, linear.prior, 1 - levels[LACK])
        levels[ERROR], levels[SLOW_ERROR] = levels[NEAR], HARM / 2 * levels[SLOW_NEAR]
        counts[HELD] = 0
        _challenge(linear)


@numba.njit(nogil=True, cache=True)
def _challenge(linear: Linear) -> None:
    """Let the challenger begin anew."""
    restart(linear.rival, linear.prior, 1.0)
    linear.levels[RIVAL_ERROR] = linear.levels[NEAR]
    linear.counts[AGE] = linear.counts[WON] = linear.counts[SINCE] = 0
    linear.counts[AWAKE] = 1


@numba.njit(nogil=True, cache=True)
def _watch(levels: NDArray[np.float64], counts: NDArray[np.int64], linear: Linear) -> None:
    """Wake the challenger, or send it to sleep."""
    share = levels[ERROR] / (levels[NEAR] + 1e-12)
    levels[SLOW_NEAR] += SLOW * (levels[NEAR] - levels[SLOW_NEAR])
    levels[SLOW_ERROR] += SLOW * (levels[ERROR] - levels[SLOW_ERROR])
    good = levels[SLOW_ERROR] < GOOD * levels[SLOW_NEAR]  # over a second or so, for in pauses there is nothing but noise
    counts[SINCE] += 1
    counts[USELESS] += 1
    if (share > ALARM * levels[USUAL] and levels[ERROR] > LEAST * levels[SLOW_NEAR] and counts[SINCE] >= PAUSE) or (
        counts[AWAKE] == 0 and not good and counts[SINCE] >= OLD
    ):
        counts[USELESS] = 0
        _challenge(linear)
    elif counts[USELESS] > PATIENCE and good:
        counts[AWAKE] = 0
    levels[USUAL] += (RISE if share > levels[USUAL] else FALL) * (share - levels[USUAL])
