"""Times of steps on the hot path: plain marks, sorted into histograms of fixed size in batches."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from rtkit.core.report import StepTimes

#: Edges of the histogram's bins, logarithmic: 100 ns to 100 s in steps of 5 %, so that a percentile is at most 5 % too high.
LOWEST_NS, BIN_STEP, BIN_COUNT = 100.0, 0.05, 426
#: Time (s) between two looks at the times of the steps, and the most items between them.
REFRESH_S, MAX_BATCH_ITEMS = 0.25, 1024


class Histograms:
    """Durations in fixed bins, several kinds side by side: memory does not grow with the length of a run.

    Parameters
    ----------
    kinds : int
        How many histograms.
    """

    def __init__(self, kinds: int) -> None:
        self.max = np.zeros(kinds)
        self.total = np.zeros(kinds)
        self._counts = np.zeros((kinds, BIN_COUNT), np.int64)

    def add(self, durations: NDArray[np.int64]) -> None:
        """Add durations (ns) ``[n, kinds]``."""
        kinds = self._counts.shape[0]
        places = np.ceil(np.log(np.maximum(durations, LOWEST_NS) / LOWEST_NS) / np.log1p(BIN_STEP)).astype(np.int64)
        places = np.minimum(places, BIN_COUNT - 1) + BIN_COUNT * np.arange(kinds)
        self._counts += np.bincount(places.ravel(), minlength=kinds * BIN_COUNT).reshape(kinds, BIN_COUNT)
        self.max = np.maximum(self.max, durations.max(axis=0, initial=0))
        self.total += durations.sum(axis=0)

    def percentile(self, kind: int, percent: float) -> float:
        """Duration (ns) that `percent` of a kind do not exceed; 0 if there are none."""
        cumulative = np.cumsum(self._counts[kind])
        if cumulative[-1] == 0:
            return 0.0
        place = int(np.searchsorted(cumulative, percent / 100 * cumulative[-1]))
        return float(min(LOWEST_NS * (1 + BIN_STEP) ** place, self.max[kind])) if place < BIN_COUNT - 1 else float(self.max[kind])


class Timings:
    """Times of every step for every item, gathered as plain marks on the hot path and sorted into histograms in batches.

    The loop of a stream appends ``steps + 1`` marks (ns) an item to `marks` and the item's size to `sizes`, and calls `flush`
    when there are `batch` of these.

    Parameters
    ----------
    steps : int
        How many.
    period : float
        Seconds a sample or frame.

    Attributes
    ----------
    batch : int
        Items between two flushes: as many as come in `REFRESH_S`, so that what is shown of them does not lag.
    """

    def __init__(self, steps: int, period: float) -> None:
        self.marks: list[int] = []
        self.sizes: list[int] = []
        self.batch = 1
        self.misses = 0
        self._flushed = perf_counter()
        self.longest = 0  # size of the largest item
        self._steps = steps
        self._period = 1e9 * period
        self._times = Histograms(steps + 1)  # the last one of all steps together

    def unfinished(self) -> int | None:
        """Index of the step that has begun and not ended, or None."""
        rest = len(self.marks) % (self._steps + 1)
        return rest - 1 if rest else None

    def flush(self) -> None:
        """Sort what was gathered into the histograms."""
        marks = np.array(self.marks[: len(self.sizes) * (self._steps + 1)], np.int64).reshape(-1, self._steps + 1)
        together = marks[:, -1:] - marks[:, :1]
        self._times.add(np.concatenate((np.diff(marks, axis=1), together), axis=1))
        self.misses += int(np.sum(together[:, 0] > self._period * np.array(self.sizes)))
        self.longest = max(self.longest, max(self.sizes, default=0))
        now = perf_counter()
        self.batch = min(max(1, round(len(self.sizes) * REFRESH_S / max(now - self._flushed, 1e-6))), 4 * self.batch, MAX_BATCH_ITEMS)
        self._flushed = now
        self.marks.clear()
        self.sizes.clear()

    def step(self, index: int, name: str) -> StepTimes:
        """Sum up the times of one step."""
        times = (self._times.percentile(index, 50), self._times.percentile(index, 99), float(self._times.max[index]))
        return StepTimes(name, *(round(ns / 1e3, 2) for ns in times))

    @property
    def busy_s(self) -> float:
        """Time (s) spent in all steps."""
        return float(self._times.total[-1]) / 1e9

    @property
    def p99_s(self) -> float:
        """Time (s) that 99 % of the items do not exceed in all steps together."""
        return self._times.percentile(self._steps, 99) / 1e9
