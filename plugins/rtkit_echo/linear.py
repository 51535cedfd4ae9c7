"""The linear stage of `echo`: its arrays, and running it over blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit_echo import far_kernel, kalman_kernel, linear_kernel
from rtkit_echo.kalman_kernel import Floats

#: Longest block (s): what the stage is late by.
BLOCK = 0.008
#: What a filter that knows nothing expects of the first partition, and how fast it expects the echo to die away (s for 60 dB).
FIRST, DECAY = 1.0, 0.7
#: Longest bulk delay (s).
LONGEST = 1.0
#: The filters begin so long (s) before the echo does, and are moved when that is off by more.
MARGIN, SLACK = 0.006, 0.01
#: A filter works that leaves less than this share of the near end's power.
WORKS = 0.25
#: Blocks after which all partitions were constrained once.
TURNS = 3


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What the stage made of some blocks.

    Parameters
    ----------
    error, echo : ndarray
        Float32 ``[blocks, b]``: what is left of the near end, and the echo that was taken away.
    expected : ndarray
        Float32 ``[blocks, bins]``: power spectrum of the echo that may be left, as the filter sees it.
    notes : ndarray
        Int64 ``[blocks]``: 0 where the far end is silent, 1 where it speaks, 2 where the challenger took over.
    """

    error: Floats
    echo: Floats
    expected: Floats
    notes: NDArray[np.int64]


class Linear:
    """A Kalman filter and its challenger.

    Parameters
    ----------
    rate : float
        Of the signals (Hz).
    tail : float
        Longest echo (s).
    channels : int
        Of the far end.
    follow : bool
        Whether to follow the drift of clocks.

    Attributes
    ----------
    size : int
        Samples in a block.
    """

    def __init__(self, rate: float, tail: float, channels: int = 1, follow: bool = True) -> None:
        self.size = size = block_size(rate)
        self._rate, self._follow = rate, follow
        partitions = max(1, -(-round(tail * rate) // size))
        prior = (FIRST * 10 ** (-6 * np.arange(partitions) * size / rate / DECAY)).astype(np.float32)
        lanes = -(-partitions // TURNS)
        self._linear = linear_kernel.Linear(
            far_kernel.far_end(channels, size, (partitions + 2) * size + round(LONGEST * rate)),
            kalman_kernel.line(channels, size, partitions),
            kalman_kernel.filter_of(channels, prior, size),
            kalman_kernel.filter_of(channels, prior, size),
            prior,
            np.zeros(linear_kernel.LEVELS),
            np.zeros(linear_kernel.COUNTS, np.int64),
        )
        self._linear.counts[linear_kernel.AWAKE] = 1
        self._room, self._plans = kalman_kernel.room(channels, size, lanes), kalman_kernel.plans(channels, size, lanes)

    def __call__(self, near: Floats, far: Floats) -> Cancelled:
        """Cancel the echo in blocks ``[blocks, b]`` of the near end, with those ``[blocks, b, channels]`` of the far end."""
        expected = np.empty((len(near), self.size + 1), np.float32)
        made = Cancelled(np.empty_like(near), np.empty_like(near), expected, np.empty(len(near), np.int64))
        linear_kernel.run(near, far, made.error, made.echo, made.expected, made.notes, self._follow, self._linear, self._room, self._plans)
        return made

    def expect(self, delay: float) -> bool:
        """The echo begins `delay` (s) after the far end: have the filters begin a little before; gives whether anything changed.

        A filter that works goes on working: what it knows moves along. One that does not begins anew.
        """
        levels, size = self._linear.levels, self.size
        wanted = min(max(delay - MARGIN, 0.0), LONGEST)
        blocks = math.floor((wanted - self.delay) * self._rate / size)
        if abs(blocks) * size < SLACK * self._rate:
            return False
        works = bool(levels[linear_kernel.ERROR] < WORKS * levels[linear_kernel.NEAR])
        linear_kernel.delay(self._linear, blocks, works, self._room, self._plans)
        return True

    @property
    def delay(self) -> float:
        """Time (s) by which the far end is held back before the filters see it."""
        far = self._linear.far
        return float(far.written[0] - far.numbers[far_kernel.PLACE]) / self._rate

    @property
    def drift(self) -> float:
        """How much faster the near end's clock runs than the far end's (parts of 1)."""
        return -float(self._linear.far.numbers[far_kernel.PACE])

    @property
    def proven(self) -> bool:
        """Whether the filter has shown that there is an echo and that it knows its path."""
        return bool(self._linear.counts[linear_kernel.HELD] < linear_kernel.PROVEN // 2)  # it counts on from there

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it knows, as views."""
        found: dict[str, NDArray[Any]] = {"levels": self._linear.levels, "counts": self._linear.counts}
        for name in ("far", "line", "main", "rival"):
            part = getattr(self._linear, name)
            found |= {f"{name}_{field}": getattr(part, field) for field in part._fields}
        return found


def block_size(rate: float) -> int:
    """Samples in a block: the power of two that lasts `BLOCK` at most."""
    return 1 << int(np.log2(rate * BLOCK + 1e-9))
