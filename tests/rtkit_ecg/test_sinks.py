"""Sinks of the ECG part: annotations that PhysioNet's tools read, tables, strip charts, the chart in the terminal."""

import csv
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st
from rtkit_ecg.annotations import AnnotationFile, AnnotationTable
from rtkit_ecg.strip import StripChart
from rtkit_ecg.terminal import TerminalChart, braille, marked

from rtkit import InputError, Options
from rtkit.core.items import Block, Event, FrameSpec, SampleSpec

RATE = 250.0
SPEC = SampleSpec(RATE, ("MLII", "V1"))


def beat(time, label="N", **data):
    return Event(time, "beat", label, 0.9, {"late": False, "rr_s": 0.8, "latency_s": 0.4} | data)


def rhythm(time, label):
    return Event(time, "rhythm", label)


def quality(time, label):
    return Event(time, "quality", label)


def ecg(seconds, rate=RATE, amplitude=1.0):
    """A spike a second on a baseline that wanders."""
    times = np.arange(round(seconds * rate)) / rate
    wave = amplitude * np.exp(-(((times % 1 - 0.5) / 0.02) ** 2)) + 0.2 * np.sin(times)
    return np.stack([wave, -wave], axis=1).astype(np.float32)


def feed(sink, data, events=(), delay=1.0, size=100, spec=SPEC):
    """Write samples block by block, and the events so long after their time."""
    sink.open(spec)
    waiting = list(events)
    for start in range(0, len(data), size):
        block = data[start : start + size]
        sink.write(Block(block, start, spec.rate, spec.channels))
        now = (start + len(block)) / spec.rate
        while waiting and waiting[0].time + delay <= now:
            sink.event(waiting.pop(0))
    for event in waiting:
        sink.event(event)
    sink.close()


def test_annotations_hold_beats_rhythm_and_quality(tmp_path):
    events = [
        quality(0, "noise"),
        rhythm(0, "asystole"),
        beat(1, "N"),
        quality(1.5, "good"),
        beat(2, "S"),
        beat(3, "V"),
        rhythm(3.5, "ventricular tachycardia"),
        beat(4, "F"),
        beat(5, "Q"),
        beat(6, "normal"),
        rhythm(6, "regular"),
        beat(7, "abnormal"),
        beat(8, None),
        rhythm(8.5, "bradycardia"),
        rhythm(9, "irregular"),
        rhythm(9.5, "pause"),
        Event(9.75, "echo", "adapting"),
    ]
    feed(AnnotationFile(str(tmp_path / "r.atr"), Options()), ecg(12), events)
    found = wfdb.rdann(str(tmp_path / "r"), "atr")
    assert found.fs == RATE
    assert list(zip(found.sample.tolist(), found.symbol, found.aux_note, strict=True)) == [
        (0, "~", "noise"),
        (1, '"', "asystole"),
        (250, "N", ""),
        (375, "~", "good"),
        (500, "S", ""),
        (750, "V", ""),
        (875, "+", "(VT"),
        (1000, "F", ""),
        (1250, "Q", ""),
        (1500, "N", ""),
        (1500, "+", "(N"),
        (1750, "?", ""),
        (2000, "Q", ""),
        (2125, "+", "(SBR"),
        (2250, '"', "irregular"),
        (2375, '"', "pause"),
        (2438, '"', "echo: adapting"),
    ]


@given(
    gaps=st.lists(
        st.one_of(st.integers(1, 3000), st.integers(1000, 1050), st.integers(2**15, 2**17), st.integers(2**30, 2**33)), max_size=40
    ),
    labels=st.lists(st.sampled_from(["N", "S", "V", "F", "Q"]), min_size=40, max_size=40),
    rate=st.sampled_from([125.0, 128.5, 250.0, 360.0, 999.75, 1000.0]),
    first=st.integers(0, 5000),
)
@settings(max_examples=60, deadline=None)
def test_beats_are_read_back_by_wfdb(tmp_path_factory, gaps, labels, rate, first):
    folder = tmp_path_factory.mktemp("atr")
    samples = np.cumsum([first, *gaps]).tolist()[:40]
    sink = AnnotationFile(str(folder / "r.atr"), Options())
    sink.open(SampleSpec(rate, ("I",)))
    for sample, label in zip(samples, labels, strict=False):
        sink.event(beat(sample / rate, label))
        sink.write(Block(np.zeros((1, 1), np.float32), sample, rate, ("I",)))
    sink.close()
    found = wfdb.rdann(str(folder / "r"), "atr")
    assert found.sample.tolist() == samples
    assert found.symbol == labels[: len(samples)]
    assert found.fs == rate
    assert sink.counts() == {}


