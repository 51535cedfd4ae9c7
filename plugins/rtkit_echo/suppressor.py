"""The residual echo suppressor of `echo`: what the linear stage left goes through a gain in each frequency."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit_echo import suppressor_kernel
from rtkit_echo.fourier import plan
from rtkit_echo.kalman_kernel import Floats
from rtkit_echo.linear import LinearStageOutput
from rtkit_echo.refiner import Refiner
from rtkit_echo.spectra import BlockSpectra

#: Hangover (s) after the far end, while its echo dies away; the gains then rise to 1 within this time (s).
HANGOVER_S, FADE_S = 0.5, 0.2


class Suppressor:
    """Takes the residual echo down; late by one block.

    Parameters
    ----------
    rate : float
        Of the signals (Hz).
    size : int
        Samples in a block.
    refiner : Refiner, optional
        Changes the rule's gains.
    """

    def __init__(self, rate: float, size: int, refiner: Refiner | None = None) -> None:
        self._rate, self._size, self._refiner = rate, size, refiner
        self._window = window(size)
        self._state = suppressor_kernel.suppressor_state(size)
        self._two, self._one = plan(size, 2), plan(size, 1)
        self._pair, self._single = np.zeros((2 * size, 2), np.float32), np.zeros((2 * size, 1), np.float32)

    def __call__(self, made: LinearStageOutput) -> tuple[Floats, Floats]:
        """What passes ``[blocks, b]``, one block later, and the probability of double talk ``[blocks]``."""
        spectra = self.analyse(made)
        if self._refiner is not None:
            self._refiner(spectra)
        self.open_gains(spectra.activity, spectra.gain)
        out = np.empty_like(made.error)
        suppressor_kernel.synthesise(
            spectra.real, spectra.imaginary, spectra.gain, spectra.noise, self._window, self._state, out, self._single, self._one
        )
        return out, spectra.double_talk

    def analyse(self, made: LinearStageOutput) -> BlockSpectra:
        """Spectra of blocks ``[blocks, b]``, and what the rule makes of them."""
        blocks, bins = len(made.error), self._size + 1
        real, imaginary = (np.empty((blocks, bins, 2), np.float32) for _ in range(2))
        noise, residual_by_leak, gain = (np.empty((blocks, bins), np.float32) for _ in range(3))
        double_talk = np.empty(blocks, np.float32)
        suppressor_kernel.analyse(made.error, made.echo, self._window, self._state, real, imaginary, self._pair, self._two)
        suppressor_kernel.noises(real, imaginary, self._state, noise)
        spacing = self._rate / (2 * self._size)
        first, last = int(suppressor_kernel.TALKER_LOW_HZ / spacing), min(int(suppressor_kernel.TALKER_HIGH_HZ / spacing) + 1, self._size)
        decay = 10 ** (-6 * self._size / self._rate / suppressor_kernel.REVERBERATION_S)
        suppressor_kernel.gains(
            real, imaginary, made.expected, made.activity, self._state, first, last, decay, noise, residual_by_leak, double_talk, gain
        )
        return BlockSpectra(real, imaginary, noise, residual_by_leak, made.expected, double_talk, made.activity, gain)

    def open_gains(self, activity: NDArray[np.int64], gain: Floats) -> None:
        """Raise gains ``[blocks, bins]`` to 1 where there is no far end any more."""
        second = self._rate / self._size
        suppressor_kernel.open_gains(activity, round(HANGOVER_S * second), 1 / (FADE_S * second), self._state, gain)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of its state, as views."""
        own = {field: getattr(self._state, field) for field in self._state._fields}
        return own | (self._refiner.arrays() if self._refiner else {})


def window(size: int) -> Floats:
    """Of spectra and of what is made of them, ``[2 * size]``: its square, moved by half of it again and again, sums to 1."""
    return np.sqrt(0.5 - 0.5 * np.cos(np.pi * np.arange(2 * size) / size)).astype(np.float32)
