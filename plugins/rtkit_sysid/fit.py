"""Parameters of a model from a record: least squares, and Levenberg-Marquardt on one-step or free-run errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rtkit_sysid import kernel
from rtkit_sysid.predictor import Form
from rtkit_sysid.regressors import Floats, regressor_rows, usable_times

#: Errors, ``JᵀJ``, ``Jᵀe`` of some parameters.
Evaluate = Callable[[Floats], tuple[float, Floats, Floats]]

#: Steps that lower the error by less than this part of it are the last.
LEAST_GAIN = 1e-7
#: Damping at the start, where it gives up, and the least; relative to the diagonal of ``JᵀJ``.
DAMPING, MOST_DAMPING, LEAST_DAMPING = 1e-2, 1e10, 1e-14
#: Directions weaker than this, relative to the strongest, are as good as none.
MIN_SINGULAR_RATIO = 1e-12
#: Penalty on the squared weights of products, for each sample: enough against products that are the same.
RIDGE = 1e-7
#: Samples taken at a time by least squares.
CHUNK_SAMPLES = 4096
#: A scaled regressor whose rms is below this is 0 but for rounding.
ZERO_RMS = 1e-10
#: A horizon that no record reaches: one free run.
WHOLE = 10**9


@dataclass(frozen=True, slots=True)
class ScaledRecord:
    """A stretch of a record as a model sees it, scaled: inputs ``[n, m]``, output ``[n]``, and the times that can be predicted."""

    u: Floats
    y: Floats
    times: np.ndarray[tuple[int], np.dtype[np.int64]]

    @classmethod
    def of(cls, form: Form, u: Floats, y: Floats) -> ScaledRecord:
        """All of a record that this form can predict."""
        return cls(u, y, usable_times(u, y, form.order))


def least_squares(form: Form, record: ScaledRecord) -> Floats:
    """Weights of the terms that make the one-step error least, 0 for units, if there are any.

    By orthogonal triangles, chunk by chunk, so that neither a long record nor regressors that are nearly the same do harm; products are
    held back by a very small penalty.
    """
    size, count = len(form.terms), len(record.times)
    bent = (form.terms > 0).sum(axis=1) > 1
    triangle = np.diag(np.append(np.sqrt(RIDGE * count) * bent, 0.0))
    for begin in range(0, count, CHUNK_SAMPLES):
        times = record.times[begin : begin + CHUNK_SAMPLES]
        columns = term_columns(form, regressor_rows(record.u, record.y, form.order, times))
        triangle = np.asarray(np.linalg.qr(np.vstack([triangle, np.column_stack([columns, record.y[times]])]), mode="r"))
    lengths = np.sqrt(np.square(triangle[:, :size]).sum(axis=0))
    scale = np.where(lengths > ZERO_RMS * np.sqrt(count), lengths, np.inf)  # what is always 0 tells nothing, and gets the weight 0
    theta = np.zeros(form.size)
    theta[:size] = np.linalg.lstsq(triangle[:, :size] / scale, triangle[:, size], rcond=MIN_SINGULAR_RATIO)[0] / scale
    return theta


def term_columns(form: Form, regressors: Floats) -> Floats:
    """Values ``[n, t]`` of the terms for rows of regressors ``[n, r]``."""
    extended = np.column_stack([np.ones(len(regressors)), regressors])
    return np.asarray(np.prod(extended[:, form.terms], axis=2))


def errors_of(form: Form, record: ScaledRecord, horizon: int = WHOLE) -> Evaluate:
    """The errors of free runs of `horizon` samples each (1: one-step prediction), as a function of the parameters."""
    order = form.order

    def evaluate(theta: Floats) -> tuple[float, Floats, Floats]:
        normal, gradient = np.zeros((form.size, form.size)), np.zeros(form.size)
        lags = order.na, order.nb, order.delay
        cost = kernel.normal_equations(record.u, record.y, record.times, horizon, *lags, theta, *form.kernel_form, normal, gradient)
        return cost, normal, gradient

    return evaluate


def levenberg_marquardt(evaluate: Evaluate, theta: Floats, steps: int, watch: Callable[[Floats], bool] | None = None) -> Floats:
    """Levenberg-Marquardt.

    Parameters
    ----------
    evaluate : callable
        As of `errors_of`.
    theta : ndarray
        Where to begin.
    steps : int
        At the most.
    watch : callable, optional
        Told the parameters after each step; False ends it.

    References
    ----------
    D. W. Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", SIAM Journal 11 (1963); the damping
    follows the ratio of real to predicted gain, after H. B. Nielsen, IMM-REP-1999-05.
    """
    cost, normal, gradient = evaluate(theta)
    if not math.isfinite(cost):
        return theta
    damping, rise = DAMPING, 2.0
    for _ in range(steps):
        while True:
            diagonal = np.diag(normal)
            ridge = damping * np.maximum(diagonal, MIN_SINGULAR_RATIO * diagonal.max())
            step = np.linalg.solve(normal + np.diag(ridge), gradient)
            found = evaluate(theta + step)
            if found[0] < cost:
                break
            damping, rise = damping * rise, 2 * rise
            if not damping < MOST_DAMPING:
                return theta
        promised = step @ (ridge * step + gradient)
        gain = cost - found[0]
        ratio = gain / promised if promised > 0 else 1.0
        damping, rise = max(damping * max(0.1, 1 - (2 * ratio - 1) ** 3), LEAST_DAMPING), 2.0
        theta = theta + step
        small = gain < LEAST_GAIN * cost
        cost, normal, gradient = found
        if (watch is not None and not watch(theta)) or small:
            break
    return theta


def with_penalty(evaluate: Evaluate, penalty: Floats) -> Evaluate:
    """The same with ``sum_p penalty_p theta_p²`` added to the squared errors."""

    def penalised(theta: Floats) -> tuple[float, Floats, Floats]:
        cost, normal, gradient = evaluate(theta)
        return cost + float(theta @ (penalty * theta)), normal + np.diag(penalty), gradient - penalty * theta

    return penalised
