"""The demo: two shipped excerpts of real records, watched, and compared with what cardiologists found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from rtkit import Event, Sink, Stream, make_folder

DATA = Path(__file__).parent / "data"
RECORDS = {"119": "premature ventricular beats", "207": "ventricular flutter"}
#: A found beat and an annotated one that are not further apart (s) are the same (ANSI/AAMI EC57).
TOLERANCE_S = 0.15


class EventCollector(Sink):
    """Keeps the events of a stream."""

    def __init__(self) -> None:
        self.name = "events"
        self.events: list[Event] = []

    def open(self, spec: object) -> None:
        """Nothing to open."""

    def write(self, item: object) -> None:
        """Samples are not kept."""

    def event(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)


def run(folder: str) -> list[str]:
    """Watch every excerpt and leave annotations and a strip chart in `folder`; returns lines to print."""
    out = make_folder(folder)
    lines = []
    for name, what in RECORDS.items():
        record, collector = DATA / f"{name}.hea", EventCollector()
        to = [str(out / f"{name}.atr"), str(out / f"{name}.ann.csv"), str(out / f"{name}.png")]
        report = Stream(str(record), ["ecg"], to=[*to, collector]).run()
        beats = [event for event in collector.events if event.kind == "beat"]
        found = np.array([event.time for event in beats])
        annotated = annotated_beats(record)
        matched = sum(bool(len(found)) and bool(np.abs(found - time).min() <= TOLERANCE_S) for time in annotated)
        classes = Counter(event.label for event in beats)
        rhythms = Counter(event.label for event in collector.events if event.kind == "rhythm" and event.label != "regular")
        latency = float(np.median([event.data["latency_s"] for event in beats]))
        lines += [
            f"record {name} ({what}): rtkit run {record} ecg --to " + " --to ".join(to),
            f"    {len(beats)} beats ({', '.join(f'{count} {label}' for label, count in classes.most_common())}); "
            f"{matched} of the {len(annotated)} that cardiologists marked; told {latency:.2f} s after the R peak (median), "
            f"at {report.stream_s / report.busy_s:.0f} x real time",
            f"    rhythm: {', '.join(f'{label} ({count} x)' for label, count in rhythms.items()) or 'regular'}; look at {to[2]}",
        ]
    return [*lines, "Not a medical device."]


def annotated_beats(record: Path) -> list[float]:
    """Times (s) of the annotated beats of a record."""
    import wfdb

    marks = wfdb.rdann(str(record.with_suffix("")), "atr")
    rate = wfdb.rdheader(str(record.with_suffix(""))).fs
    return [sample / rate for sample, symbol in zip(marks.sample, marks.symbol, strict=True) if symbol in "NLRBAaJSVrFejnE/fQ?"]
