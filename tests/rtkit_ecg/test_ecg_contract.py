"""`ecg` by the contract: complete state to the last event, fresh start, summary."""

import numpy as np
import pytest
from rtkit_ecg.demo import DATA
from rtkit_ecg.monitor import Ecg

from rtkit.core.items import Block, SampleSpec
from tests.rtkit_ecg.hearts import heart

ROWS = np.loadtxt(DATA / "heartbeats.csv", delimiter=",", dtype=np.float32)


def open_on(processor, width, rate):
    processor.open(SampleSpec(rate, tuple(map(str, range(width)))))
    return processor


def drive(processor, samples, start=0):
    spec = processor.spec
    processor.process(Block(samples.copy(), start, spec.rate, spec.channels))
    return processor


def finish(processor):
    processor.close()
    events, processor.events = processor.events, []
    return events


def test_what_was_said_of_a_row_is_part_of_the_state():
    rows = ROWS[:8].copy()
    rows[2:5, 7] = np.nan
    expected = finish(drive(open_on(Ecg(), 141, 1.0), rows))
    for at in range(1, 8):
        first = drive(open_on(Ecg(), 141, 1.0), rows[:at])
        second = open_on(Ecg(), 141, 1.0)
        second.load_state(first.state())
        assert first.events + finish(drive(second, rows[at:], at)) == expected


@pytest.mark.parametrize("base", [0, 999])
def test_beats_held_back_are_told_after_the_state_was_put_back(base):
    """Wherever the stream ends, at once after that, too."""
    signal, peaks = heart(12, 250)
    signal = signal[:, None].astype(np.float32)
    late = 0
    for end in range(int(peaks[-2] * 250) + 5, int(peaks[-2] * 250) + 150, 24):
        first = drive(open_on(Ecg(classify=False), 1, 250.0), signal[:end], base)
        second = open_on(Ecg(classify=False), 1, 250.0)
        second.load_state(first.state())
        before, told, again = list(first.events), finish(first), finish(second)
        assert before + again == told
        late += len(again)
    assert late


def test_a_state_of_an_older_version_is_read():
    signal = heart(12, 250)[0][:, None].astype(np.float32)
    first = drive(open_on(Ecg(classify=False), 1, 250.0), signal)
    state = first.state()
    del state["offset"]
    second = open_on(Ecg(classify=False), 1, 250.0)
    second.load_state(state)
    first.events.clear()
    assert finish(drive(second, signal, len(signal))) == finish(drive(first, signal, len(signal)))


def test_open_again_is_a_fresh_start():
    signal = heart(12, 250)[0][:, None].astype(np.float32)
    processor = Ecg(classify=False)
    events, outcomes = [], []
    for _ in range(2):
        events.append(finish(drive(open_on(processor, 1, 250.0), signal)))
        outcomes.append(processor.summary())
    assert events[0] == events[1]
    assert outcomes[0] == outcomes[1]


def test_the_summary_is_that_of_the_events():
    samples, rate, channels = read_record("119")
    processor = Ecg()
    processor.open(SampleSpec(rate, channels))
    for start in range(0, len(samples), 10_000):
        processor.process(Block(samples[start : start + 10_000], start, rate, channels))
    events, outcome = finish(processor), processor.summary()
    beats = [event for event in events if event.kind == "beat"]
    assert sum(outcome["beats"].values()) == len(beats)
    assert outcome["beats"]["V"] == sum(event.label == "V" for event in beats)
    rr = [event.data["rr_s"] for event in beats if event.data["rr_s"] is not None]
    assert outcome["heart_rate"] == pytest.approx(60 / np.mean(rr), abs=0.1)
    assert outcome["rhythm"] == [event.label for event in events if event.kind == "rhythm" and event.label not in ("pause", "couplet")][-1]
    assert outcome["good_signal"] == 1
    assert "warnings" not in outcome


def read_record(name):
    import wfdb

    record = wfdb.rdrecord(str(DATA / name))
    return record.p_signal.astype(np.float32), float(record.fs), tuple(record.sig_name)


def test_no_beat_is_a_warning_and_no_heart_rate():
    quiet = 0.001 * np.random.default_rng(0).standard_normal((5000, 1)).astype(np.float32)
    processor = drive(open_on(Ecg(classify=False), 1, 250.0), quiet)
    finish(processor)
    outcome = processor.summary()
    assert outcome["beats"] == {}
    assert {"heart_rate", "rhythm", "longest_rhythm"}.isdisjoint(outcome)
    assert outcome["warnings"][0] == "no beat found in 20 s of signal"


def test_the_share_of_good_signal():
    signal = heart(40, 250)[0][:, None].astype(np.float32)
    signal[10 * 250 : 20 * 250] = np.nan
    processor = drive(open_on(Ecg(classify=False), 1, 250.0), signal)
    finish(processor)
    assert processor.summary()["good_signal"] == pytest.approx(0.75, abs=0.03)
    rows = ROWS[:4].copy()
    rows[3, 0] = np.nan
    of_rows = drive(open_on(Ecg(), 141, 1.0), rows).summary()
    assert of_rows["good_signal"] == 0.75
    assert sum(of_rows["beats"].values()) == 3
    assert "rhythm" not in of_rows


def test_a_run_counts_its_own_beats_only():
    signal = heart(12, 250)[0][:, None].astype(np.float32)
    first = drive(open_on(Ecg(classify=False), 1, 250.0), signal)
    second = open_on(Ecg(classify=False), 1, 250.0)
    second.load_state(first.state())
    drive(second, signal)
    events = finish(second)
    assert sum(second.summary()["beats"].values()) == sum(event.kind == "beat" for event in events)


def test_every_parameter_is_documented():
    for parameter in Ecg().parameters():
        assert f"\n    {parameter} : " in Ecg.__doc__
