import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtkit
from rtkit.core.errors import SpecError
from rtkit.core.items import Block, SampleSpec
from tests.rtkit_ecg.hearts import errors, events_of, excerpt, found_beats, heart, needs_shared, shared, shared_names

#: A few records for what is repeated many times: clean, noisy, small QRS, atrial fibrillation, ventricular beats, low signal.
SOME = ("101", "108", "114", "201", "203", "208", "223")


def test_the_shipped_record_beat_by_beat():
    record = excerpt("119")
    missed, false, apart = errors(record.beats, found_beats(record.signal[:, 0], record.rate))
    assert (missed, false) == (0, 0)
    assert abs(np.median(apart)) <= 1.01 / record.rate
    assert np.percentile(np.abs(apart - np.median(apart)), 95) <= 0.003


def test_beats_are_told_within_half_a_second():
    record = excerpt("119")
    beats = events_of(record.signal[:, 0], record.rate, kind="beat")
    latencies = np.array([beat.data["latency_s"] for beat in beats if not beat.data["late"]])
    assert len(latencies) > 0.95 * len(beats)
    assert 0 < latencies.min() <= latencies.max() <= 0.5


@pytest.mark.long
@given(st.lists(st.integers(1, 20 * 360 - 1), max_size=30, unique=True).map(sorted), st.sampled_from(["119", "207"]), st.booleans())
@settings(max_examples=15, deadline=None)
def test_events_do_not_depend_on_the_blocks(cuts, name, with_gap):
    record = excerpt(name)
    signal = record.signal[40 * 360 : 60 * 360].copy()
    if with_gap:
        signal[2000:2700] = np.nan
        signal[4000:4900, 0] = signal[4000, 0]
    whole = rtkit.apply("ecg", signal, rate=record.rate)[1]
    processor = rtkit.create("ecg")
    processor.open(SampleSpec(record.rate, ("1", "2")))
    for start, stop in zip([0, *cuts], [*cuts, len(signal)], strict=True):
        processor.process(Block(signal[start:stop], start, record.rate, ("1", "2")))
    processor.close()
    assert processor.events == whole


@pytest.mark.parametrize("cut", [10 * 360, 17 * 360 + 5])
def test_what_was_told_does_not_depend_on_what_comes(cut):
    record = excerpt("119")
    signal = record.signal[: 30 * 360, 0]
    other = signal.copy()
    other[cut:] = np.random.default_rng(0).standard_normal(len(signal) - cut)

    def told_by_then(x):
        return [event for event in events_of(x, record.rate, "ecg") if event.time + event.data.get("latency_s", 0) < cut / 360]

    assert told_by_then(signal) == told_by_then(other)


@pytest.mark.parametrize("rate", [100, 128, 130, 250, 500, 1000])
def test_any_rate(rate):
    signal, peaks = heart(60, rate)
    missed, false, apart = errors(peaks, found_beats(signal, rate))
    assert (missed, false) == (0, 0)
    assert np.abs(apart).max() <= 1.5 / rate + 0.002


@pytest.mark.parametrize("gain", [-1, 0.1, 10])
def test_gain_and_polarity(gain):
    record = excerpt("119")
    missed, false, _ = errors(record.beats, found_beats(gain * record.signal[:, 0], record.rate))
    assert missed + false <= 1


def test_rates_that_do_not_fit():
    processor = rtkit.create("ecg", classify=False)
    with pytest.raises(SpecError, match="100 to 1000 Hz, got 50 Hz"):
        processor.open(SampleSpec(50.0))
    signal, peaks = heart(20, 2000)
    assert errors(peaks, found_beats(signal, 2000))[:2] == (0, 0)  # resampled in front


@pytest.mark.parametrize("level", [0.01, 0.2, 2.0])
def test_noise_is_said_and_not_taken_for_beats(level):
    noise = level * np.random.default_rng(3).standard_normal(5 * 60 * 360)
    events = events_of(noise, 360)
    assert sum(event.kind == "beat" for event in events) <= 10
    assert any(event.kind == "quality" and event.label == "noise" and event.time < 5 for event in events)


