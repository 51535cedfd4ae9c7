"""A live strip chart in the terminal."""

from __future__ import annotations

from collections import Counter, deque
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Block, Event, InputError, Item, Options, SampleSpec, Sink, Spec
from rtkit_ecg.annotations import MOMENTARY, USUAL, beat_after, state_after

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Seconds shown, lines of the trace, pictures a second.
SHOWN_S = 6.0
LINES = 12
PICTURES_HZ = 10
#: The least height (mV) shown, so that noise does not fill the screen.
MIN_RANGE_MV = 0.5
STYLES = {"N": "green", "S": "bold blue", "V": "bold red", "F": "bold magenta", "Q": "yellow", "abnormal": "bold red"}
#: Bits of the eight dots of a braille character, by line and column.
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


class TerminalChart(Sink):
    """``chart``: the last six seconds of the first channel in the terminal, with beats, heart rate, rhythm and signal quality.

    Where standard output is no terminal, a line a beat, alarm or change of quality.
    """

    def __init__(self, rest: str, options: Options) -> None:
        self.name = "chart"
        self._live: Any = None

    def open(self, spec: Spec) -> None:
        """Begin to draw.

        Raises
        ------
        InputError
            What comes are not samples.
        """
        if not isinstance(spec, SampleSpec):
            raise InputError(f"{self.name}: draws samples, got {spec}")
        from rich.console import Console
        from rich.live import Live

        self._rate, self._lead = spec.rate, spec.channels[0]
        self._lock = Lock()  # of what is drawn; never held while drawing
        self._chunks: deque[NDArray[np.float32]] = deque()
        self._seen = 0
        self._beats: deque[tuple[float, str]] = deque(maxlen=100)
        self._counts: Counter[str] = Counter()
        self._state = dict(USUAL)
        self._moment = -SHOWN_S, ""  # the last momentary rhythm
        self._console = Console()
        if self._console.is_terminal:
            # Drawn by a thread of rich's: a terminal that does not take the text holds up that thread, not the stream.
            self._live = Live(get_renderable=self._picture, console=self._console, refresh_per_second=PICTURES_HZ, transient=False)
            self._live.start()

    def write(self, item: Item) -> None:
        """Take one block."""
        assert isinstance(item, Block)
        if self._live is None:
            return
        keep = round(SHOWN_S * self._rate)
        with self._lock:
            self._chunks.append(item.data[-keep:, 0].astype(np.float32))
            self._seen = item.start + len(item.data)
            held = sum(map(len, self._chunks))
            while held - len(self._chunks[0]) >= keep:
                held -= len(self._chunks.popleft())

    def event(self, event: Event) -> None:
        """Take one event."""
        with self._lock:
            if event.kind == "beat":
                label = beat_after(event)
                self._counts[label] += 1
                self._beats.append((event.time, label))
            elif event.kind in self._state:
                label = state_after(event)
                if label in MOMENTARY:
                    self._moment = event.time, label
                else:
                    self._state[event.kind] = label
            else:
                return
        if self._live is None:
            print(self._line(event), flush=True)

    def _line(self, event: Event) -> str:
        """An event as a line of text."""
        if event.kind != "beat":
            return f"{event.time:10.3f} s  {event.kind}  {state_after(event)}"
        rr = event.data.get("rr_s")
        pulse = f"  {60 / rr:4.0f} beats/min" if rr else ""
        late = "  (late)" if event.data.get("late") else ""
        return f"{event.time:10.3f} s  beat  {event.label or 'Q'}{pulse}{late}"

    def _picture(self) -> RenderableType:
        """What the terminal shows now."""
        from rich.console import Group
        from rich.panel import Panel
        from rich.text import Text

        with self._lock:
            samples = np.concatenate([*self._chunks, np.empty(0, np.float32)])[-round(SHOWN_S * self._rate) :]
            now = self._seen / self._rate
            beats, counts, state = list(self._beats), self._counts.copy(), dict(self._state)
            if now - self._moment[0] < SHOWN_S and state["rhythm"] == USUAL["rhythm"]:
                state["rhythm"] = self._moment[1]
        width = max(10, self._console.width - 4)
        trace = Text("\n".join(braille(samples, round(SHOWN_S * self._rate), width, LINES)), style="bright_green", no_wrap=True)
        head = Text(no_wrap=True, overflow="ellipsis")
        recent = [time for time, _ in beats][-9:]
        pulse = f"{60 * (len(recent) - 1) / (recent[-1] - recent[0]):.0f}" if len(recent) > 1 and recent[-1] > recent[0] else "–"
        head.append(f"♥ {pulse} /min", "bold").append("   rhythm ")
        head.append(state["rhythm"], "green" if state["rhythm"] == USUAL["rhythm"] else "bold white on red").append("   signal ")
        head.append(state["quality"], "green" if state["quality"] == USUAL["quality"] else "bold black on yellow").append("   ")
        for label, style in STYLES.items():
            if counts[label]:
                head.append(f"{label} {counts[label]}  ", style)
        marks = marked(beats, now - SHOWN_S, width)
        line = Text("".join(mark or " " for mark in marks), no_wrap=True)
        for place, mark in enumerate(marks):
            if mark:
                line.stylize(STYLES["abnormal" if mark == "?" else mark], place, place + 1)
        title = f"ECG, lead {self._lead}   {int(now) // 60}:{int(now) % 60:02d}"
        return Panel(Group(head, trace, line), title=title, title_align="left", padding=(0, 1))

    def close(self) -> None:
        """Leave the last picture."""
        if self._live is not None:
            self._live.stop()


def braille(samples: NDArray[np.float32], span: int, width: int, lines: int) -> list[str]:
    """The newest `span` samples as lines of braille characters, the newest on the right; NaN leaves a gap."""
    columns, height = 2 * width, 4 * lines
    dots = np.zeros((height, columns), bool)
    finite = samples[np.isfinite(samples)]
    if len(finite):
        low, high = np.percentile(finite, (0.2, 99.8))
        middle, half = (low + high) / 2, max(high - low, MIN_RANGE_MV) / 2 * 1.1
        level = (height - 1) * (0.5 - (samples - middle) / (2 * half))
        column = (np.arange(span - len(samples), span) * columns) // span
        last: int | None = None
        for place in np.unique(column):
            part = level[column == place]
            part = np.clip(part[np.isfinite(part)], 0, height - 1).round().astype(int)
            if not len(part):
                last = None
                continue
            top, bottom = int(part.min()), int(part.max())
            if last is not None:  # joined to the column before
                top, bottom = min(top, last), max(bottom, last)
            dots[top : bottom + 1, place] = True
            last = int(part[-1])
    codes = (dots.reshape(lines, 4, width, 2).transpose(0, 2, 1, 3) * DOTS).sum(axis=(2, 3))
    return ["".join(chr(0x2800 + code) for code in line) for line in codes.tolist()]


def marked(beats: list[tuple[float, str]], begin: float, width: int) -> list[str]:
    """A letter under each beat since `begin` (s), empty elsewhere."""
    marks = [""] * width
    for time, label in beats:
        place = int((time - begin) / SHOWN_S * width)
        if 0 <= place < width:
            marks[place] = "?" if label == "abnormal" else label
    return marks