@pytest.mark.parametrize("size", [50, 4096])
@given(
    events=st.lists(
        st.tuples(st.integers(0, 20000), st.floats(0, 2.5), st.sampled_from(["beat", "rhythm", "quality"])),
        max_size=40,
        unique_by=lambda event: event[0],
    )
)
@settings(max_examples=60, deadline=None)
def test_what_comes_out_of_order_is_put_in_order(tmp_path_factory, size, events):
    folder = tmp_path_factory.mktemp("atr")
    arriving = sorted((sample / RATE + delay, sample, kind) for sample, delay, kind in events)
    sink = AnnotationFile(str(folder / "r.atr"), Options())
    sink.open(SPEC)
    for start in range(0, 25000, size):
        sink.write(Block(np.zeros((size, 2), np.float32), start, RATE, SPEC.channels))
        while arriving and arriving[0][0] <= (start + size) / RATE:
            _, sample, kind = arriving.pop(0)
            sink.event(Event(sample / RATE, kind, {"beat": "V", "rhythm": "tachycardia", "quality": "flat"}[kind]))
    sink.close()
    found = wfdb.rdann(str(folder / "r"), "atr")
    assert found.sample.tolist() == sorted(sample for sample, *_ in events)
    assert sink.counts() == {}


def test_beats_that_come_much_too_late_or_twice_are_counted(tmp_path):
    sink = AnnotationFile(str(tmp_path / "r.atr"), Options())
    sink.open(SPEC)
    for time in (1, 2, 2, 3):
        sink.event(beat(time))
    sink.write(Block(np.zeros((500, 2), np.float32), 2000, RATE, SPEC.channels))
    sink.event(beat(2.5))
    sink.event(quality(2.5, "noise"))
    sink.close()
    found = wfdb.rdann(str(tmp_path / "r"), "atr")
    assert found.sample.tolist() == [250, 500, 750, 750]
    assert found.symbol == ["N", "N", "N", "~"]
    assert sink.counts() == {"late": 2}


def test_no_events_make_a_file_that_is_readable(tmp_path):
    feed(AnnotationFile(str(tmp_path / "r.atr"), Options()), ecg(2))
    found = wfdb.rdann(str(tmp_path / "r"), "atr")
    assert found.sample.tolist() == []
    assert found.fs == RATE


