"""Kernel: the far end, read at the pace of the near end's clock.

Two clocks differ by up to some hundred parts in a million. The far end is read at a place that moves by a little more or less than a sample
each sample, through a bank of windowed sincs (J. O. Smith, "Digital audio resampling", CCRMA). How much more or less follows from the echo
itself: an estimate that comes too early or too late leaves an error whose spectrum is turned by a right angle against that of the estimate.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_echo.kalman_kernel import Floats

#: Half the length of a sinc, and how many there are from one sample to the next.
HALF, PHASES = 16, 128

# places in `numbers`
POSITION, RATE_OFFSET, LAST_POSITION, LAST_STEP, QUADRATURE, IN_PHASE = range(6)
NUMBERS = 6

_FAST = {"reassoc", "contract", "nsz"}


class FarEnd(NamedTuple):
    """The far end, as it comes and as it is read.

    Parameters
    ----------
    ring : ndarray
        Float32 ``[kept, channels]``: sample n is at n modulo `kept`.
    written : ndarray
        Int64 ``[1]``: samples so far.
    numbers : ndarray
        Float64, at the places named above: where the next block begins (samples), the rate offset, by how much faster than the near
        end's clock the far end is read, where the last block began and its step, and the averages of the phase-locked loop.
    bank : ndarray
        Float32 ``[PHASES + 1, 2 HALF]``.
    """

    ring: Floats
    written: NDArray[np.int64]
    numbers: NDArray[np.float64]
    bank: Floats


def far_end(channels: int, size: int, kept: int) -> FarEnd:
    """A far end before its first sample, read in blocks of `size`; at least its last `kept` samples are kept."""
    at = np.arange(-HALF + 1, HALF + 1) - np.arange(PHASES + 1)[:, None] / PHASES
    bank = np.sinc(at) * np.i0(8.0 * np.sqrt(np.clip(1 - (at / HALF) ** 2, 0, 1))) / np.i0(8.0)
    bank /= bank.sum(axis=1, keepdims=True)
    numbers = np.zeros(NUMBERS)
    numbers[LAST_POSITION], numbers[LAST_STEP] = -size, 1
    return FarEnd(np.zeros((1 << int(kept).bit_length(), channels), np.float32), np.zeros(1, np.int64), numbers, bank.astype(np.float32))


@numba.njit(nogil=True, cache=True)
def write(far: FarEnd, block: Floats) -> None:
    """Take in a block ``[b, channels]``."""
    for n in range(block.shape[0]):
        far.ring[(far.written[0] + n) % far.ring.shape[0]] = block[n]
    far.written[0] += block.shape[0]


@numba.njit(nogil=True, cache=True)
def ahead(far: FarEnd, size: int) -> float:
    """Samples that are there beyond what the next block needs; negative if it cannot be read yet."""
    return float(far.written[0] - far.numbers[POSITION] - size * (1 + far.numbers[RATE_OFFSET]))


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def read(far: FarEnd, place: float, step: float, out: Floats) -> None:
    """Fill a block ``[b, channels]`` with what is from `place` on, a sample each `step`.

    At the very end of what is there, half of a sinc is missing: those samples are not exact, and should be read again later.
    """
    size, channels = out.shape
    for n in range(size):
        at = place + n * step
        whole = int(np.floor(at))
        phase = (at - whole) * PHASES
        row = int(phase)
        share = np.float32(phase - row)
        if row == 0 and share == 0:
            out[n] = far.ring[whole % far.ring.shape[0]]
            continue
        last = min(2 * HALF, far.written[0] - (whole - HALF + 1))
        out[n] = 0
        total = np.float32(0)
        for tap in range(last):
            weight = far.bank[row, tap] + share * (far.bank[row + 1, tap] - far.bank[row, tap])
            total += weight
            for c in range(channels):
                out[n, c] += weight * far.ring[(whole - HALF + 1 + tap) % far.ring.shape[0], c]
        if last < 2 * HALF:
            for c in range(channels):
                out[n, c] /= total
