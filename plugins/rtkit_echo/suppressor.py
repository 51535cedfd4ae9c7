"""The residual echo suppressor of `echo`: what the linear stage left goes through a gain in each frequency, by rule or by a network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit_echo import bands_kernel, suppressor_kernel
from rtkit_echo.fourier import plan
from rtkit_echo.kalman_kernel import Floats
from rtkit_echo.linear import Cancelled

#: After so long (s) without a far end its echo is gone; the suppressor then opens within this time (s).
AFTER, OPENS = 0.5, 0.2
SEED = 88_172_645_463_325_252


class Suppressor:
    """Takes the residual echo down; late by one block.

    Parameters
    ----------
    rate : float
        Of the signals (Hz).
    size : int
        Samples in a block.
    network : Stepper, optional
        Gives the gains of bands from what it sees of them; by rule when not given.
    """

    def __init__(self, rate: float, size: int, network: Any = None) -> None:
        bins = size + 1
        self._rate, self._size, self._network = rate, size, network
        self._window = np.sqrt(0.5 - 0.5 * np.cos(np.pi * np.arange(2 * size) / size)).astype(
            np.float32
        )  # of the power: its square sums to 1
        spectra = [np.zeros(bins, np.float32) for _ in range(6)]
        spectra[4][:] = 1  # the leak
        self._state = suppressor_kernel.Suppressor(
            np.zeros((size, 2), np.float32),
            np.zeros(size, np.float32),
            *spectra,
            np.full((suppressor_kernel.PARTS, bins), np.float32(1e9)),
            np.zeros(suppressor_kernel.LEVELS),
            np.array([0, SEED], np.uint64),
        )
        self._state.levels[suppressor_kernel.LEAK] = 0.1
        self._two, self._one = plan(size, 2), plan(size, 1)
        self._pair, self._single = np.zeros((2 * size, 2), np.float32), np.zeros((2 * size, 1), np.float32)
        self._bands = bands_kernel.bands(bins, rate)

    def __call__(self, made: Cancelled) -> Floats:
        """What passes ``[blocks, b]``, one block later."""
        blocks, bins = len(made.error), self._size + 1
        real, imaginary = (np.empty((blocks, bins, 2), np.float32) for _ in range(2))
        floor, gain = (np.empty((blocks, bins), np.float32) for _ in range(2))
        suppressor_kernel.analyse(made.error, made.echo, self._window, self._state, real, imaginary, self._pair, self._two)
        suppressor_kernel.noises(real, imaginary, self._state, floor)
        if self._network is None:
            self._by_rule(real, imaginary, made.notes, floor, gain)
        else:
            self._by_network(real, imaginary, made.expected, floor, gain)
        second = self._rate / self._size
        suppressor_kernel.open_up(made.notes, round(AFTER * second), 1 / (OPENS * second), self._state, gain)
        out = np.empty((blocks, self._size), np.float32)
        suppressor_kernel.synthesise(real, imaginary, gain, floor, self._window, self._state, out, self._single, self._one)
        return out

    def _by_rule(self, real: Floats, imaginary: Floats, notes: NDArray[np.int64], floor: Floats, gain: Floats) -> None:
        spacing = self._rate / (2 * self._size)
        first, last = int(suppressor_kernel.LOW / spacing), min(int(suppressor_kernel.HIGH / spacing) + 1, self._size)
        decay = 10 ** (-6 * self._size / self._rate / suppressor_kernel.REVERBERATION)
        suppressor_kernel.gains(real, imaginary, notes, self._state, first, last, decay, floor, gain)

    def _by_network(self, real: Floats, imaginary: Floats, expected: Floats, floor: Floats, gain: Floats) -> None:
        seen = np.empty((1, 1, bands_kernel.SEEN * bands_kernel.BANDS), np.float32)
        scale = 0.5 * 2 * self._size
        for block in range(len(gain)):  # one by one, so that the answer does not depend on how many come at once
            one = slice(block, block + 1)
            bands_kernel.look(real[one], imaginary[one], expected[one], floor[one], scale, self._bands, seen[0])
            bands_kernel.spread(self._network(seen)["gains"][0], self._bands, gain[one])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it remembers, as views."""
        found: dict[str, NDArray[Any]] = {field: getattr(self._state, field) for field in self._state._fields}
        if self._network is not None:
            found |= self._network.state
        return found
