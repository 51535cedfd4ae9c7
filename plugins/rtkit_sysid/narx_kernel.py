"""The kernel of `narx`: predict and learn, sample by sample, by stochastic gradient or recursive Gauss-Newton steps."""

from __future__ import annotations

import math

import numba
import numpy as np

from rtkit_sysid.arx_kernel import LARGEST_SQUARE, least_squares_step
from rtkit_sysid.kernel import Floats, Ints, fill_regressors, predict, predict_with_slopes

SGD, EKF = 0, 1
#: Variance of the parameters before anything is learned, relative to that of the noise: of the size of the parameters, where the model
#: is near to linear.
INITIAL_VARIANCE = 100.0


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def run(
    u: Floats, y: Floats, start: int, na: int, nb: int, delay: int, terms: Ints, hidden: int, activation: int, theta: Floats,
    upper: Floats, variances: Floats, learned: Ints, rule: int, learn: bool, step_size: float, forgetting: float, out: Floats,
) -> None:  # fmt: skip
    """Predict each sample from `start` on, and learn from it.

    Parameters
    ----------
    u, y : ndarray
        Inputs ``[start + n, m]`` and output ``[start + n]``, scaled, with the `start` samples before these; NaN where missing.
    start, na, nb, delay : int
        The first sample to predict, and the lags.
    terms, hidden, activation, theta
        The model, as `rtkit_sysid.kernel` has it; `theta` is corrected.
    upper, variances : ndarray
        Covariance of `theta`; see `least_squares_step`. Only EKF uses them.
    learned : ndarray
        ``[1]``: rows learned from; counted up.
    rule : int
        SGD, EKF.
    learn : bool
        Whether to learn at all.
    step_size, forgetting : float
        As for `Narx`.
    out : ndarray
        Predictions ``[n]``, scaled; NaN where a regressor is not known.
    """
    x = np.empty(u.shape[1] * nb + na)
    by_theta, by_x = np.empty(theta.size), np.empty(x.size)
    gain, unit_power = np.empty(theta.size), np.ones(theta.size)  # scaled regressors and units are of one size
    for k in range(start, y.size):
        if not fill_regressors(x, u, y, k, na, nb, delay):
            out[k - start] = math.nan
            continue
        if not learn:
            out[k - start] = predict(x, theta, terms, hidden, activation)
            continue
        value = predict_with_slopes(x, theta, terms, hidden, activation, by_theta, by_x)
        out[k - start] = value
        error, energy = y[k] - value, 1.0
        for p in range(theta.size):
            energy += by_theta[p] * by_theta[p]
        if not (energy < LARGEST_SQUARE and abs(error) < LARGEST_SQUARE):  # a missing y[k] fails this
            continue
        learned[0] += 1
        if rule == EKF:
            least_squares_step(by_theta, error, theta, upper, variances, unit_power, gain, forgetting, INITIAL_VARIANCE)
            continue
        step = step_size * error / energy
        for p in range(theta.size):
            theta[p] += step * by_theta[p]
