"""Linear models as transfer functions: poles, zeros, and what they answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import InputError
from rtkit_sysid.linear import is_linear, linear_weights
from rtkit_sysid.predictor import Predictor
from rtkit_sysid.regressors import Floats


@dataclass(frozen=True, slots=True, eq=False)
class TransferFunction:
    """G(z) = numerator / denominator, in powers of 1/z.

    Parameters
    ----------
    numerator : ndarray
        float64, from z⁰ on; delays are zeros at its beginning.
    denominator : ndarray
        float64, from z⁰ on; its first is 1.
    rate : float
        Sample rate (Hz).

    Examples
    --------
    >>> import numpy as np
    >>> plant = TransferFunction(np.array([2.0, 4.0]), np.array([1.0, 6.0, 8.0]), rate=1.0)
    >>> plant.zeros.real, plant.poles.real, plant.stable
    (array([-2.,  0.]), array([-4., -2.]), False)
    """

    numerator: Floats
    denominator: Floats
    rate: float

    @classmethod
    def of(cls, predictor: Predictor, input: int, rate: float) -> TransferFunction:
        """From the input of this number (from 0 on) to the output of a linear predictor, in the units of the record.

        A constant beside the linear terms shifts the output and is left out.

        Raises
        ------
        InputError
            The predictor is not linear.
        """
        form = predictor.form
        if not is_linear(form):
            found = f"{form.hidden} hidden units" if form.hidden else f"products of {(form.terms > 0).sum(axis=1).max()} regressors"
            raise InputError(f"a model with {found} is not linear and has no transfer function; expected terms of one regressor each")
        of_inputs, of_output = np.split(linear_weights(predictor)[0], [form.inputs * form.order.nb])
        answers = of_inputs.reshape(form.inputs, form.order.nb)[input]
        numerator = np.concatenate([np.zeros(form.order.delay), answers])
        return cls(numerator if len(numerator) else np.zeros(1), np.concatenate([[1.0], -of_output]), rate)

    @property
    def zeros(self) -> NDArray[np.complex128]:
        """Zeros in the z plane, those at 0 included."""
        return np.roots(self._in_powers_of_z(self.numerator)).astype(np.complex128)

    @property
    def poles(self) -> NDArray[np.complex128]:
        """Poles in the z plane, those at 0 included."""
        return np.roots(self._in_powers_of_z(self.denominator)).astype(np.complex128)

    @property
    def stable(self) -> bool:
        """Whether all poles lie inside the unit circle."""
        return bool((np.abs(self.poles) < 1).all())

    @property
    def gain(self) -> float:
        """Output for a constant input of 1 (gain at 0 Hz); infinite with a pole at z = 1."""
        over, under = float(self.numerator.sum()), float(self.denominator.sum())
        return over / under if under else math.copysign(math.inf, over)

    @property
    def dlti(self) -> Any:
        """The same as `scipy.signal.dlti`, with ``dt`` in seconds."""
        from scipy.signal import dlti

        numerator = np.trim_zeros(self._in_powers_of_z(self.numerator), "f")
        return dlti(numerator if len(numerator) else [0.0], self._in_powers_of_z(self.denominator), dt=1 / self.rate)

    def response(self, frequencies: Floats) -> NDArray[np.complex128]:
        """Gain and phase at these frequencies (Hz), as complex numbers."""
        from numpy.polynomial.polynomial import polyval

        back = np.exp(-2j * np.pi * np.asarray(frequencies) / self.rate)
        with np.errstate(divide="ignore", invalid="ignore"):  # at a pole on the unit circle
            out: NDArray[np.complex128] = polyval(back, self.numerator) / polyval(back, self.denominator)
        return out

    def impulse(self, count: int) -> Floats:
        """The first `count` samples of the answer to a single 1."""
        from scipy.signal import lfilter

        return np.asarray(lfilter(self.numerator, self.denominator, np.eye(1, count)[0]), np.float64)

    def _in_powers_of_z(self, coefficients: Floats) -> Floats:
        """Both polynomials times the same power of z, highest first."""
        length = max(len(self.numerator), len(self.denominator))
        return np.pad(coefficients, (0, length - len(coefficients)))