KILLED = """
import os, signal, sys
import numpy as np
from rtkit import Options
from rtkit import Block, Event, SampleSpec
from rtkit_ecg.annotations import AnnotationFile, AnnotationTable
spec = SampleSpec(250.0, ("I",))
sinks = [AnnotationFile(sys.argv[1] + "/r.atr", Options()), AnnotationTable(sys.argv[1] + "/r.ann.csv", Options())]
for sink in sinks:
    sink.open(spec)
for second in range(30):
    for sink in sinks:
        sink.event(Event(second + 0.5, "beat", "V", 0.9, {"late": False, "rr_s": 1.0, "latency_s": 0.5}))
        sink.write(Block(np.zeros((250, 1), np.float32), second * 250, 250.0, ("I",)))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_files_that_are_readable(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], timeout=60)
    assert done.returncode == -9
    found = wfdb.rdann(str(tmp_path / "r"), "atr")
    assert found.sample.tolist() == [250 * second + 125 for second in range(26)]  # all but the seconds kept to put them in order
    with (tmp_path / "r.ann.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 30


def test_the_table_holds_each_event_with_its_details(tmp_path):
    sink = AnnotationTable(str(tmp_path / "r.ann.csv"), Options())
    sink.open(SPEC)
    sink.event(beat(1.5, "V", late=True, rr_s=None))
    sink.event(Event(2.0, "rhythm", 'a "strange", label', None, {"beats": 3}))
    with (tmp_path / "r.ann.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    sink.close()
    assert rows[0] == {
        "time": "1.500000",
        "sample": "375",
        "kind": "beat",
        "label": "V",
        "score": "0.9",
        "late": "1",
        "rr_s": "",
        "latency_s": "0.4",
        "details": "",
    }
    assert rows[1]["label"] == 'a "strange", label'
    assert json.loads(rows[1]["details"]) == {"beats": 3}
    assert (rows[1]["late"], rows[1]["score"]) == ("", "")


@pytest.mark.parametrize("kind", [AnnotationFile, AnnotationTable, StripChart, TerminalChart])
def test_sinks_refuse_frames_and_places_that_cannot_be_written(tmp_path, kind):
    with pytest.raises(InputError, match="samples, got frames"):
        kind(str(tmp_path / "x.png"), Options()).open(FrameSpec(4, 4, 25.0))
    if kind is not TerminalChart:
        with pytest.raises(InputError, match=r"none/x\.png: cannot be written: No such file"):
            kind(str(tmp_path / "none" / "x.png"), Options()).open(SPEC)


def svg_texts(path):
    return re.findall(r"<!-- (.*?) -->", path.read_text())


@pytest.mark.parametrize("size", [1, 100, 4096, 10000])
def test_a_picture_shows_a_whole_short_record(tmp_path, size):
    events = [*(beat(second + 0.5, "V" if second == 12 else "N") for second in range(34))]
    events += [quality(3, "noise"), quality(8, "good"), rhythm(15, "tachycardia"), rhythm(22, "regular"), rhythm(25, "pause")]
    events.sort(key=lambda event: event.time)
    feed(StripChart(str(tmp_path / "x.svg"), Options()), ecg(34), events, size=size)
    texts = svg_texts(tmp_path / "x.svg")
    assert {"ECG, lead MLII", "whole record", "noise", "tachycardia", "pause", "V", "N 33", "V 1", "0:00", "0:10", "0:20", "0:30"} <= set(
        texts
    )
    assert "0:40" not in texts
    assert "regular" not in texts
    assert texts.count("tachycardia") == 2  # goes on in the third row
    assert texts.count("60") == 4  # beats a minute of each row
    assert "25 mm/s    10 mm/mV    250 Hz" in texts


def test_a_picture_of_a_long_record_shows_what_matters(tmp_path):
    events = [beat(second + 0.5, "S" if second in (300, 301) else "V" if second == 400 else "N") for second in range(600)]
    events += [rhythm(500, "asystole"), rhythm(504, "regular"), rhythm(200, "bradycardia"), rhythm(260, "regular")]
    events.sort(key=lambda event: event.time)
    sink = StripChart(str(tmp_path / "x.svg"), Options())
    feed(sink, ecg(600), events, size=500)
    texts = svg_texts(tmp_path / "x.svg")
    assert {"0:00", "3:17", "4:57", "6:37", "8:17"} <= set(texts)
    assert {"asystole", "bradycardia", "S", "V"} <= set(texts)
    assert any("of 10:00: the first, and those around alarms" in text for text in texts)
    assert sum(map(len, sink._tape.chunks)) < 40 * RATE


def test_a_picture_remembers_a_bounded_part_whatever_happens(tmp_path):
    sink = StripChart(str(tmp_path / "x.svg"), Options())
    sink.open(SPEC)
    data = ecg(10)
    for number in range(120):
        sink.write(Block(data, number * len(data), RATE, SPEC.channels))
        for tenth in range(0, 10):
            sink.event(beat(number * 10 + tenth, "VSF"[tenth % 3]))
        sink.event(rhythm(number * 10, "irregular" if number % 2 else "regular"))
    kept = sum(len(row.samples) for rows in sink._windows.values() for row in rows) + sum(len(row.samples) for row in sink._rows)
    assert kept <= (12 + 4 * 3) * 10 * RATE
    assert len(sink._tape.beats) < 100
    assert len(sink._due) <= 12
    sink.close()


@pytest.mark.parametrize(("seconds", "pages"), [(5, 1), (60, 1), (130, 3)])
def test_a_pdf_holds_the_whole_record(tmp_path, seconds, pages):
    events = [beat(second + 0.5) for second in range(seconds)]
    feed(StripChart(str(tmp_path / "x.pdf"), Options()), ecg(seconds), events, size=777)
    content = (tmp_path / "x.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert content.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type /Page\b", content)) == pages


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
@pytest.mark.parametrize(
    "data", [np.zeros((0, 1)), np.full((500, 1), np.nan), np.full((500, 1), 1e30), np.zeros((3, 1))], ids=["none", "nan", "huge", "short"]
)
def test_charts_of_strange_signals(tmp_path, suffix, data):
    spec = SampleSpec(RATE, ("x",))
    feed(StripChart(str(tmp_path / f"x{suffix}"), Options()), data.astype(np.float32), [beat(0, None)], spec=spec)
    assert (tmp_path / f"x{suffix}").stat().st_size > 1000


def test_without_a_terminal_each_beat_and_alarm_is_a_line(capsys):
    sink = TerminalChart("", Options())
    events = [beat(1, "V", rr_s=0.5, late=True), rhythm(2, "tachycardia"), quality(3, "noise"), quality(4, "good")]
    feed(sink, ecg(6), events)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["1.000", "s", "beat", "V", "120", "beats/min", "(late)"],
        ["2.000", "s", "rhythm", "tachycardia"],
        ["3.000", "s", "quality", "noise"],
        ["4.000", "s", "quality", "good"],
    ]


DRAWN = """
import time
import numpy as np
from rtkit import Options
from rtkit import Block, Event, SampleSpec
from rtkit_ecg.terminal import TerminalChart
sink = TerminalChart("", Options())
sink.open(SampleSpec(250.0, ("MLII",)))
for second in range(8):
    wave = np.exp(-(((np.arange(250) / 250 - 0.5) / 0.02) ** 2))[:, None].astype(np.float32)
    sink.write(Block(wave, second * 250, 250.0, ("MLII",)))
    sink.event(Event(second + 0.5, "beat", "V" if second == 6 else "N", 0.9, {"rr_s": 1.0}))
    if second == 5:
        sink.event(Event(5.5, "rhythm", "ventricular tachycardia"))
    time.sleep(0.05)
