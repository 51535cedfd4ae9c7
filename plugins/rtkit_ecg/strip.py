"""Strip charts on ECG paper: a whole record as PDF, the rows that matter most as a picture."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Block, Event, FileSink, Item, Options, SampleSpec, Spec
from rtkit_ecg.annotations import MOMENTARY, USUAL, beat_after, state_after

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Length of a row, rows on a page of a PDF, and rows of a picture of a whole record.
ROW_S = 10.0
PAGE_ROWS = 6
PICTURE_ROWS = 12
#: Largest delay of an event behind the samples that it tells of.
EVENT_DELAY_S = 2.0
#: Lead of a row before the event that it shows.
BEFORE_S = 3.0
#: Limit of the windows kept of each kind of event.
KEPT_WINDOWS = 3
#: Measures of the paper in mm: landscape A4 is 297 wide; 25 mm are a second.
WIDTH_MM, LEFT_MM, TOP_MM, BOTTOM_MM, HEIGHT_MM, GAP_MM, SPEED_MM_S = 297.0, 17.0, 16.0, 7.0, 30.0, 1.0, 25.0
#: Scales in mm a mV (or a unit) to choose from, the usual one first.
GAINS_MM_MV = (10.0, 7.5, 5.0, 2.5, 20.0, 40.0, 1.0, 0.5, 0.1)
#: Colours of the classes of beats.
COLOURS = {"N": "#3a3a3a", "S": "#1f5fd0", "V": "#c8102e", "F": "#7b2fa8", "Q": "#8a5a2b", "abnormal": "#c8102e"}
#: Colours of rhythms, the most urgent first; events of this order are chosen for a picture.
ALARMS = {
    "asystole": "#c8102e",
    "ventricular flutter": "#c8102e",
    "ventricular tachycardia": "#c8102e",
    "pause": "#e07000",
    "couplet": "#e07000",
    "bradycardia": "#d0a000",
    "tachycardia": "#d0a000",
    "irregular": "#2a7f8f",
}
URGENT = (*ALARMS, "V", "abnormal", "F", "S")
#: Width of the mark of a momentary rhythm.
MOMENT_S = 1.5
PAPER, FINE, COARSE, INK = "#fffdfb", "#f8dcd6", "#eab0a5", "#101820"


@dataclass(slots=True)
class Span:
    """A state of the rhythm or the signal from `begin` to `end` (s); the end of one that goes on is infinite."""

    begin: float
    label: str
    end: float = np.inf


@dataclass(slots=True)
class Row:
    """What one row shows: samples from `begin` (s) on, beats (time, class), and states of the signal and the rhythm."""

    begin: float
    samples: NDArray[np.float32]
    beats: list[tuple[float, str]]
    quality: list[Span]
    rhythm: list[Span]


@dataclass(slots=True)
class Tape:
    """The last samples of the first channel, and what was found in them; the rest is forgotten by `forget`."""

    rate: float
    start: int = 0
    now: float = 0.0
    chunks: deque[NDArray[np.float32]] = field(default_factory=deque)
    beats: deque[tuple[float, str]] = field(default_factory=deque)
    spans: dict[str, list[Span]] = field(default_factory=lambda: {"quality": [], "rhythm": []})

    def add(self, block: Block) -> None:
        """Append a block."""
        self.chunks.append(block.data[:, 0].astype(np.float32))
        self.now = (block.start + len(block.data)) / self.rate

    def note(self, event: Event) -> None:
        """Append what was found."""
        if event.kind == "beat":
            self.beats.append((event.time, beat_after(event)))
        elif event.kind in self.spans:
            spans, label = self.spans[event.kind], state_after(event)
            if label in MOMENTARY:
                spans.append(Span(event.time, label, event.time + MOMENT_S))
                return
            for span in spans:
                if np.isinf(span.end):
                    span.end = max(span.begin, event.time)
            if label != USUAL[event.kind]:
                spans.append(Span(event.time, label))

    def cut(self, begin: float, end: float) -> Row:
        """The row from `begin` to `end`, which are in what is remembered."""
        first, last = (round(time * self.rate) - self.start for time in (begin, end))
        samples = np.concatenate([*self.chunks, np.empty(0, np.float32)])[max(0, first) : last]
        beats = sorted(beat for beat in self.beats if begin <= beat[0] < end)
        spans = {
            kind: [Span(max(span.begin, begin), span.label, min(span.end, end)) for span in found if span.begin < end and span.end > begin]
            for kind, found in self.spans.items()
        }
        return Row(begin, samples, beats, **spans)

    def forget(self, before: float) -> None:
        """Forget what ended before this time (s)."""
        while self.chunks and (self.start + len(self.chunks[0])) / self.rate <= before:
            self.start += len(self.chunks.popleft())
        while self.beats and self.beats[0][0] < before:
            self.beats.popleft()
        for kind, found in self.spans.items():
            self.spans[kind] = [span for span in found if span.end > before]


class StripChart(FileSink):
    """A strip chart (``.png``, ``.svg``, ``.pdf``) of the first channel: 25 mm a second, 10 mm a mV, beats, rhythm and quality marked.

    A PDF holds the whole record. A picture holds up to two minutes; of a longer record, the first row and those around what
    matters most: the first alarms and abnormal beats of each kind.
    """

    takes = (SampleSpec,)

    def __init__(self, path: str, options: Options) -> None:
        super().__init__(path, options)
        self._pages: Any = None
        self._tape: Tape | None = None

    def open(self, spec: Spec) -> None:
        """Create the file.

        Raises
        ------
        InputError
            It cannot be written, or what comes are not samples.
        """
        spec = self.require_samples(spec, "draws")
        self.create("wb").close()  # better now than at the end
        self._tape = Tape(spec.rate)
        self._lead = spec.channels[0]
        self._rows: list[Row] = []  # of a page, or of a picture
        self._next = 0.0  # begin of the next row
        self._count = 0  # pages
        self._due: list[tuple[float, str]] = []  # windows to cut: begin, kind of event
        self._windows: dict[str, list[Row]] = {}
        if Path(self.name).suffix.lower() == ".pdf":
            from matplotlib.backends.backend_pdf import PdfPages

            self._pages = PdfPages(self.name)

    def write(self, item: Item) -> None:
        """Take one block; draws a page when one is full. Raises InputError when the disk is full."""
        assert isinstance(item, Block)
        assert self._tape is not None
        self._advance(self._tape.now - EVENT_DELAY_S)  # before it is added: the events of this block come after it
        self._tape.add(item)

    def event(self, event: Event) -> None:
        """Take one event."""
        assert self._tape is not None
        self._tape.note(event)
        if self._pages is None and event.kind in ("beat", "rhythm"):
            label = beat_after(event) if event.kind == "beat" else state_after(event)
            if label in URGENT and len(self._windows.setdefault(label, [])) + sum(due[1] == label for due in self._due) < KEPT_WINDOWS:
                self._want(max(0.0, event.time - BEFORE_S), label)

    def _want(self, begin: float, label: str) -> None:
        """Cut the row from `begin` on when it is complete, unless a row shows that kind of event there already."""
        kept = [row.begin for row in self._windows[label]] + [due[0] for due in self._due if due[1] == label]
        if all(abs(begin - other) >= ROW_S for other in kept):
            self._due.append((begin, label))

    def _advance(self, known: float) -> None:
        """Cut the rows that are complete, and draw what is full."""
        tape = self._tape
        assert tape is not None
        while known >= self._next + ROW_S:
            self._row(tape.cut(self._next, self._next + ROW_S))
        for due in [due for due in self._due if known >= due[0] + ROW_S]:
            self._due.remove(due)
            self._windows[due[1]].append(tape.cut(due[0], due[0] + ROW_S))
        tape.forget(min([self._next, known - ROW_S, *(due[0] for due in self._due)]))

    def _row(self, row: Row) -> None:
        self._next += ROW_S
        if self._pages is not None or len(self._rows) < PICTURE_ROWS:
            self._rows.append(row)
        if self._pages is not None and len(self._rows) == PAGE_ROWS:
            self._page()

    def _page(self) -> None:
        self._count += 1
        figure = draw(self._rows, self._rate(), f"lead {self._lead}", PAGE_ROWS, f"page {self._count}")
        with self.writing():
            self._pages.savefig(figure)
        self._rows = []

    def _rate(self) -> float:
        assert self._tape is not None
        return self._tape.rate

    def finish(self) -> None:
        """Draw what is left, and close the file."""
        tape = self._tape
        if tape is None:
            return
        try:
            whole = tape.now <= PICTURE_ROWS * ROW_S
            self._advance(tape.now)
            if tape.now > self._next:
                self._row(tape.cut(self._next, tape.now))
            for begin, label in self._due:
                self._windows[label].append(tape.cut(begin, tape.now))
            if self._pages is None:
                rows = self._rows if whole else self._chosen()
                what = (
                    "whole record"
                    if whole
                    else f"{len(rows)} rows of {_clock(tape.now)}: the first, and those around alarms and abnormal beats"
                )
                figure = draw(rows, tape.rate, f"lead {self._lead}", max(1, len(rows)), what)
                figure.savefig(self.name, format=Path(self.name).suffix[1:].lower(), dpi=130)
            elif self._rows or not self._count:
                self._page()
        finally:
            if self._pages is not None:
                self._pages.close()

    def _chosen(self) -> list[Row]:
        """The rows of a picture of a long record: one of each kind by urgency, then the second ones; the first rows if that is few."""
        chosen = self._rows[:1]
        urgent = [
            self._windows[label][turn] for turn in range(KEPT_WINDOWS) for label in URGENT if turn < len(self._windows.get(label, []))
        ]
        for row in [*urgent, *self._rows[1:PAGE_ROWS]]:
            if len(chosen) < PICTURE_ROWS and all(abs(row.begin - other.begin) >= ROW_S for other in chosen):
                chosen.append(row)
        return sorted(chosen, key=lambda row: row.begin)


def draw(rows: list[Row], rate: float, lead: str, places: int, what: str) -> Figure:
    """A page with some rows, and room for `places` of them; `what` says which part of the record it is."""
    from matplotlib.figure import Figure

    height = TOP_MM + BOTTOM_MM + places * (HEIGHT_MM + GAP_MM)
    figure = Figure(figsize=(WIDTH_MM / 25.4, height / 25.4), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH_MM)
    axes.set_ylim(height, 0)
    gain = _gain([row.samples for row in rows])
    axes.text(LEFT_MM, 8.5, f"ECG, {lead}", size=12, weight="bold", color=INK, va="center")
    right = LEFT_MM + ROW_S * SPEED_MM_S
    axes.text(right, 6.5, f"25 mm/s    {gain:g} mm/mV    {rate:g} Hz", size=8, color="#555555", va="center", ha="right")
    axes.text(right, 11.5, what, size=8, color="#555555", va="center", ha="right")
    _legend(axes, rows)
    for index, row in enumerate(rows):
        _draw_row(axes, row, TOP_MM + index * (HEIGHT_MM + GAP_MM), rate, gain)
    return figure


def _legend(axes: Axes, rows: list[Row]) -> None:
    """How many beats of each class the page shows."""
    x = LEFT_MM
    found = [label for row in rows for _, label in row.beats]
    for label, colour in COLOURS.items():
        if count := found.count(label):
            axes.plot(x + 0.8, 13.2, marker="v", color=colour, markersize=4.5, linestyle="")
            text = f"{label} {count}"
            axes.text(x + 2.4, 13.2, text, size=7.5, color=colour, va="center_baseline")
            x += 8 + 1.7 * len(text)


def _draw_row(axes: Axes, row: Row, top: float, rate: float, gain: float) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Rectangle

    right, bottom = LEFT_MM + ROW_S * SPEED_MM_S, top + HEIGHT_MM
    axes.add_patch(Rectangle((LEFT_MM, top), ROW_S * SPEED_MM_S, HEIGHT_MM, facecolor=PAPER, edgecolor="none", zorder=0))
    for step, colour, width in ((1, FINE, 0.35), (5, COARSE, 0.5)):
        upright = [[(LEFT_MM + mm, top), (LEFT_MM + mm, bottom)] for mm in np.arange(0, ROW_S * SPEED_MM_S + 0.5, step)]
        level = [[(LEFT_MM, top + mm), (right, top + mm)] for mm in np.arange(0, HEIGHT_MM + 0.5, step)]
        axes.add_collection(LineCollection(upright + level, colors=colour, linewidths=width, zorder=1), autolim=False)
    for span in row.quality:
        x, width = LEFT_MM + (span.begin - row.begin) * SPEED_MM_S, (span.end - span.begin) * SPEED_MM_S
        axes.add_patch(
            Rectangle((x, top), width, HEIGHT_MM, facecolor="#80808028", edgecolor="#9a9a9a", hatch="////", linewidth=0, zorder=2)
        )
        _tag(axes, span.label, x, top + 7.8, width, "#6a6a6a")
    middle, reach = top + HEIGHT_MM / 2 + 2.0, HEIGHT_MM / 2 - 0.5
    finite = row.samples[np.isfinite(row.samples)]
    level_at = float(np.median(finite)) if len(finite) else 0.0
    y = middle - np.clip((row.samples - level_at) * gain, -reach + 2, reach + 2)
    x_of = LEFT_MM + (np.round(row.begin * rate) / rate - row.begin + np.arange(len(y)) / rate) * SPEED_MM_S
    axes.plot(x_of, y, color=INK, linewidth=0.75, solid_joinstyle="round", zorder=4)
    for time, label in row.beats:
        x = LEFT_MM + (time - row.begin) * SPEED_MM_S
        axes.plot(x, top + 4.6, marker="v", color=COLOURS[label], markersize=4.5, markeredgewidth=0, linestyle="", zorder=5)
        if label != "N":
            letter = "?" if label == "abnormal" else label
            axes.text(x, top + 2.2, letter, size=7.5, weight="bold", color=COLOURS[label], ha="center", va="center", zorder=5)
    for span in sorted(row.rhythm, key=lambda span: span.label in MOMENTARY):
        x, width = LEFT_MM + (span.begin - row.begin) * SPEED_MM_S, (span.end - span.begin) * SPEED_MM_S
        colour = ALARMS.get(span.label, "#2a7f8f")
        axes.add_patch(Rectangle((x, bottom - 1.6), width, 1.6, facecolor=colour, edgecolor="white", linewidth=0.4, zorder=5))
        _tag(axes, span.label, x, bottom - 3.4, width, colour)
    axes.text(LEFT_MM - 1.5, top + HEIGHT_MM / 2, _clock(row.begin), size=8.5, color=INK, ha="right", va="center")
    pulse = _pulse([time for time, _ in row.beats])
    if pulse is not None:
        axes.text(right + 2, top + HEIGHT_MM / 2 - 2, f"{pulse:.0f}", size=14, weight="bold", color=INK, va="center")
        axes.text(right + 2, top + HEIGHT_MM / 2 + 3, "beats/min", size=7, color="#555555", va="center")


def _tag(axes: Axes, text: str, x: float, y: float, width: float, colour: str) -> None:
    """A label on white, which stays inside the row."""
    x = min(x + 0.6, LEFT_MM + ROW_S * SPEED_MM_S - 1.6 * len(text) - 2)
    box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    axes.text(x, y, text, size=7.5, weight="bold", color=colour, va="center", ha="left", bbox=box, zorder=6)


def _gain(parts: Iterable[NDArray[np.float32]]) -> float:
    """Scale (mm a unit) of a page: the usual one, or the nearest one at which its rows fit and can be seen."""
    spans = []
    for part in parts:
        finite = part[np.isfinite(part)]
        if len(finite):
            spans.append(float(np.max(np.abs(np.percentile(finite, (0.1, 99.9)) - np.median(finite)))))
    largest = max(spans, default=0.0)
    if largest <= 0:
        return GAINS_MM_MV[0]
    fits = [gain for gain in GAINS_MM_MV if largest * gain <= HEIGHT_MM / 2 + 1]
    if not fits:
        return GAINS_MM_MV[-1]
    return GAINS_MM_MV[0] if GAINS_MM_MV[0] in fits and largest * GAINS_MM_MV[0] >= 2.5 else max(gain for gain in fits)


def _pulse(times: list[float]) -> float | None:
    """Beats a minute, from the first to the last."""
    return 60.0 * (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else None


def _clock(seconds: float) -> str:
    """Stream time as ``m:ss`` or ``h:mm:ss``."""
    whole = int(seconds + 1e-6)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
