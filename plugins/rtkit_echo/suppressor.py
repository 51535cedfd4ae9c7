"""The residual echo suppressor of `echo`: what the linear stage left goes through a gain in each frequency."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit_echo import suppressor_kernel
from rtkit_echo.fourier import plan
from rtkit_echo.kalman_kernel import Floats
from rtkit_echo.linear import Cancelled

#: After so long (s) without a far end its echo is gone; the suppressor then opens within this time (s).
AFTER, OPENS = 0.5, 0.2


class Suppressor:
    """Takes the residual echo down; late by one block.

    Parameters
    ----------
    rate : float
        Of the signals (Hz).
    size : int
        Samples in a block.
    """

    def __init__(self, rate: float, size: int) -> None:
        self._rate, self._size = rate, size
        self._window = np.sqrt(0.5 - 0.5 * np.cos(np.pi * np.arange(2 * size) / size)).astype(
            np.float32
        )  # of the power: its square sums to 1
        self._state = suppressor_kernel.suppressor(size)
        self._two, self._one = plan(size, 2), plan(size, 1)
        self._pair, self._single = np.zeros((2 * size, 2), np.float32), np.zeros((2 * size, 1), np.float32)

    def __call__(self, made: Cancelled) -> Floats:
        """What passes ``[blocks, b]``, one block later."""
        blocks, bins = len(made.error), self._size + 1
        real, imaginary = (np.empty((blocks, bins, 2), np.float32) for _ in range(2))
        floor, gain = (np.empty((blocks, bins), np.float32) for _ in range(2))
        suppressor_kernel.analyse(made.error, made.echo, self._window, self._state, real, imaginary, self._pair, self._two)
        suppressor_kernel.noises(real, imaginary, self._state, floor)
        spacing = self._rate / (2 * self._size)
        first, last = int(suppressor_kernel.LOW / spacing), min(int(suppressor_kernel.HIGH / spacing) + 1, self._size)
        decay = 10 ** (-6 * self._size / self._rate / suppressor_kernel.REVERBERATION)
        suppressor_kernel.gains(real, imaginary, made.expected, made.notes, self._state, first, last, decay, floor, gain)
        second = self._rate / self._size
        suppressor_kernel.open_up(made.notes, round(AFTER * second), 1 / (OPENS * second), self._state, gain)
        out = np.empty((blocks, self._size), np.float32)
        suppressor_kernel.synthesise(real, imaginary, gain, floor, self._window, self._state, out, self._single, self._one)
        return out

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it remembers, as views."""
        return {field: getattr(self._state, field) for field in self._state._fields}
