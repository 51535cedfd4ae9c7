"""What a model sees of the past: delayed inputs and outputs, as rows, with gaps left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Order:
    """How far back a model looks (samples).

    The regressors of one output, in this order: of each input u[k - delay], u[k - delay - 1], … (`nb` of them), then y[k - 1], …,
    y[k - na].

    Parameters
    ----------
    na : int
        Past outputs.
    nb : int
        Values of each input.
    delay : int
        Samples by which an input comes too late to be seen: 0 if u[k] acts on y[k].

    References
    ----------
    L. Ljung, System Identification: Theory for the User, 2nd edition (1999), section 4.2; the names are those of its ARX model.
    """

    na: int
    nb: int
    delay: int = 0

    @property
    def max_lag(self) -> int:
        """Samples before the first one that can be predicted."""
        return max(self.na, self.delay + self.nb - 1)

    def width(self, inputs: int) -> int:
        """Number of regressors with so many inputs."""
        return inputs * self.nb + self.na

    def names(self, inputs: tuple[str, ...], output: str) -> tuple[str, ...]:
        """What each regressor is, such as ``u[k-1]``."""
        lag = "{}[k-{}]".format
        of_inputs = [lag(name, self.delay + back) if self.delay + back else f"{name}[k]" for name in inputs for back in range(self.nb)]
        return (*of_inputs, *(lag(output, back) for back in range(1, self.na + 1)))


def usable_times(u: Floats, y: Floats, order: Order) -> NDArray[np.int64]:
    """Times k at which y[k] and all its regressors are known (finite).

    Parameters
    ----------
    u : ndarray
        ``[n, m]``; NaN where a sample is missing.
    y : ndarray
        ``[n]``.
    """
    n = len(y)
    good = np.isfinite(y)
    whole = np.asarray(np.isfinite(u).all(axis=1))
    known = good.copy()
    known[: order.max_lag] = False
    for back in range(1, order.na + 1):
        known[back:] &= good[: n - back]
    for back in range(order.delay, order.delay + order.nb):
        known[back:] &= whole[: n - back]
    return np.flatnonzero(known)


def regressor_rows(u: Floats, y: Floats, order: Order, times: NDArray[np.int64]) -> Floats:
    """Regressors ``[len(times), width]`` at the given times."""
    columns = [u[times - order.delay - back, number] for number in range(u.shape[1]) for back in range(order.nb)]
    columns += [y[times - back] for back in range(1, order.na + 1)]
    return np.column_stack(columns) if columns else np.zeros((len(times), 0))
