"""Kernel: the linear stage of `echo`, a Kalman filter with a shadow filter that begins anew when the first one may have lost the echo path.

A filter with a small error variance keeps the near end whole and reaches deep, but locks up when the echo path changes. The shadow filter
starts from nothing, takes large steps, and takes the place of the main filter as soon as it is clearly better (two-path model: K. Ochiai,
T. Araseki, T. Ogihara, "Echo canceler with two echo path models", IEEE Transactions on Communications 25, 1977).
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_echo.far_kernel import IN_PHASE, LAST_POSITION, LAST_STEP, POSITION, QUADRATURE, RATE_OFFSET, FarEnd, ahead, read, write
from rtkit_echo.kalman_kernel import Filter, Floats, Line, Plans, Workspace, estimate, learn, push, shift, transform

#: Kalman model of the main filter: how much of the echo path stays from block to block of 8 ms, and the weight of the error's power
#: (2 in theory, for the half of each transform that holds no error).
MAIN_TRANSITION, MAIN_ERROR_WEIGHT = 0.9999, 2.0
#: Of the shadow filter.
SHADOW_TRANSITION, SHADOW_ERROR_WEIGHT = 0.999, 1.0
#: Mean power of a far-end sample below which the far end is silent: -70 dBFS, and 60 dB below its own level.
FAR_SILENCE_POWER, FAR_SILENCE_SHARE = 1e-7, 1e-6
#: Smoothing of powers, a block, and how fast the far end's level sinks.
POWER_SMOOTHING, FAR_LEVEL_DECAY = 0.1, 0.999
#: The shadow filter takes over with less than this share of the main filter's error power, for so many blocks.
TAKEOVER_SHARE, TAKEOVER_BLOCKS = 0.5, 6
#: What it learned in a moment is not to be relied on: its error variance is then set to so many times that of an untrained filter.
TAKEOVER_VARIANCE = 4.0
#: The shadow filter is reset when it is so many blocks old and leaves more than this share of the main filter's error; or at once on a
#: suspected change of the echo path: the main filter leaves so many times its usual share of the near end, and more than the least share
#: of its power over a second. At most every so many blocks.
SHADOW_TRIAL_BLOCKS, SHADOW_RESET_SHARE = 125, 0.7
PATH_CHANGE_RATIO, PATH_CHANGE_SHARE, SHADOW_PAUSE_BLOCKS = 4.0, 0.02, 38
#: How fast the usual share rises and falls.
USUAL_RISE, USUAL_FALL = 0.01, 0.1
#: The shadow filter sleeps when it was of no use for so many blocks and the main filter leaves less than this share of the near end, of
#: powers with this smoothing.
SLEEP_AFTER_BLOCKS, SLEEP_SHARE, SLOW_SMOOTHING = 375, 0.03, 0.01

#: Band of the phase-locked loop, in shares of half the sample rate; the share of the near end that may be left for it to run.
PLL_LOW, PLL_HIGH, PLL_ERROR_SHARE = 0.025, 0.5, 0.5
#: Loop gains, each in a block of 8 ms: the share of a lag that is made good at once, and what is added to the rate offset for a lag of a
#: whole block; and the largest rate offset.
PLL_PHASE_GAIN, PLL_RATE_GAIN, MAX_DRIFT = 0.024, 2.05e-4, 5e-4
#: A filter that leaves more than this share of the near end's power over a second, and is so many blocks old, has diverged and is reset;
#: one that left less than the other share is proven, and is not reset any more: its age then.
DIVERGED_SHARE, TRIAL_BLOCKS, PROVEN_SHARE, PROVEN = 1.03, 125, 0.4, -(2**62)
#: With each reset the prior power of the echo path falls by the first, down to the second share of the usual one, until a filter is
#: proven; the shadow filter must be better for up to so many more blocks meanwhile.
PRIOR_REDUCTION, LEAST_PRIOR, PROBATION_BLOCKS = 0.05, 0.001, 10

# places in `levels`
FAR_LEVEL, NEAR, ERROR, SHADOW_ERROR, USUAL_SHARE, FAR_POWER, SLOW_NEAR, SLOW_ERROR, PRIOR_LACK = range(9)
LEVELS = 9
# places in `counts`
SHADOW_WINS, SHADOW_AGE, SINCE_RESTART, SHADOW_IDLE, SHADOW_ACTIVE, TURN, MAIN_AGE = range(7)
COUNTS = 7


class LinearState(NamedTuple):
    """The state of the stage.

    Parameters
    ----------
    far : FarEnd
        The far end, as it comes.
    line : Line
        The far end, as it was read.
    main, shadow : Filter
        The filter whose output counts, and the one that may take over.
    prior : ndarray
        Float32 ``[partitions]``: the error variance of an untrained filter.
    levels, counts : ndarray
        Float64 and int64, at the places named above.
    """

    far: FarEnd
    line: Line
    main: Filter
    shadow: Filter
    prior: Floats
    levels: NDArray[np.float64]
    counts: NDArray[np.int64]


@numba.njit(nogil=True, cache=True)
def restart(filter_: Filter, prior: Floats, share: float) -> None:
    """Reset a filter, with a prior echo path of this share of the usual power."""
    filter_.real[:] = 0
    filter_.imaginary[:] = 0
    for c in range(filter_.variance.shape[0]):
        for k in range(filter_.variance.shape[1]):
            filter_.variance[c, k] = np.float32(share) * prior
    filter_.error[:] = 0


@numba.njit(nogil=True, cache=True)
def _take_over(linear: LinearState) -> None:
    linear.main.real[:] = linear.shadow.real
    linear.main.imaginary[:] = linear.shadow.imaginary
    _raise_variance(linear)
    linear.main.error[:] = linear.shadow.error
    linear.counts[MAIN_AGE] = 0
    if linear.levels[PRIOR_LACK] > 0:  # what was before, without an echo, says nothing
        linear.levels[SLOW_NEAR] = linear.levels[SLOW_ERROR] = linear.levels[NEAR]


@numba.njit(nogil=True, cache=True)
def _raise_variance(linear: LinearState) -> None:
    """Raise the main filter's error variance, so that it takes large steps."""
    variance, share = linear.main.variance, TAKEOVER_VARIANCE * (1 - linear.levels[PRIOR_LACK])
    for c in range(variance.shape[0]):
        for k in range(variance.shape[1]):
            variance[c, k] = np.float32(share) * linear.prior


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
    activity: NDArray[np.int64],
    follow: bool,
    linear: LinearState,
    workspace: Workspace,
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
        Float32 ``[blocks, bins]``: filled with the power spectrum of the residual echo that the main filter's error variance lets expect.
    activity : ndarray
        Int64 ``[blocks]``: filled with 0 where the far end is silent, 1 where it is active, 2 where the shadow filter took over.
    follow : bool
        Whether to follow the drift of clocks.
    """
    levels, counts = linear.levels, linear.counts
    shadow_error, shadow_echo = np.empty_like(near[0]), np.empty_like(near[0])
    before, newest = np.zeros_like(far[0]), np.zeros_like(far[0])
    for block in range(near.shape[0]):
        write(linear.far, far[block])
        energy = _feed(linear, before, newest, workspace, plans)
        levels[FAR_LEVEL] = max(FAR_LEVEL_DECAY * levels[FAR_LEVEL], energy)
        levels[FAR_POWER] = max(energy, 0.9 * levels[FAR_POWER])
        active = levels[FAR_POWER] > FAR_SILENCE_POWER and levels[FAR_POWER] > FAR_SILENCE_SHARE * levels[FAR_LEVEL]
        estimate(linear.main, linear.line, workspace, plans, echo[block])
        for n in range(near.shape[1]):
            error[block, n] = near[block, n] - echo[block, n]
        activity[block] = 1 if active else 0
        expected[block] = 0
        if not active:
            continue
        counts[TURN] += 1
        levels[NEAR] += POWER_SMOOTHING * (_power(near[block]) - levels[NEAR])
        levels[ERROR] += POWER_SMOOTHING * (_power(error[block]) - levels[ERROR])
        transform(error[block], echo[block], workspace, plans)
        if follow:
            _follow_drift(linear, near.shape[1], workspace)
        learn(linear.main, linear.line, MAIN_TRANSITION, MAIN_ERROR_WEIGHT, counts[TURN], workspace, plans)
        expected[block] = linear.main.expected
        _control_shadow(levels, counts, linear)
        _reset_diverged(linear)
        if counts[SHADOW_ACTIVE] == 0:
            continue
        estimate(linear.shadow, linear.line, workspace, plans, shadow_echo)
        for n in range(near.shape[1]):
            shadow_error[n] = near[block, n] - shadow_echo[n]
        levels[SHADOW_ERROR] += POWER_SMOOTHING * (_power(shadow_error) - levels[SHADOW_ERROR])
        transform(shadow_error, shadow_echo, workspace, plans)
        learn(linear.shadow, linear.line, SHADOW_TRANSITION, SHADOW_ERROR_WEIGHT, counts[TURN], workspace, plans)
        counts[SHADOW_AGE] += 1
        counts[SHADOW_WINS] = counts[SHADOW_WINS] + 1 if levels[SHADOW_ERROR] < TAKEOVER_SHARE * levels[ERROR] else 0
        if counts[SHADOW_WINS] >= TAKEOVER_BLOCKS + PROBATION_BLOCKS * levels[PRIOR_LACK]:
            _take_over(linear)
            levels[ERROR] = levels[SHADOW_ERROR]
            for n in range(near.shape[1]):
                error[block, n] = shadow_error[n]
                echo[block, n] = shadow_echo[n]
            activity[block] = 2
            counts[SHADOW_WINS] = counts[SHADOW_IDLE] = 0
        elif counts[SHADOW_AGE] > SHADOW_TRIAL_BLOCKS and levels[SHADOW_ERROR] > SHADOW_RESET_SHARE * levels[ERROR]:
            _restart_shadow(linear)


@numba.njit(nogil=True, cache=True)
def _feed(linear: LinearState, before: Floats, newest: Floats, workspace: Workspace, plans: Plans) -> float:
    """Hand the next block of the far end on to the line; gives the mean power of its samples."""
    numbers, size = linear.far.numbers, newest.shape[0]
    if ahead(linear.far, size) < 0:  # the echo would come before its cause: there is nothing left to give
        numbers[POSITION] += ahead(linear.far, size)
        numbers[RATE_OFFSET] = min(numbers[RATE_OFFSET], 0.0)
    step = 1 + numbers[RATE_OFFSET]
    read(linear.far, numbers[LAST_POSITION], numbers[LAST_STEP], before)  # what was beyond the end then is there now
    read(linear.far, numbers[POSITION], step, newest)
    numbers[LAST_POSITION], numbers[LAST_STEP] = numbers[POSITION], step
    numbers[POSITION] += size * step
    return push(linear.line, before, newest, workspace, plans)


@numba.njit(nogil=True, cache=True)
def move_delay(linear: LinearState, blocks: int, works: bool, workspace: Workspace, plans: Plans) -> None:
    """Read the far end some blocks later (or earlier), and fill the line anew.

    The weights of filters that work move along, so that their echo stays where it was; those that do not are reset.
    """
    numbers, size, partitions = linear.far.numbers, linear.line.last.shape[0], linear.prior.size
    before, newest = np.zeros_like(linear.line.last), np.zeros_like(linear.line.last)
    step = 1 + numbers[RATE_OFFSET]
    numbers[POSITION] -= (blocks + partitions) * size * step
    numbers[LAST_POSITION], numbers[LAST_STEP] = numbers[POSITION] - size * step, step
    for _ in range(partitions):
        _feed(linear, before, newest, workspace, plans)
    # There is an echo, and what was done about it up to now says nothing.
    linear.levels[PRIOR_LACK], linear.counts[MAIN_AGE] = 0.0, -SLEEP_AFTER_BLOCKS
    for filter_ in (linear.main, linear.shadow):
        if works:
            shift(filter_, blocks, linear.prior)
        else:
            restart(filter_, linear.prior, 1.0)


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def _follow_drift(linear: LinearState, size: int, workspace: Workspace) -> None:
    """Phase-locked loop on the drift of clocks: read the far end a little faster or slower, so that the echo estimate comes in time.

    With E and Y the spectra of error and estimate, which `transform` has put into the workspace, an echo that comes later by t leaves
    E = -j w t Y, and the near end is not correlated with Y.
    """
    levels, numbers = linear.levels, linear.far.numbers
    real, imaginary = workspace.pair_real, workspace.pair_imaginary
    quadrature, in_phase = 0.0, 0.0
    for k in range(int(PLL_LOW * size), int(PLL_HIGH * size)):
        w = np.pi * k / size
        yr, yi = real[k, 1], imaginary[k, 1]
        quadrature += w * (imaginary[k, 0] * yr - real[k, 0] * yi)
        in_phase += w * w * (yr * yr + yi * yi)
    numbers[QUADRATURE] += POWER_SMOOTHING * (quadrature - numbers[QUADRATURE])
    numbers[IN_PHASE] += POWER_SMOOTHING * (in_phase - numbers[IN_PHASE])
    if levels[ERROR] >= PLL_ERROR_SHARE * levels[NEAR] or numbers[IN_PHASE] < 1e-9:
        return
    late = min(max(-numbers[QUADRATURE] / numbers[IN_PHASE], -1.0), 1.0)
    numbers[POSITION] -= PLL_PHASE_GAIN * late
    numbers[RATE_OFFSET] = min(max(numbers[RATE_OFFSET] - PLL_RATE_GAIN * late / size, -MAX_DRIFT), MAX_DRIFT)


@numba.njit(nogil=True, cache=True)
def _reset_diverged(linear: LinearState) -> None:
    """Reset a filter that has diverged: where there is no echo, filters learn from the near-end talker what is not there.

    From then on the prior echo path is weaker, until a filter is proven. The shadow filter goes on with the usual prior: so an echo that
    comes later is found.
    """
    levels, counts = linear.levels, linear.counts
    counts[MAIN_AGE] += 1
    if levels[SLOW_ERROR] < PROVEN_SHARE * levels[SLOW_NEAR]:
        counts[MAIN_AGE] = PROVEN
        if levels[PRIOR_LACK] > 0:  # there is an echo after all
            levels[PRIOR_LACK] = 0
            _raise_variance(linear)
    if levels[SLOW_ERROR] > DIVERGED_SHARE * levels[SLOW_NEAR] and counts[MAIN_AGE] > TRIAL_BLOCKS * (1 - 0.5 * levels[PRIOR_LACK]):
        levels[PRIOR_LACK] = 1 - max((1 - levels[PRIOR_LACK]) * PRIOR_REDUCTION, LEAST_PRIOR)
        restart(linear.main, linear.prior, 1 - levels[PRIOR_LACK])
        levels[ERROR], levels[SLOW_ERROR] = levels[NEAR], DIVERGED_SHARE / 2 * levels[SLOW_NEAR]
        counts[MAIN_AGE] = 0
        _restart_shadow(linear)


@numba.njit(nogil=True, cache=True)
def _restart_shadow(linear: LinearState) -> None:
    """Reset the shadow filter and wake it."""
    restart(linear.shadow, linear.prior, 1.0)
    linear.levels[SHADOW_ERROR] = linear.levels[NEAR]
    linear.counts[SHADOW_AGE] = linear.counts[SHADOW_WINS] = linear.counts[SINCE_RESTART] = 0
    linear.counts[SHADOW_ACTIVE] = 1


@numba.njit(nogil=True, cache=True)
def _control_shadow(levels: NDArray[np.float64], counts: NDArray[np.int64], linear: LinearState) -> None:
    """Wake the shadow filter, or send it to sleep."""
    share = levels[ERROR] / (levels[NEAR] + 1e-12)
    levels[SLOW_NEAR] += SLOW_SMOOTHING * (levels[NEAR] - levels[SLOW_NEAR])
    levels[SLOW_ERROR] += SLOW_SMOOTHING * (levels[ERROR] - levels[SLOW_ERROR])
    good = levels[SLOW_ERROR] < SLEEP_SHARE * levels[SLOW_NEAR]  # over a second or so, for in pauses there is nothing but noise
    counts[SINCE_RESTART] += 1
    counts[SHADOW_IDLE] += 1
    path_changed = share > PATH_CHANGE_RATIO * levels[USUAL_SHARE] and levels[ERROR] > PATH_CHANGE_SHARE * levels[SLOW_NEAR]
    is_needed = counts[SHADOW_ACTIVE] == 0 and not good
    since = counts[SINCE_RESTART]
    if (path_changed and since >= SHADOW_PAUSE_BLOCKS) or (is_needed and since >= SHADOW_TRIAL_BLOCKS):
        counts[SHADOW_IDLE] = 0
        _restart_shadow(linear)
    elif counts[SHADOW_IDLE] > SLEEP_AFTER_BLOCKS and good:
        counts[SHADOW_ACTIVE] = 0
    levels[USUAL_SHARE] += (USUAL_RISE if share > levels[USUAL_SHARE] else USUAL_FALL) * (share - levels[USUAL_SHARE])
