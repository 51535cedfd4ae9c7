"""The kernels that run a model: its output, one step ahead or on its own, and how that depends on each of its parameters.

A model is one form: with the regressors x (scaled inputs and outputs of the past) and z = (1, x),

    y[k] = sum_t c_t z_i z_j z_l  +  sum_h v_h s(b_h + sum_r W_hr x_r)

where s is the sigmoid or tanh. A linear model has only terms of one regressor, a polynomial one products of two or three as well, a
neural one units beside them. Parameters lie in one array: c, W row by row, b, v.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Scaled outputs beyond this have run away.
DIVERGENCE_LIMIT = 1e6
SIGMOID, TANH = 0, 1


@numba.njit(nogil=True, cache=True, error_model="numpy")
def activate(activation: int, total: float) -> float:
    """Output of a unit."""
    if activation == TANH:
        return math.tanh(total)
    return 1.0 / (1.0 + math.exp(-total))


@numba.njit(nogil=True, cache=True, error_model="numpy")
def activation_slope(activation: int, out: float) -> float:
    """Slope of a unit, by its output."""
    return 1.0 - out * out if activation == TANH else out * (1.0 - out)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def predict(x: Floats, theta: Floats, terms: Ints, hidden: int, activation: int) -> float:
    """The model's output for one row of regressors ``[r]``."""
    count, width = terms.shape[0], x.size
    total = 0.0
    for t in range(count):
        product = theta[t]
        for i in range(3):
            if terms[t, i] > 0:
                product *= x[terms[t, i] - 1]
        total += product
    first, bias, out = count, count + hidden * width, count + hidden * (width + 1)
    for h in range(hidden):
        s = theta[bias + h]
        for r in range(width):
            s += theta[first + h * width + r] * x[r]
        total += theta[out + h] * activate(activation, s)
    return total


@numba.njit(nogil=True, cache=True, error_model="numpy")
def predict_with_slopes(x: Floats, theta: Floats, terms: Ints, hidden: int, activation: int, by_theta: Floats, by_x: Floats) -> float:
    """Output, and its slopes by each parameter ``[p]`` and by each regressor ``[r]``: back-propagation, written out."""
    count, width = terms.shape[0], x.size
    by_x[:] = 0.0
    total = 0.0
    for t in range(count):
        product = 1.0
        for i in range(3):
            if terms[t, i] > 0:
                product *= x[terms[t, i] - 1]
        by_theta[t] = product
        total += theta[t] * product
        for i in range(3):
            if terms[t, i] > 0:
                rest = theta[t]
                for j in range(3):
                    if j != i and terms[t, j] > 0:
                        rest *= x[terms[t, j] - 1]
                by_x[terms[t, i] - 1] += rest
    first, bias, out = count, count + hidden * width, count + hidden * (width + 1)
    for h in range(hidden):
        s = theta[bias + h]
        for r in range(width):
            s += theta[first + h * width + r] * x[r]
        a = activate(activation, s)
        total += theta[out + h] * a
        delta = theta[out + h] * activation_slope(activation, a)
        by_theta[out + h] = a
        by_theta[bias + h] = delta
        for r in range(width):
            by_theta[first + h * width + r] = delta * x[r]
            by_x[r] += delta * theta[first + h * width + r]
    return total


@numba.njit(nogil=True, cache=True, error_model="numpy")
def predict_rows(rows: Floats, theta: Floats, terms: Ints, hidden: int, activation: int, out: Floats) -> None:
    """Outputs ``[n]`` for rows of regressors ``[n, r]``."""
    for k in range(rows.shape[0]):
        out[k] = predict(rows[k], theta, terms, hidden, activation)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def fill_regressors(x: Floats, u: Floats, past: Floats, k: int, na: int, nb: int, delay: int) -> bool:
    """The regressors at time k: u[k-delay] … u[k-delay-nb+1] of each input, then past[k-1] … past[k-na]. Whether all are known."""
    place = 0
    total = 0.0
    for j in range(u.shape[1]):
        for lag in range(nb):
            x[place] = u[k - delay - lag, j]
            total += x[place]
            place += 1
    for lag in range(1, na + 1):
        x[place] = past[k - lag]
        total += x[place]
        place += 1
    return not math.isnan(total)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def free_run(
    u: Floats, y: Floats, start: int, horizon: int, na: int, nb: int, delay: int,
    theta: Floats, terms: Ints, hidden: int, activation: int,
) -> Floats:  # fmt: skip
    """The model on its own outputs from `start` on, begun anew from measured ones after `horizon` samples and after missing inputs.

    Gives measured outputs before `start`, NaN where the regressors are not known, and infinity from where it runs away on, until it
    is begun anew.
    """
    out, past = y.copy(), y.copy()
    x = np.empty(u.shape[1] * nb + na)
    since = 0
    for k in range(start, y.size):
        if since == horizon:
            since = 0
            for lag in range(1, na + 1):
                past[k - lag] = y[k - lag]
        since += 1
        if not fill_regressors(x, u, past, k, na, nb, delay):
            out[k] = math.nan  # `past` keeps what was measured
            continue
        value = predict(x, theta, terms, hidden, activation)
        past[k] = out[k] = value if abs(value) < DIVERGENCE_LIMIT else math.inf
    return out


@numba.njit(nogil=True, cache=True, error_model="numpy")
def normal_equations(
    u: Floats, y: Floats, times: Ints, horizon: int, na: int, nb: int, delay: int,
    theta: Floats, terms: Ints, hidden: int, activation: int, normal: Floats, gradient: Floats,
) -> float:  # fmt: skip
    """Errors of free runs over the given times, begun anew after gaps and after `horizon` samples; infinite if it runs away.

    Adds the normal equations ``JᵀJ [p, p]`` and ``Jᵀe [p]``, and returns the sum of the squared errors. The slopes by the
    parameters run along with the output: S[k] = df/dtheta + sum_lag df/dy[k-lag] S[k-lag]. With a horizon of 1 this is one-step
    prediction.
    """
    size, first, chunk = theta.size, u.shape[1] * nb, 256
    x, by_x = np.empty(first + na), np.empty(first + na)
    past = y.copy()
    rows, errors = np.zeros((chunk + na, size)), np.zeros(chunk)
    cost, filled, since = 0.0, 0, 0
    for i in range(times.size):
        k = times[i]
        if i == 0 or since == horizon or times[i - 1] != k - 1:
            since = 0
            for lag in range(1, na + 1):
                past[k - lag] = y[k - lag]
        since += 1
        fill_regressors(x, u, past, k, na, nb, delay)
        row = rows[filled + na]
        value = predict_with_slopes(x, theta, terms, hidden, activation, row, by_x)
        if not abs(value) < DIVERGENCE_LIMIT:
            return math.inf
        for lag in range(1, min(na, since - 1) + 1):
            factor = by_x[first + lag - 1]
            before = rows[filled + na - lag]
            for p in range(size):
                row[p] += factor * before[p]
        past[k] = value
        errors[filled] = y[k] - value
        cost += errors[filled] * errors[filled]
        filled += 1
        if filled == chunk or i == times.size - 1:
            used = rows[na : na + filled]
            normal += used.T @ used
            gradient += used.T @ errors[:filled]
            for lag in range(na):
                rows[lag] = rows[filled + lag]
            filled = 0
    return cost
