"""The report of a run: how much, how fast, how late, what was lost, and what came of it."""

from __future__ import annotations

import html
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rtkit.core.errors import InputError

#: Counts of sources and sinks that are no loss, as overruns, underruns and dropped frames are.
NO_LOSS_COUNTS = frozenset({"captured", "played", "reconnects", "stalls"})


@dataclass(slots=True)
class StepTimes:
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
    live, opened : bool
        The source came in real time; the run began: source, steps and sinks were open.
    length_s : float
        Length of what is to come (s of stream time); infinite if nobody knows.
    stream_s, open_s, wall_s, busy_s : float
        Length of what was processed (s of stream time); time (s) that it took to open everything, kernels compiled and models loaded,
        that the stream then ran, and that was spent inside the steps.
    events : int
        Events emitted.
    non_finite : int
        Values from the source that were NaN or infinite; each counted as missing.
    deadline_misses : int
        Items for which the steps took longer than the item lasts.
    counts : dict of dict
        What the source and the sinks counted, by their names, such as ``{"mic": {"captured": 320000, "lost": 0}}`` (samples
        or frames); see `Source.counts`.
    latency_ms : dict
        Of a live source, the total delay and its parts: devices, rings, the block itself, steps (p99), algorithm; of another only the
        delay by algorithm, if there is one.
    steps : list of StepTimes
        Times of each step.
    summary : dict of dict
        The outcome, by step, as `Processor.summary` tells it.
    warnings : list of str
        What looks wrong in the outcome.
    interrupted : bool
        Somebody stopped it.
    error : str or None
        Why it ended early.
    """

    source: str
    sinks: list[str]
    items: int = 0
    samples: int = 0
    live: bool = False
    opened: bool = False
    length_s: float = math.inf
    stream_s: float = 0.0
    open_s: float = 0.0
    wall_s: float = 0.0
    busy_s: float = 0.0
    events: int = 0
    non_finite: int = 0
    deadline_misses: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    latency_ms: dict[str, float] = field(default_factory=dict)
    steps: list[StepTimes] = field(default_factory=list)
    summary: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    interrupted: bool = False
    error: str | None = None

    @property
    def drops(self) -> int:
        """Samples or frames that were lost, of all that was counted."""
        return sum(number for counts in self.counts.values() for what, number in counts.items() if what not in NO_LOSS_COUNTS)

    @property
    def real_time_factor(self) -> float:
        """Wall time over stream time: below 1 is faster than real time."""
        return self.wall_s / self.stream_s if self.stream_s else 0.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        fields["steps"] = [{name: getattr(step, name) for name in step.__slots__} for step in self.steps]
        fields["length_s"] = self.length_s if math.isfinite(self.length_s) else None
        return fields | {"real_time_factor": self.real_time_factor, "drops": self.drops}

    def write(self, path: str | Path) -> None:
        """Write the JSON form to a file.

        Raises
        ------
        InputError
            It cannot be written.
        """
        try:
            Path(path).write_text(json.dumps(self.to_dict(), indent=2, default=str) + "\n")
        except OSError as error:
            raise InputError(f"{path}: the report cannot be written: {error.strerror}") from None

    def facts(self) -> list[tuple[str, str]]:
        """The report in words for a person: what each line is about, and what it says."""
        facts = [("stream", f"{self.source} -> {', '.join(self.sinks) or 'nowhere'}")]
        facts += [("length", f"{self.stream_s:.3f} s, {self.items:,} items, {self.samples:,} samples, {self.events:,} events")]
        speed = f"{1 / self.real_time_factor:,.1f} x real time" if self.real_time_factor else "nothing processed"
        facts += [("speed", f"{self.wall_s:.3f} s ({speed}; steps {self.busy_s:.3f} s), after {self.open_s:.3f} s of opening")]
        if self.latency_ms:
            facts += [("latency", ", ".join(f"{part} {ms:.1f} ms" for part, ms in self.latency_ms.items()))]
        facts += [(name, ", ".join(f"{what} {count:,}" for what, count in counts.items())) for name, counts in self.counts.items()]
        facts += [("lost", f"{self.drops:,}")]
        if self.live:
            facts += [("deadlines", f"{self.deadline_misses:,} missed")]
        if self.non_finite:
            facts += [("not finite", f"{self.non_finite:,} values, counted as missing")]
        for name, summary in self.summary.items():
            facts += [(name, ", ".join(f"{what.replace('_', ' ')} {_text(value)}" for what, value in summary.items()))]
        facts += [("warning", warning) for warning in self.warnings]
        if self.error or self.interrupted:
            facts += [("ended", self.error or "interrupted")]
        return facts

    def __str__(self) -> str:
        return "\n".join(f"{name:11} {fact}" for name, fact in self.facts())

    def _repr_html_(self) -> str:
        """As a table, for notebooks."""
        rows = "".join(f"<tr><td>{html.escape(name)}</td><td>{html.escape(fact)}</td></tr>" for name, fact in self.facts())
        return f"<table>{rows}</table>"


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name} {_text(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(_text, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
