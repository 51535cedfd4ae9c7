"""The residual echo suppressor of `echo`: what the linear stage left goes through a gain in each frequency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rtkit_echo import suppressor_kernel
from rtkit_echo.fourier import plan
from rtkit_echo.kalman_kernel import Floats
from rtkit_echo.linear import Cancelled

if TYPE_CHECKING:
    from rtkit_echo.refiner import Refiner

#: After so long (s) without a far end its echo is gone; the suppressor then opens within this time (s).
AFTER, OPENS = 0.5, 0.2


@dataclass(frozen=True, slots=True)
class Heard:
    """Spectra of some blocks, and what the rule makes of them.

    Parameters
    ----------
    real, imaginary : ndarray
        Float32 ``[blocks, bins, 2]``: of error and echo.
    floor, known, expected : ndarray
        Float32 ``[blocks, bins]``: power of the noise, and of the residual echo by the learned leak and by the filter's own doubt.
    talk : ndarray
        Float32 ``[blocks]``: how far a talker is believed in (0 to 1).
    notes : ndarray
        As of `rtkit_echo.linear.Cancelled`.
    gain : ndarray
        Float32 ``[blocks, bins]``: what the rule lets pass; may be changed.
    """

    real: Floats
    imaginary: Floats
    floor: Floats
    known: Floats
    expected: Floats
    talk: Floats
    notes: NDArray[np.int64]
    gain: Floats


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
        self._state = suppressor_kernel.suppressor(size)
        self._two, self._one = plan(size, 2), plan(size, 1)
        self._pair, self._single = np.zeros((2 * size, 2), np.float32), np.zeros((2 * size, 1), np.float32)

    def __call__(self, made: Cancelled) -> tuple[Floats, Floats]:
        """What passes ``[blocks, b]``, one block later, and the probability of double talk ``[blocks]``."""
        heard = self.listen(made)
        if self._refiner is not None:
            self._refiner(heard)
        self.open_up(heard.notes, heard.gain)
        out = np.empty_like(made.error)
        suppressor_kernel.synthesise(
            heard.real, heard.imaginary, heard.gain, heard.floor, self._window, self._state, out, self._single, self._one
        )
        return out, heard.talk

    def listen(self, made: Cancelled) -> Heard:
        """Spectra of blocks ``[blocks, b]``, and what the rule makes of them."""
        blocks, bins = len(made.error), self._size + 1
        real, imaginary = (np.empty((blocks, bins, 2), np.float32) for _ in range(2))
        floor, known, gain = (np.empty((blocks, bins), np.float32) for _ in range(3))
        talk = np.empty(blocks, np.float32)
        suppressor_kernel.analyse(made.error, made.echo, self._window, self._state, real, imaginary, self._pair, self._two)
        suppressor_kernel.noises(real, imaginary, self._state, floor)
        spacing = self._rate / (2 * self._size)
        first, last = int(suppressor_kernel.LOW / spacing), min(int(suppressor_kernel.HIGH / spacing) + 1, self._size)
        decay = 10 ** (-6 * self._size / self._rate / suppressor_kernel.REVERBERATION)
        suppressor_kernel.gains(real, imaginary, made.expected, made.notes, self._state, first, last, decay, floor, known, talk, gain)
        return Heard(real, imaginary, floor, known, made.expected, talk, made.notes, gain)

    def open_up(self, notes: NDArray[np.int64], gain: Floats) -> None:
        """Raise gains ``[blocks, bins]`` to 1 where there is no far end any more."""
        second = self._rate / self._size
        suppressor_kernel.open_up(notes, round(AFTER * second), 1 / (OPENS * second), self._state, gain)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it remembers, as views."""
        own = {field: getattr(self._state, field) for field in self._state._fields}
        return own | (self._refiner.arrays() if self._refiner else {})


def window(size: int) -> Floats:
    """Of spectra and of what is made of them, ``[2 * size]``: its square, moved by half of it again and again, sums to 1."""
    return np.sqrt(0.5 - 0.5 * np.cos(np.pi * np.arange(2 * size) / size)).astype(np.float32)
