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
BLOCK_S = 0.008
#: Prior power of an untrained filter's first partition, and its reverberation time (s for 60 dB).
PRIOR_FIRST, PRIOR_DECAY_S = 1.0, 0.7
#: Longest bulk delay (s).
MAX_DELAY_S = 1.0
#: The filters begin so long (s) before the echo does, and are moved when that is off by more than the slack (s).
MARGIN_S, SLACK_S = 0.006, 0.01
#: A filter works that leaves less than this share of the near end's power.
WORKING_SHARE = 0.25
#: Blocks after which all partitions were constrained once.
CONSTRAINT_TURNS = 3


@dataclass(frozen=True, slots=True)
class LinearStageOutput:
    """What the stage made of some blocks.

    Parameters
    ----------
    error, echo : ndarray
        Float32 ``[blocks, b]``: what is left of the near end, and the echo that was taken away.
    expected : ndarray
        Float32 ``[blocks, bins]``: power spectrum of the echo that may be left, after the variance of the weights.
    activity : ndarray
        Int64 ``[blocks]``: 0 where the far end is silent, 1 where it is active, 2 where the shadow filter took over.
    """

    error: Floats
    echo: Floats
    expected: Floats
    activity: NDArray[np.int64]


class LinearStage:
    """A Kalman filter and its shadow filter.

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
        prior = (PRIOR_FIRST * 10 ** (-6 * np.arange(partitions) * size / rate / PRIOR_DECAY_S)).astype(np.float32)
        lanes = -(-partitions // CONSTRAINT_TURNS)
        self._linear = linear_kernel.LinearState(
            far_kernel.far_end(channels, size, (partitions + 2) * size + round(MAX_DELAY_S * rate)),
            kalman_kernel.line(channels, size, partitions),
            kalman_kernel.filter_of(channels, prior, size),
            kalman_kernel.filter_of(channels, prior, size),
            prior,
            np.zeros(linear_kernel.LEVELS),
            np.zeros(linear_kernel.COUNTS, np.int64),
        )
        self._linear.counts[linear_kernel.SHADOW_ACTIVE] = 1
        self._workspace, self._plans = kalman_kernel.workspace(channels, size, lanes), kalman_kernel.plans(channels, size, lanes)

    def __call__(self, near: Floats, far: Floats) -> LinearStageOutput:
        """Cancel the echo in blocks ``[blocks, b]`` of the near end, with those ``[blocks, b, channels]`` of the far end."""
        expected = np.empty((len(near), self.size + 1), np.float32)
        made = LinearStageOutput(np.empty_like(near), np.empty_like(near), expected, np.empty(len(near), np.int64))
        linear_kernel.run(
            near, far, made.error, made.echo, made.expected, made.activity, self._follow, self._linear, self._workspace, self._plans
        )
        return made

    def expect_delay(self, delay: float) -> bool:
        """The echo begins `delay` (s) after the far end: have the filters begin a little before; gives whether anything changed.

        The weights of a filter that works move along; one that does not is reset.
        """
        levels, size = self._linear.levels, self.size
        wanted = min(max(delay - MARGIN_S, 0.0), MAX_DELAY_S)
        blocks = math.floor((wanted - self.delay) * self._rate / size)
        if abs(blocks) * size < SLACK_S * self._rate:
            return False
        works = bool(levels[linear_kernel.ERROR] < WORKING_SHARE * levels[linear_kernel.NEAR])
        linear_kernel.move_delay(self._linear, blocks, works, self._workspace, self._plans)
        return True

    @property
    def delay(self) -> float:
        """Time (s) by which the far end is held back before the filters see it."""
        far = self._linear.far
        return float(far.written[0] - far.numbers[far_kernel.POSITION]) / self._rate

    @property
    def drift(self) -> float:
        """How much faster the near end's clock runs than the far end's (parts of 1)."""
        return -float(self._linear.far.numbers[far_kernel.RATE_OFFSET])

    @property
    def proven(self) -> bool:
        """Whether the filter has left so little of the near end that there is an echo and its path is learned."""
        return bool(self._linear.counts[linear_kernel.MAIN_AGE] < linear_kernel.PROVEN // 2)  # it counts on from there

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of its state, as views."""
        found: dict[str, NDArray[Any]] = {"levels": self._linear.levels, "counts": self._linear.counts}
        for name in ("far", "line", "main", "shadow"):
            part = getattr(self._linear, name)
            found |= {f"{name}_{field}": getattr(part, field) for field in part._fields}
        return found


def block_size(rate: float) -> int:
    """Samples in a block: the power of two that lasts `BLOCK_S` at most."""
    return 1 << int(np.log2(rate * BLOCK_S + 1e-9))