sink.close()
"""


def test_in_a_terminal_the_trace_is_drawn(tmp_path):
    import pty

    main, side = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", DRAWN], stdout=side, env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "100"})
    os.close(side)
    shown = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # the other side has gone
            break
        if not part:
            break
        shown += part
    os.close(main)
    assert process.wait(30) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    last = text[text.rindex("ECG, lead MLII") :]
    assert "60 /min" in last
    assert "N 7  V 1" in last
    assert "ventricular tachycardia" in last
    assert sum(0x2800 < ord(letter) < 0x2900 for letter in last) > 40
    assert re.search(r"N +N +N +N +V +N", last)


@given(count=st.integers(0, 400), span=st.integers(1, 400), width=st.integers(1, 60), lines=st.integers(1, 12), seed=st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_the_trace_fits_and_holds_all_that_is_finite(count, span, width, lines, seed):
    samples = np.random.default_rng(seed).standard_normal(min(count, span)).astype(np.float32)
    samples[::7] = np.nan
    drawn = braille(samples, span, width, lines)
    assert [len(line) for line in drawn] == [width] * lines
    empty = all(letter == "\u2800" for line in drawn for letter in line)
    assert empty == (not np.isfinite(samples).any())


def test_marks_stand_under_their_beats():
    marks = marked([(0.9, "N"), (1.0, "V"), (4.0, "abnormal"), (7.1, "N")], 1.0, 60)
    assert [(place, mark) for place, mark in enumerate(marks) if mark] == [(0, "V"), (30, "?")]
