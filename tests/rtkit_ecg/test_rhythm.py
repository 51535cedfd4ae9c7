import numpy as np
import pytest
from rtkit_ecg.rhythm import Rhythm

import rtkit
from tests.rtkit_ecg.hearts import events_of, excerpt, heart, needs_shared, shared


def said(beats, slow=50.0, fast=120.0):
    """What the monitor says of beats given as (RR in s, class)."""
    rhythm, time, findings = Rhythm(slow, fast), 0.0, []
    for place, (rr, label) in enumerate(beats):
        time += rr
        findings += rhythm.beat(time, label, rr if place else None)
    return [(finding.label, round(finding.time, 3)) for finding in findings]


def test_regular_beats_say_nothing():
    assert said([(0.8, "N")] * 50) == []


@pytest.mark.parametrize(("rr", "label"), [(1.3, "bradycardia"), (0.4, "tachycardia")])
def test_slow_and_fast(rr, label):
    found = said([(0.8, "N")] * 20 + [(rr, "N")] * 20 + [(0.8, "N")] * 20)
    assert [name for name, _ in found] == [label, "regular"]
    assert 16 < found[0][1] < 16 + 8 * rr + 0.1


def test_a_rate_at_the_limit_does_not_flicker():
    random = np.random.default_rng(0)
    found = said([(60 / 120 + 0.004 * random.standard_normal(), "N") for _ in range(300)])
    assert len(found) <= 3


def test_couplets_and_runs():
    normal, early = (0.8, "N"), (0.5, "V")
    assert said([normal] * 5 + [early] * 2 + [normal] * 5) == [("couplet", 4.5)]
    assert said([normal] * 5 + [early] + [normal] * 5) == []
    assert [label for label, _ in said([normal] * 5 + [early] * 4 + [normal] * 5)] == ["ventricular tachycardia", "regular"]
    assert [label for label, _ in said([normal] * 5 + [(0.9, "V")] * 4 + [normal] * 5)] == ["ventricular run", "regular"]


def test_a_run_is_dated_to_its_first_beat():
    assert said([(0.8, "N")] * 5 + [(0.5, "V")] * 3)[0] == ("ventricular tachycardia", 4.5)


def test_a_pause_is_dated_to_where_it_began():
    assert said([(0.8, "N")] * 5 + [(2.5, "N")] + [(0.8, "N")] * 5)[0] == ("pause", 4.0)


def test_an_irregular_rhythm():
    random = np.random.default_rng(1)
    found = said([(0.8, "N")] * 30 + [(random.uniform(0.5, 1.0), "N") for _ in range(60)] + [(0.8, "N")] * 40)
    assert [label for label, _ in found if label in ("irregular", "regular")] == ["irregular", "regular"]


def test_asystole_is_said_and_ends_with_the_next_beat():
    signal, peaks = heart(60, 360)
    silence = slice(20 * 360, 30 * 360)
    signal[silence] = 0.01 * np.random.default_rng(2).standard_normal(3600)
    events = events_of(signal, 360)
    rhythm = [(event.label, event.time) for event in events if event.kind == "rhythm"]
    asystole = [time for label, time in rhythm if label == "asystole"]
    assert len(asystole) == 1
    last = peaks[peaks < 20].max()
    assert last + 4 <= asystole[0] <= last + 6
    assert rhythm[-1][0] == "regular"
    assert 30 <= rhythm[-1][1] <= 32, rhythm
    assert not [event for event in events if event.kind == "beat" and 20.5 < event.time < 29.9]


def test_asystole_from_the_start():
    events = events_of(0.01 * np.sin(np.arange(20 * 250)), 250)
    assert not [event for event in events if event.kind == "beat"]


