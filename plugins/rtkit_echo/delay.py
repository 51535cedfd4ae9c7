"""The bulk delay of the echo: how long the way through devices and air is before the room's answer begins.

Generalised cross-correlation with phase transform, of the last second of the near end with the far end before it, averaged.

C. Knapp, G. Carter, "The generalized correlation method for estimation of time delay", IEEE Transactions on Acoustics, Speech, and Signal
Processing 24 (1976).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit_echo.kalman_kernel import Floats

#: Rate (Hz) at which it is looked for, at least: speech has its power below half of it.
RATE_HZ = 8000.0
#: Length (s) of the near end that is compared, longest delay (s), and time (s) from one look to the next.
LENGTH_S, MAX_DELAY_S, PERIOD_S = 1.024, 1.024, 0.256
#: Band (Hz) that counts.
LOW_HZ, HIGH_HZ = 200.0, 3600.0
#: Forgetting factor of the cross-spectrum, from one look to the next.
FORGETTING = 0.7
#: The delay is the first lag with such a share of the peak; the peak stands so many times above the root mean square.
FIRST_PEAK_SHARE, CLEAR_PEAK_RATIO = 0.6, 8.0
#: Two looks in a row must agree within this (s).
TOLERANCE_S = 0.004
#: Mean power of the far end below which nothing is looked for.
FAR_SILENCE_POWER = 1e-7
#: Half length of the decimation filter, in samples that stay.
DECIMATION_HALF_LENGTH = 8


class DelayFinder:
    """Looks for the bulk delay, again and again.

    Parameters
    ----------
    rate : float
        Of the signals (Hz).
    size : int
        Samples in a block.
    """

    def __init__(self, rate: float, size: int) -> None:
        self._step = step = max(1, int(rate // RATE_HZ))
        self._rate = rate / step
        self._length = 1 << round(np.log2(LENGTH_S * self._rate))
        lags = round(MAX_DELAY_S * self._rate)
        self._lags = min(lags, self._length)
        taps = np.arange(-DECIMATION_HALF_LENGTH * step, DECIMATION_HALF_LENGTH * step + 1)
        low_pass = np.sinc(taps / step) * np.hamming(len(taps))
        self._low_pass = low_pass / low_pass.sum() if step > 1 else np.ones(1)
        self._near, self._far = np.zeros(self._length), np.zeros(2 * self._length)
        self._cross = np.zeros(self._length + 1, np.complex128)
        bins = np.arange(self._length + 1) * self._rate / (2 * self._length)
        self._band = (bins > LOW_HZ) & (bins < HIGH_HZ)
        self._blocks = max(1, round(PERIOD_S * rate / size))
        self._size = size
        self._recent = np.zeros((self._blocks * size, 2), np.float32)
        self._counts = np.zeros(2, np.int64)  # blocks since the last look; looks that agreed
        self._last = np.zeros(1)

    @property
    def left(self) -> int:
        """Blocks until the next look; no more may be given at once."""
        return self._blocks - int(self._counts[0])

    def __call__(self, near: Floats, far: Floats) -> tuple[float, int] | None:
        """Take in some blocks ``[n]`` of both; gives the delay (s), and how many looks in a row agree on it, if one was seen.

        The far end is one channel.
        """
        at = int(self._counts[0]) * self._size
        self._recent[at : at + len(near), 0] = near
        self._recent[at : at + len(near), 1] = far
        self._counts[0] += len(near) // self._size
        if self.left:
            return None
        self._counts[0] = 0
        found = self._look()
        if found is None:
            return None
        self._counts[1] = self._counts[1] + 1 if abs(found - self._last[0]) < TOLERANCE_S else 1
        self._last[0] = found
        return found, int(self._counts[1])

    def _look(self) -> float | None:
        for line, signal in ((self._near, self._recent[:, 0]), (self._far, self._recent[:, 1])):
            small = np.convolve(signal, self._low_pass, "same")[:: self._step] if self._step > 1 else signal
            line[: -len(small)] = line[len(small) :]
            line[-len(small) :] = small
        if np.mean(self._far**2) < FAR_SILENCE_POWER or not self._near.any():
            return None
        size = 2 * self._length
        heard = np.fft.rfft(np.concatenate([np.zeros(self._length), self._near]))
        said = np.fft.rfft(self._far)
        product = heard * np.conj(said)
        self._cross *= FORGETTING
        self._cross += (1 - FORGETTING) * product / (np.abs(product) + 1e-12)
        whitened = np.where(self._band, self._cross, 0)
        match = np.abs(np.fft.irfft(whitened, size)[: self._lags])
        peak = float(match.max())
        if peak < CLEAR_PEAK_RATIO * float(np.sqrt(np.mean(match**2))):
            return None
        return int(np.argmax(match > FIRST_PEAK_SHARE * peak)) / self._rate

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of its state, as views."""
        names = ("near", "far", "cross", "recent", "counts", "last")
        return {name: getattr(self, f"_{name}") for name in names}
