"""Sinks of what the monitor found: WFDB annotation files, and tables with a line an event."""

from __future__ import annotations

import csv
import heapq
import json
from collections.abc import Iterable
from typing import Any

from rtkit import Block, Event, FileSink, Item, Options, Spec

#: Length of the reorder buffer: the largest delay of an event behind what it tells of.
REORDER_S = 3.0
#: Codes of the MIT format (ecgcodes.h) of beats by their class; of one that was not classified, Q.
BEATS = {"N": 1, "normal": 1, "S": 9, "V": 5, "F": 6, "Q": 13, "abnormal": 30}
UNCLASSIFIED = 13
#: Codes of changes of the rhythm, changes of the signal's quality, and comments.
RHYTHM, QUALITY, NOTE = 28, 14, 22
#: Rhythms that have a name of their own in PhysioNet's databases.
RHYTHMS = {
    "regular": "(N",
    "bradycardia": "(SBR",
    "tachycardia": "(SVTA",
    "ventricular tachycardia": "(VT",
    "ventricular flutter": "(VFL",
}
#: What the signal and the rhythm return to when something ends.
USUAL = {"quality": "good", "rhythm": "regular"}
#: Rhythms that are over as soon as they are told.
MOMENTARY = frozenset({"pause", "couplet"})
#: Bytes behind the time resolution that end the definitions: a step back by one sample, and one forth.
END_OF_DEFINITIONS = bytes([0, 236, 255, 255, 255, 255, 1, 0])
END_OF_FILE = b"\0\0"


def state_after(event: Event) -> str:
    """The state of the rhythm or of the signal from an event of kind ``rhythm`` or ``quality`` on."""
    return event.label or USUAL[event.kind]


def beat_after(event: Event) -> str:
    """The class of a beat: ``N``, ``S``, ``V``, ``F``, ``Q`` or ``abnormal``; of one that has none, ``Q``."""
    label = event.label or "Q"
    return "N" if label == "normal" else label if label in BEATS else "Q"


class AnnotationFile(FileSink):
    """A WFDB annotation file (``.atr``, MIT format), which PhysioNet's tools read; beats, rhythm, quality and comments.

    Events that come late are put in order for 3 s. The file is complete after each block, so that a killed process leaves one that
    is readable. An event that comes even later is put at the last time written; a beat is then left out and counted.
    """

    def __init__(self, path: str, options: Options) -> None:
        super().__init__(path, options)
        self._late = 0

    def open(self, spec: Spec) -> None:
        """Create the file.

        Raises
        ------
        InputError
            It cannot be written, or what comes are not samples.
        """
        spec = self.require_samples(spec, "annotates")
        self.file = self.create("wb", buffering=0)
        self._rate = spec.rate
        self._waiting: list[tuple[int, int, int, str]] = []  # sample, order of arrival, code, text
        self._arrived = self._last = 0
        self._last_beat = -1
        self._end = 0  # of what is written, without the mark of the end
        rate = f"{spec.rate:.8f}".rstrip("0").rstrip(".")
        self._append(_word(0, NOTE) + _text(f"## time resolution: {rate}") + END_OF_DEFINITIONS)

    def write(self, item: Item) -> None:
        """Write the events that are old enough. Raises InputError when the disk is full."""
        assert isinstance(item, Block)
        self._flush(item.start - round(REORDER_S * self._rate))  # the events of this block come after it

    def event(self, event: Event) -> None:
        """Take one event, to be written in order."""
        sample = max(0, round(event.time * self._rate))
        text = ""
        if event.kind == "beat":
            code = BEATS.get(event.label or "", UNCLASSIFIED)
        elif event.kind == "quality":
            code, text = QUALITY, state_after(event)
        elif event.kind == "rhythm":
            label = state_after(event)
            code, text = (RHYTHM, RHYTHMS[label]) if label in RHYTHMS else (NOTE, label)
        else:
            code, text = NOTE, f"{event.kind}: {event.label}" if event.label else event.kind
        if code == NOTE:
            sample = max(1, sample)  # a comment at sample 0 counts as a definition, and readers leave it out
        self._arrived += 1
        heapq.heappush(self._waiting, (sample, self._arrived, code, text))

    def _flush(self, until: int) -> None:
        payload = b""
        while self._waiting and self._waiting[0][0] <= until:
            sample, _, code, text = heapq.heappop(self._waiting)
            beat = code in BEATS.values()
            if beat and (sample < self._last or sample <= self._last_beat):
                self._late += 1
                continue
            sample = max(sample, self._last)
            payload += _word(sample - self._last, code) + (_text(text) if text else b"")
            self._last = sample
            self._last_beat = sample if beat else self._last_beat
        if payload:
            self._append(payload)

    def _append(self, payload: bytes) -> None:
        """Write over the mark of the end, and a new mark, in one call."""
        with self.writing(f" at sample {self._last}"):
            self.file.seek(self._end)
            self.file.write(payload + END_OF_FILE)
        self._end += len(payload)

    def finish(self) -> None:
        """Write what is waiting, and close the file."""
        try:
            if self._waiting:
                self._flush(max(self._waiting)[0])
        finally:
            self.file.close()

    def counts(self) -> dict[str, int]:
        """``late``: beats that came when later ones were already written, or twice for the same sample."""
        return {"late": self._late} if self._late else {}


class AnnotationTable(FileSink):
    """A CSV table (``.ann.csv``) with a line an event, written at once: time (s), sample, kind, label, score, late, rr_s, latency_s.

    The last column holds what else is known of the event, as JSON.
    """

    COLUMNS = ("time", "sample", "kind", "label", "score", "late", "rr_s", "latency_s", "details")

    def open(self, spec: Spec) -> None:
        """Create the file.

        Raises
        ------
        InputError
            It cannot be written, or what comes are not samples.
        """
        self._rate = self.require_samples(spec, "annotates").rate
        self.file = self.create("w", newline="", buffering=1, encoding="utf-8")
        self._writer = csv.writer(self.file, lineterminator="\n")
        self._write_row(self.COLUMNS)

    def write(self, item: Item) -> None:
        """Forget it."""

    def event(self, event: Event) -> None:
        """Write one line. Raises InputError when the disk is full."""
        details = dict(event.data)
        own: list[Any] = [details.pop(key, None) for key in ("late", "rr_s", "latency_s")]
        own[0] = None if own[0] is None else int(own[0])
        rest = json.dumps(details) if details else None
        sample = round(event.time * self._rate)
        row = [f"{event.time:.6f}", sample, event.kind, event.label, *(_short(value) for value in (event.score, *own)), rest]
        self._write_row(row)

    def _write_row(self, row: Iterable[Any]) -> None:
        with self.writing():
            self._writer.writerow(row)


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def _word(step: int, code: int) -> bytes:
    """An annotation `step` samples after the last one; more than 10 bits of it go into words of their own."""
    skips = b""
    while step > 1023:
        part = min(step, 0x7FFFFFFF)
        skips += bytes([0, 59 << 2, part >> 16 & 255, part >> 24, part & 255, part >> 8 & 255])
        step -= part
    return skips + bytes([step & 255, step >> 8 | code << 2])


def _text(text: str) -> bytes:
    """The text of an annotation, up to 255 characters, filled up to whole words."""
    raw = text.encode("latin-1", "replace")[:255]
    return bytes([len(raw), 63 << 2]) + raw + bytes(len(raw) % 2)
