"""The report of a run: how much, how fast, how late, and what was lost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rtkit.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Upper edges of the bins (ns): 100 ns to 100 s in steps of 5 %, so that a percentile is at most 5 % too high.
LOWEST, STEP, BINS = 100.0, 0.05, 426
#: Time (s) between two looks at the times of the steps, and the most items between them.
REFRESH, MOST = 0.25, 1024

#: Counts of sources and sinks that are no loss.
DELIVERED = frozenset({"captured", "played", "reconnects", "stalls"})


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
        self._counts = np.zeros((kinds, BINS), np.int64)

    def add(self, durations: NDArray[np.int64]) -> None:
        """Add durations (ns) ``[n, kinds]``."""
        kinds = self._counts.shape[0]
        places = np.ceil(np.log(np.maximum(durations, LOWEST) / LOWEST) / np.log1p(STEP)).astype(np.int64)
        places = np.minimum(places, BINS - 1) + BINS * np.arange(kinds)
        self._counts += np.bincount(places.ravel(), minlength=kinds * BINS).reshape(kinds, BINS)
        self.max = np.maximum(self.max, durations.max(axis=0, initial=0))
        self.total += durations.sum(axis=0)

    def percentile(self, kind: int, percent: float) -> float:
        """Duration (ns) that `percent` of a kind do not exceed; 0 if there are none."""
        cumulative = np.cumsum(self._counts[kind])
        if cumulative[-1] == 0:
            return 0.0
        place = int(np.searchsorted(cumulative, percent / 100 * cumulative[-1]))
        return float(min(LOWEST * (1 + STEP) ** place, self.max[kind])) if place < BINS - 1 else float(self.max[kind])


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
        Items between two flushes: as many as come in `REFRESH`, so that what is shown of them does not lag.
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
        self.batch = min(max(1, round(len(self.sizes) * REFRESH / max(now - self._flushed, 1e-6))), 4 * self.batch, MOST)
        self._flushed = now
        self.marks.clear()
        self.sizes.clear()

    def step(self, index: int, name: str) -> Step:
        """Sum up the times of one step."""
        times = (self._times.percentile(index, 50), self._times.percentile(index, 99), float(self._times.max[index]))
        return Step(name, *(round(ns / 1e3, 2) for ns in times))

    @property
    def busy_s(self) -> float:
        """Time (s) spent in all steps."""
        return float(self._times.total[-1]) / 1e9

    @property
    def p99_s(self) -> float:
        """Time (s) that 99 % of the items do not exceed in all steps together."""
        return self._times.percentile(self._steps, 99) / 1e9


@dataclass(slots=True)
class Step:
    """Times of one step, in microseconds."""

    name: str
    p50_us: float
    p99_us: float
    max_us: float


@dataclass(slots=True)
class Report:
    """What a run did. `to_dict` gives the JSON form.

    Attributes
    ----------
    source, sinks : str, list of str
        Their names.
    items, samples : int
        Blocks or frames, and samples (0 for frames), that came from the source.
    stream_s, wall_s, busy_s : float
        Length of what was processed (s of stream time), of the run, and of the time spent inside the steps.
    events : int
        Events emitted.
    non_finite : int
        Values from the source that were NaN or infinite; each counted as 0.
    deadline_misses : int
        Items for which the steps took longer than the item lasts.
    counts : dict of dict
        What the source and the sinks counted, by their names, such as ``{"mic": {"captured": 320000, "lost": 0}}`` (samples
        or frames); see `rtkit.source.Source.counts`.
    latency_ms : dict
        Total delay and its parts: devices, rings, the block itself, steps (p99), algorithm.
    steps : list of Step
        Times of each step.
    interrupted : bool
        Somebody stopped it.
    error : str or None
        Why it ended early.
    """

    source: str
    sinks: list[str]
    items: int = 0
    samples: int = 0
    stream_s: float = 0.0
    wall_s: float = 0.0
    busy_s: float = 0.0
    events: int = 0
    non_finite: int = 0
    deadline_misses: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    latency_ms: dict[str, float] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    interrupted: bool = False
    error: str | None = None

    @property
    def drops(self) -> int:
        """Samples or frames that were lost, of all that was counted."""
        return sum(number for counts in self.counts.values() for what, number in counts.items() if what not in DELIVERED)

    @property
    def real_time_factor(self) -> float:
        """Wall time over stream time: below 1 is faster than real time."""
        return self.wall_s / self.stream_s if self.stream_s else 0.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        fields["steps"] = [{name: getattr(step, name) for name in step.__slots__} for step in self.steps]
        return fields | {"real_time_factor": self.real_time_factor, "drops": self.drops}

    def write(self, path: str | Path) -> None:
        """Write the JSON form to a file.

        Raises
        ------
        InputError
            It cannot be written.
        """
        try:
            Path(path).write_text(json.dumps(self.to_dict(), indent=2) + "\n")
        except OSError as error:
            raise InputError(f"{path}: the report cannot be written: {error.strerror}") from None

    def table(self) -> RenderableType:
        """As tables for a person (rich)."""
        from rich.console import Group
        from rich.table import Table

        speed = f"{1 / self.real_time_factor:,.1f} x real time" if self.real_time_factor else "nothing processed"
        facts = Table(show_header=False, box=None, pad_edge=False)
        facts.add_row("stream", f"{self.source} -> {', '.join(self.sinks) or 'nowhere'}")
        facts.add_row("length", f"{self.stream_s:.3f} s, {self.items:,} items, {self.samples:,} samples, {self.events:,} events")
        facts.add_row("speed", f"{self.wall_s:.3f} s ({speed}; steps {self.busy_s:.3f} s)")
        facts.add_row("latency", ", ".join(f"{part} {ms:.1f} ms" for part, ms in self.latency_ms.items()))
        for name, counts in self.counts.items():
            facts.add_row(name, ", ".join(f"{what} {count:,}" for what, count in counts.items()))
        facts.add_row("lost", f"{self.drops:,}")
        facts.add_row("deadlines", f"{self.deadline_misses:,} missed")
        facts.add_row("not finite", f"{self.non_finite:,} values, counted as 0")
        if self.error or self.interrupted:
            facts.add_row("ended", self.error or "interrupted")
        times = Table("step", "p50 us", "p99 us", "max us", box=None, pad_edge=False)
        for column in times.columns[1:]:
            column.justify = "right"
        for step in self.steps:
            times.add_row(step.name, *(f"{value:,.1f}" for value in (step.p50_us, step.p99_us, step.max_us)))
        return Group(facts, times) if self.steps else facts