def test_flutter_is_said_and_not_taken_for_beats():
    record = excerpt("207")
    events = events_of(record.signal[:, 0], record.rate)
    flutter = [event.time for event in events if event.kind == "rhythm" and event.label == "ventricular flutter"]
    assert len(flutter) == 2
    for time, (since, until) in zip(flutter, record.flutter, strict=True):
        assert since <= time <= until
    for since, until in record.flutter:
        within = [event for event in events if event.kind == "beat" and since + 5 < event.time < until]
        assert len(within) <= 2


def test_heart_rate_is_told_with_each_beat():
    signal, _ = heart(30, 250, rr=0.75)
    beats = events_of(signal, 250, kind="beat")
    assert beats[0].data["heart_rate"] is None
    assert beats[-1].data["heart_rate"] == pytest.approx(80, abs=0.5)
    assert all(beat.data["rr_s"] == pytest.approx(0.75, abs=0.01) for beat in beats[1:])


def test_limits_are_parameters():
    signal, _ = heart(30, 250, rr=0.75)
    events = rtkit.apply("ecg:classify=false,tachycardia=70", signal, rate=250)[1]
    assert "tachycardia" in [event.label for event in events]


@needs_shared
@pytest.mark.parametrize("name", ["101", "112", "115", "122"])
def test_no_grave_alarm_in_quiet_records(name):
    record = shared(name)
    labels = {event.label for event in events_of(record.signal[:, 0], record.rate, kind="rhythm")}
    assert not labels & {"asystole", "ventricular flutter", "ventricular tachycardia", "ventricular run"}


def test_flutter_is_not_avoided_by_another_lead():
    record = excerpt("207")
    flutter = [event.time for event in events_of(record.signal, record.rate, kind="rhythm") if event.label == "ventricular flutter"]
    assert len(flutter) == 2


def rhythms(signal, rate=250):
    return [(event.label, event.time) for event in events_of(signal, rate, kind="rhythm")]


def test_short_dropouts_do_not_hide_asystole():
    signal, peaks = heart(40, 250)
    last = peaks[peaks < 10].max()
    signal[10 * 250 :] = 0.01 * np.random.default_rng(3).standard_normal(30 * 250)
    for start in range(12, 40, 3):
        signal[start * 250 : start * 250 + 30] = np.nan
    assert [label for label, time in rhythms(signal) if last + 4 < time < last + 7] == ["asystole"]


@pytest.mark.parametrize("behind", [0.1, 0.2, 0.36])
def test_a_gap_is_no_asystole(behind):
    signal, peaks = heart(40, 250)
    start = int((peaks[18] + behind) * 250)
    signal[start : start + 12 * 250] = np.nan
    assert rhythms(signal) == []


def test_a_gap_does_not_end_a_tachycardia():
    signal, _ = heart(30, 250, rr=0.4)
    signal[15 * 250 : 16 * 250] = np.nan
    assert [label for label, _ in rhythms(signal)] == ["tachycardia"]


def test_a_lead_that_fluttered_and_then_came_off_is_left():
    good, peaks = heart(40, 250)
    other = good.copy()
    other[10 * 250 : 16 * 250] = np.sin(2 * np.pi * 4 * np.arange(6 * 250) / 250)
    other[16 * 250 :] = np.nan
    events = rtkit.apply("ecg:classify=false", np.stack([other, good], axis=1), rate=250)[1]
    beats = np.array([event.time for event in events if event.kind == "beat"])
    assert sum(beats > 17) >= sum(peaks > 17) - 2


def test_changes_of_the_rhythm_are_in_order():
    random = np.random.default_rng(5)
    time, rhythm, found = 0.0, Rhythm(50, 120), []
    for _ in range(2000):
        rr = float(random.choice([0.3, 0.45, 0.8, 1.5, 2.6, 5.5]))
        time += rr
        found += rhythm.beat(time, str(random.choice(["N", "V"])), rr)
    changes = [finding.time for finding in found if finding.label not in ("pause", "couplet")]
    assert len(changes) > 20
    assert changes == sorted(changes)
