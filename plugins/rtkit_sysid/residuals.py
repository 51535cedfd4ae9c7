"""Is there anything left in the errors of a model that a better one could know? Tests of its one-step errors.

References
----------
L. Ljung, System Identification: Theory for the User, 2nd edition (1999), section 16.6.
G. M. Ljung, G. E. P. Box, On a measure of lack of fit in time series models, Biometrika 65 (1978), 297-303.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtkit_sysid.regressors import Floats

#: Within so many standard deviations lie 99 % of the correlations of what is not correlated.
BOUND_99 = 2.576
#: A test fails if what it saw would happen by chance less often.
SIGNIFICANT = 0.01


@dataclass(frozen=True, slots=True)
class Correlation:
    """Correlation of the error with something earlier.

    Parameters
    ----------
    lags : tuple of int
        By how many samples that is earlier; lags at which gaps leave no pair are left out.
    values : tuple of float
        Correlation at each lag, -1 to 1.
    bounds : tuple of float
        What 99 % of the values stay below, up or down, if there is no dependence.
    outside : float
        Share of lags beyond their bounds, 0 to 1.
    """

    lags: tuple[int, ...]
    values: tuple[float, ...]
    bounds: tuple[float, ...]
    outside: float


@dataclass(frozen=True, slots=True)
class Whiteness(Correlation):
    """Correlation of the error with itself, and all lags taken together.

    Parameters
    ----------
    statistic : float
        By Ljung and Box: chi-squared with one degree of freedom a lag, if the error is white.
    p_value : float
        How often white errors would give as much or more, 0 to 1.
    """

    statistic: float
    p_value: float

    @property
    def passed(self) -> bool:
        """Whether the error may be white."""
        return self.p_value >= SIGNIFICANT


def whiteness(error: Floats, lags: int = 25) -> Whiteness:
    """Test whether an error ``[n]`` (NaN where unknown) is unpredictable from its own past of up to `lags` samples.

    Its mean stays in: a bias is an error of the model, too.
    """
    from scipy.stats import chi2

    at, values, pairs = _correlate(error, error, range(1, lags + 1))
    known = int(np.isfinite(error).sum())
    statistic = float((known + 2) / max(known, 1) * np.sum(pairs * values**2))
    p_value = float(chi2.sf(statistic, len(at))) if at else 1.0
    found = _judge(at, values, BOUND_99 / np.sqrt(pairs))
    return Whiteness(found.lags, found.values, found.bounds, found.outside, statistic, p_value)


def independence(error: Floats, inputs: Floats, lags: int = 25) -> tuple[Correlation, ...]:
    """Test whether an error ``[n]`` depends on each of the inputs ``[n, m]`` now and up to `lags` samples before (NaN where unknown).

    What is seen at a lag is a part of that input's effect which the model lacks. The bounds allow for inputs and errors that are
    correlated in themselves.
    """
    found = []
    for column in inputs.T:
        known = column[np.isfinite(column)]
        centred = column - (known.mean() if len(known) else 0.0)
        at, values, pairs = _correlate(error, centred, range(lags + 1))
        of_error, of_input = (dict(zip(*_correlate(one, one, range(1, lags + 1))[:2], strict=True)) for one in (error, centred))
        # Variance of the correlation (Ljung 16.66), never taken to be smaller than that of white ones: it is an estimate itself.
        spread = max(1.0, 1.0 + 2.0 * sum(of_error[lag] * of_input[lag] for lag in of_error.keys() & of_input.keys()))
        found.append(_judge(at, values, BOUND_99 * np.sqrt(spread / pairs)))
    return tuple(found)


def _correlate(late: Floats, early: Floats, lags: range) -> tuple[tuple[int, ...], Floats, Floats]:
    """Lags that have pairs, the normalised correlation at each, and the number of pairs."""
    sizes = [_mean_square(late), _mean_square(early)]
    norm = float(np.sqrt(sizes[0] * sizes[1]))
    at, values, pairs = [], [], []
    for lag in lags[: len(late)]:
        products = late[lag:] * early[: len(early) - lag]
        products = products[np.isfinite(products)]
        if len(products):
            at.append(lag)
            values.append(float(products.mean()) / norm if norm else 0.0)
            pairs.append(len(products))
    return tuple(at), np.array(values), np.array(pairs, np.float64)


def _mean_square(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.mean(known**2)) if len(known) else 0.0


def _judge(lags: tuple[int, ...], values: Floats, bounds: Floats) -> Correlation:
    outside = float(np.mean(np.abs(values) > bounds)) if lags else 0.0
    return Correlation(lags, tuple(values.tolist()), tuple(bounds.tolist()), outside)
