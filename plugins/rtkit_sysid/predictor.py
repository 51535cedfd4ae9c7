"""What predicts one output: a form of function of the regressors, the scales of the channels, and the parameters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rtkit_sysid.regressors import Floats, Order, regressor_rows, usable_times

ACTIVATIONS = ("sigmoid", "tanh")
#: Changes below this, relative to the values, are rounding.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Form:
    """Which function of its regressors a model is; `rtkit_sysid.kernel` has the formula.

    Parameters
    ----------
    order : Order
        The regressors.
    inputs : int
        Number of inputs.
    terms : ndarray
        int64 ``[t, 3]``: products of up to three regressors, each by its number from 1 on; 0 for none; all 0 is the constant.
    hidden : int
        Units.
    activation : str
        Of the units.
    """

    order: Order
    inputs: int
    terms: NDArray[np.int64]
    hidden: int = 0
    activation: Literal["sigmoid", "tanh"] = "tanh"

    @property
    def width(self) -> int:
        """Number of regressors."""
        return self.order.width(self.inputs)

    @property
    def size(self) -> int:
        """Number of parameters: a weight a term, then `hidden` rows of `width` weights, `hidden` biases, `hidden` weights."""
        return len(self.terms) + self.hidden * (self.width + 2)

    @property
    def kernel_form(self) -> tuple[NDArray[np.int64], int, int]:
        """Terms, units and activation as the kernels take them."""
        return self.terms, self.hidden, ACTIVATIONS.index(self.activation)


def products(width: int, degree: int, among: Sequence[int] | None = None, constant: bool = True) -> NDArray[np.int64]:
    """Terms of a polynomial: the constant, every regressor, and all products of up to `degree` of those with the numbers `among`."""
    terms = [(0, 0, 0)] * constant + [(number + 1, 0, 0) for number in range(width)]
    for power in range(2, degree + 1):
        for chosen in itertools.combinations_with_replacement(range(width) if among is None else among, power):
            terms.append((*(number + 1 for number in chosen), *(0,) * (3 - power)))  # type: ignore[arg-type]
    return np.array(terms, np.int64).reshape(-1, 3)


@dataclass(frozen=True, slots=True)
class Scale:
    """Means and scales of inputs ``[m]`` and output, by which a model sees them."""

    u_mean: Floats
    u_scale: Floats
    y_mean: float
    y_scale: float

    @classmethod
    def of(cls, u: Floats, y: Floats) -> Scale:
        """Mean and standard deviation of what is known of a record; 1 where that is 0."""
        u_scale = np.array([1.0 if is_constant(column) else np.nanstd(column) for column in u.T])
        return cls(np.nanmean(u, axis=0), u_scale, float(np.nanmean(y)), 1.0 if is_constant(y) else float(np.nanstd(y)))

    @classmethod
    def none(cls, inputs: int) -> Scale:
        """No scaling."""
        return cls(np.zeros(inputs), np.ones(inputs), 0.0, 1.0)

    def apply(self, u: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Inputs ``[n, m]`` and output ``[n]`` as the model sees them."""
        return np.ascontiguousarray((u - self.u_mean) / self.u_scale), np.ascontiguousarray((y - self.y_mean) / self.y_scale)


@dataclass(frozen=True, slots=True)
class Predictor:
    """One output as a function of the past: form, scale, parameters.

    Parameters
    ----------
    form : Form
        The function.
    scale : Scale
        How inputs and output are scaled before.
    theta : ndarray
        ``[form.size]``.
    """

    form: Form
    scale: Scale
    theta: Floats

    def one_step(self, u: Floats, y: Floats) -> Floats:
        """Prediction ``[n]`` of each output from the measured past; NaN where that is not known."""
        from rtkit_sysid import kernel

        scaled_u, scaled_y = self.scale.apply(u, y)
        times = usable_times(u, np.where(np.isfinite(y), y, np.nan), self.form.order)
        values = np.empty(len(times))
        kernel.predict_rows(regressor_rows(scaled_u, scaled_y, self.form.order, times), self.theta, *self.form.kernel_form, values)
        out = np.full(len(y), np.nan)
        out[times] = values * self.scale.y_scale + self.scale.y_mean
        return out

    def free_run(self, u: Floats, y: Floats, initial: int | None = None, horizon: int | None = None) -> Floats:
        """The model on its own: after `initial` measured samples it sees its own outputs, until a gap in the inputs begins it anew.

        Parameters
        ----------
        u : ndarray
            ``[n, m]``.
        y : ndarray
            ``[n]``: what was measured; only the first `initial` samples of it are used (and, with `horizon`, later ones).
        initial : int, optional
            Measured samples at the beginning; the model's reach when not given.
        horizon : int, optional
            Samples after which it begins anew from measured ones: predictions 1 to `horizon` steps ahead.

        Returns
        -------
        ndarray
            ``[n]``: the measured samples at the beginning, then what the model says; NaN where inputs are missing; from where it
            runs away on, infinite.
        """
        from rtkit_sysid import kernel

        scaled_u, scaled_y = self.scale.apply(u, y)
        start = max(self.form.order.max_lag, initial or 0)
        out = kernel.free_run(scaled_u, scaled_y, start, horizon or len(y) + 1, *_lags(self.form.order), self.theta, *self.form.kernel_form)
        return np.asarray(out * self.scale.y_scale + self.scale.y_mean)


def is_constant(values: Floats) -> bool:
    """Whether what is known of ``[n]`` does not change by more than rounding."""
    return bool(np.nanmax(values) - np.nanmin(values) <= ROUNDING * np.nanmax(np.abs(values)))


def _lags(order: Order) -> tuple[int, int, int]:
    return order.na, order.nb, order.delay


def rms(values: Floats) -> float:
    """Root mean square of what is known; infinite if anything is."""
    known = values[~np.isnan(values)]
    if not len(known):
        return math.nan
    return float(np.sqrt(np.mean(np.square(known)))) if np.isfinite(known).all() else math.inf
