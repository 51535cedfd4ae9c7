"""The kernel of `arx`: predict and learn, sample by sample, by LMS, NLMS or recursive least squares."""

from __future__ import annotations

import math

import numba
import numpy as np

from rtkit_sysid.kernel import Floats, Ints, fill_regressors, predict

LMS, NLMS, RLS = 0, 1, 2
#: Variance of a coefficient before anything is known, relative to 1 / mean square of its regressor. The factorised covariance bears
#: it; a plain one would lose all digits.
INITIAL_VARIANCE = 1e18
#: Forgetting enlarges no variance beyond this, measured likewise: where nothing is learned, nothing is forgotten.
WINDUP_LIMIT = 1e4
#: Samples over which the squares of regressors are averaged, and the share of that mean below which they count as silence.
POWER_SMOOTHING_SAMPLES, SILENCE_SHARE = 1000, 1e-10
#: Least mean square of a regressor at its first sample, relative to |regressors|²; that sample may happen to be tiny.
MIN_POWER_SHARE = 1e-12
#: Regularisation of the step of NLMS, relative to the mean of |regressors|², so that faint noise between signals is not learned from.
NLMS_REGULARISATION = 0.001
#: Squares beyond this are not learned from: they would overflow.
LARGEST_SQUARE = 1e100

_FAST = {"reassoc", "contract", "nsz"}  # sums may be reordered; NaN and Inf still count


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=_FAST)
def least_squares_step(
    slopes: Floats,
    error: float,
    theta: Floats,
    upper: Floats,
    variances: Floats,
    power: Floats,
    gain: Floats,
    forgetting: float,
    most: float,
) -> None:
    """One step of recursive least squares: `theta` and its covariance after one more row.

    The covariance is kept as U D Uᵀ, U unit upper triangular, D diagonal (Bierman's form): it stays symmetric and positive
    definite however long the run and however large it was at the beginning, and half of a matrix is all that is worked on.

    Parameters
    ----------
    slopes : ndarray
        ``[p]``: the regressors, or the slopes of a model by its parameters, at which it is taken as linear.
    error : float
        What was measured less what was predicted.
    theta : ndarray
        Parameters ``[p]``; corrected.
    upper, variances : ndarray
        U, ``[p, p]``, column by column (``upper[j, i]`` with i < j is U_ij), and D ``[p]``; brought up to date.
    power : ndarray
        Mean squares of the slopes ``[p]``, by which variances are judged.
    gain : ndarray
        ``[p]``, for work.
    forgetting : float
        Factor by which the weight of a row falls with each later one.
    most : float
        Variance in D, times `power`, above which forgetting does not enlarge it.

    References
    ----------
    G. J. Bierman, Factorization Methods for Discrete Sequential Estimation (1977), chapter V. L. Ljung, T. Söderström, Theory
    and Practice of Recursive Identification (1983), section 6.2.
    """
    total = forgetting
    growth = inverse = 1.0 / forgetting
    for j in range(theta.size):
        column = upper[j]
        along = slopes[j]
        for i in range(j):
            along += column[i] * slopes[i]
        spread = variances[j] * along
        before = total
        total += spread * along
        share = -along * inverse
        inverse = 1.0 / total  # the one division of a round
        variances[j] *= before * inverse
        if variances[j] * power[j] < most:
            variances[j] *= growth
        for i in range(j):
            kept = column[i]
            column[i] = kept + share * gain[i]
            gain[i] += spread * kept
        gain[j] = spread
    step = error * inverse
    for j in range(theta.size):
        theta[j] += step * gain[j]


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=_FAST)
def run(
    u: Floats, y: Floats, start: int, na: int, nb: int, delay: int, terms: Ints, theta: Floats, upper: Floats, variances: Floats,
    power: Floats, learned: Ints, rule: int, learn: bool, step_size: float, forgetting: float, out: Floats,
) -> None:  # fmt: skip
    """Predict each sample from `start` on, and learn from it.

    Parameters
    ----------
    u, y : ndarray
        Inputs ``[start + n, m]`` and output ``[start + n]``, scaled, with the `start` samples before these; NaN where missing.
    start, na, nb, delay : int
        The first sample to predict, and the lags.
    terms, theta : ndarray
        The model, as `rtkit_sysid.kernel` has it, without hidden units; `theta` is corrected.
    upper, variances : ndarray
        Covariance of `theta`; see `least_squares_step`. Only RLS uses them.
    power : ndarray
        Mean squares of the terms ``[p]``; 0 before the first that is not 0.
    learned : ndarray
        ``[1]``: rows learned from; counted up.
    rule : int
        LMS, NLMS, RLS.
    learn : bool
        Whether to learn at all.
    step_size, forgetting : float
        As for `Arx`.
    out : ndarray
        Predictions ``[n]``, scaled; NaN where a regressor is not known.
    """
    count = theta.size
    x = np.ones(u.shape[1] * nb + na + 1)
    lags = x[1:]
    phi, gain = np.ones(count), np.ones(count)
    for k in range(start, y.size):
        if not fill_regressors(lags, u, y, k, na, nb, delay):
            out[k - start] = math.nan
            continue
        if not learn:
            out[k - start] = predict(lags, theta, terms, 0, 0)
            continue
        value, energy = 0.0, 0.0
        for t in range(count):
            phi[t] = x[terms[t, 0]] * x[terms[t, 1]] * x[terms[t, 2]]
        for t in range(count):
            value += theta[t] * phi[t]
            energy += phi[t] * phi[t]
        out[k - start] = value
        error = y[k] - value
        if not (0 < energy < LARGEST_SQUARE and abs(error) < LARGEST_SQUARE):  # a missing y[k] fails this
            continue
        learned[0] += 1
        usual = 0.0
        for t in range(count):
            square = phi[t] * phi[t]
            if square > SILENCE_SHARE * power[t]:
                if power[t] == 0:
                    power[t] = max(square, MIN_POWER_SHARE * energy)
                    if rule == RLS:
                        variances[t] = INITIAL_VARIANCE / power[t]
                power[t] += (square - power[t]) / POWER_SMOOTHING_SAMPLES
            usual += power[t]
        if rule == RLS:
            least_squares_step(phi, error, theta, upper, variances, power, gain, forgetting, WINDUP_LIMIT)
            continue
        step = (
            min(step_size, 1.0 / energy) if rule == LMS else step_size / (energy + NLMS_REGULARISATION * usual)
        )  # more would not be stable
        for t in range(count):
            theta[t] += step * error * phi[t]