def faulty(kind):
    """A healthy signal with ten bad seconds in the middle."""
    signal, peaks = heart(60, 360, rr=0.75)
    bad = slice(round(25.3 * 360), round(35.3 * 360))
    if kind == "gap":
        signal[bad] = np.nan
    elif kind in ("flat", "lead off"):
        signal[bad] = 0.1
    elif kind == "saturated":
        signal[bad] = 5.0
    elif kind == "noise":
        signal[bad] = 0.5 * np.random.default_rng(1).standard_normal(bad.stop - bad.start)
    elif kind == "jump":
        signal[bad] += 5.0
    elif kind == "huge":
        signal[bad] = 1e30
    return signal, peaks, (25.3, 35.3)


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("gap", "gap"),
        ("flat", "flat"),
        ("lead off", "lead off"),
        ("saturated", "saturated"),
        ("noise", "noise"),
        ("jump", "jump"),
        ("huge", "gap"),
    ],
)
def test_faults_are_said_and_survived(kind, label):
    signal, peaks, (since, until) = faulty(kind)
    events = events_of(signal, 360)
    said = [(event.time, event.label) for event in events if event.kind == "quality"]
    assert any(since <= time <= until and found == label for time, found in said), said
    assert said[-1][1] == "good"
    found = np.array([event.time for event in events if event.kind == "beat"])
    well = [(since - 0.1, until + 2)] if kind != "jump" else [(since - 0.1, since + 2), (until - 0.1, until + 2)]
    missed, false, _ = errors(peaks, found, tuple(well))
    assert (missed, false) == (0, 0)
    if kind != "jump":
        after = next(event for event in events if event.kind == "beat" and event.time > until)
        assert after.data["rr_s"] is None, "the interval over the fault is not known"
        assert sum(since + 1 < time < until for time in found) <= 3


def test_scattered_missing_samples_are_held_over():
    record = excerpt("119")
    signal = record.signal[:, 0].copy()
    signal[::97] = np.nan
    missed, false, _ = errors(record.beats, found_beats(signal, record.rate))
    assert missed + false <= 1


def test_state_goes_on_where_it_left_off():
    record = excerpt("119")
    half = 45 * 360 + 17
    first, second, whole = (rtkit.create("ecg") for _ in range(3))
    for processor in (first, second, whole):
        processor.open(SampleSpec(record.rate, ("1", "2")))

    def go(processor, start, stop):
        processor.process(Block(record.signal[start:stop], start, record.rate, ("1", "2")))
        return processor.events

    go(first, 0, half)
    second.load_state(first.state())
    assert go(first, half, 2 * half)[len(first.events) :] == []  # the list is live: compare what the second one adds
    told = len([event for event in go(second, half, 2 * half) if True])
    assert second.events == first.events[-told:]
    assert go(whole, 0, 2 * half) == first.events


def test_the_state_does_not_grow():
    processor = rtkit.create("ecg")
    processor.open(SampleSpec(250.0))
    signal, _ = heart(60, 250)
    sizes = []
    for minute in range(12):
        processor.process(Block(signal[:, None], minute * len(signal), 250.0, ("mono",)))
        processor.events.clear()
        sizes.append(sum(array.nbytes for array in processor.state().values()))
    assert max(sizes[2:]) - min(sizes[2:]) <= 100  # a beat may be waiting


def pooled(names, change=lambda signal: signal, factor=1):
    missed = false = beats = 0
    worst_se = worst_pp = 100.0
    for name in names:
        record = shared(name)
        signal = change(record.signal[:, 0])
        m, f, _ = errors(record.beats, found_beats(signal, record.rate * factor), record.flutter)
        count = sum(all(not since <= time <= until for since, until in record.flutter) for time in record.beats)
        missed, false, beats = missed + m, false + f, beats + count
        worst_se = min(worst_se, 100 * (count - m) / count)
        worst_pp = min(worst_pp, 100 * (count - m) / (count - m + f))
    return 100 * (missed + false) / beats, worst_se, worst_pp


@pytest.mark.long
@needs_shared
def test_detection_on_whole_records():
    rate, worst_se, worst_pp = pooled(shared_names())
    assert rate <= 0.32
    assert worst_se >= 98.9
    assert worst_pp >= 98.6


@pytest.mark.long
@needs_shared
@pytest.mark.parametrize(("up", "down"), [(16, 45), (25, 36), (25, 9)])
def test_detection_at_other_rates(up, down):
    from scipy.signal import resample_poly

    usual = pooled(SOME)[0]
    assert abs(pooled(SOME, lambda signal: resample_poly(signal, up, down), up / down)[0] - usual) <= 0.15


@needs_shared
def test_the_steep_band_helps_against_electrode_motion(monkeypatch):
    from rtkit_ecg import detector

    from benchmarks.ecg import electrode_motion

    record = shared("209")
    signal = electrode_motion(record.signal[:, 0].astype(float), np.random.default_rng(0))

    def wrong():
        return sum(errors(record.beats, found_beats(signal, record.rate))[:2])

    with_it = wrong()
    monkeypatch.setattr(detector, "STEEP_BAND_HZ", detector.BAND_HZ)
    assert with_it < 0.7 * wrong()


@pytest.mark.long
@needs_shared
def test_detection_in_white_noise_at_6_db():
    random = np.random.default_rng(4)

    def noisy(signal):
        return signal + random.standard_normal(len(signal)) * np.std(signal) / 10 ** (6 / 20)

    assert pooled(shared_names(), noisy)[0] <= 1.0
