import numpy as np
import pytest
from rtkit_ecg.demo import DATA
from rtkit_ecg.leads import choose

import rtkit
from rtkit.core.errors import InputError, SpecError
from rtkit.core.items import SampleSpec
from tests.rtkit_ecg.hearts import errors, excerpt, heart

ROWS = np.loadtxt(DATA / "heartbeats.csv", delimiter=",", dtype=np.float32)


def test_the_signal_goes_through_with_the_first_lead_in_front():
    signal = np.stack([heart(5, 250)[0], 2 * heart(5, 250)[0]], axis=1)
    processor = rtkit.create("ecg", classify=False)
    assert processor.open(SampleSpec(250.0, ("V1", "MLII"))).channels == ("MLII", "V1")
    out, _ = rtkit.apply("ecg:classify=false,lead=2", signal, rate=250)
    np.testing.assert_array_equal(out, signal[:, ::-1])


@pytest.mark.parametrize(
    ("channels", "wanted", "expected"),
    [
        (("V1", "MLII"), None, [1, 0]),
        (("V5", "V2"), None, [0, 1]),
        (("ECG II", "RESP", "ECG V"), None, [0, 2]),
        (("I", "II"), "ii", [1]),
        (("I", "II"), "1", [0]),
        (("ECG V1", "ECG II"), "ECG V1", [0]),
        (("RESP",), None, [0]),
    ],
)
def test_leads_are_chosen_by_name(channels, wanted, expected):
    assert choose(channels, wanted) == expected


@pytest.mark.parametrize("wanted", ["V6", "3", "0"])
def test_a_lead_that_is_not_there(wanted):
    with pytest.raises(SpecError, match="the channels are I, II"):
        choose(("I", "II"), wanted)


def test_another_lead_takes_over_while_one_is_off():
    one, peaks = heart(60, 360)
    two = -0.7 * heart(60, 360, seed=1)[0]
    one[20 * 360 : 40 * 360] = np.nan
    events = rtkit.apply("ecg:classify=false", np.stack([one, two], axis=1), rate=360)[1]
    found = np.array([event.time for event in events if event.kind == "beat"])
    missed, false, _ = errors(peaks, found, tolerance=0.05)
    assert (missed, false) == (0, 0)
    used = {event.data["lead"] for event in events if event.kind == "beat"}
    assert used == {"1", "2"}


def test_heartbeats_one_a_row():
    for rows in (ROWS, ROWS[:, :140]):
        events = rtkit.apply("ecg", rows, rate=1)[1]
        assert [event.kind for event in events] == ["beat"] * len(ROWS)
        wanted = ["normal" if label == 1 else "abnormal" for label in ROWS[:, -1]]
        assert sum(event.label == label for event, label in zip(events, wanted, strict=True)) >= len(ROWS) - 1
        assert all(0.5 <= event.score <= 1 for event in events)
        assert [event.time for event in events] == list(range(len(ROWS)))


def test_a_row_that_is_no_heartbeat():
    rows = ROWS[:3].copy()
    rows[0, 5] = np.nan
    rows[1, :140] = 2.0
    found = [(event.kind, event.label) for event in rtkit.apply("ecg", rows, rate=1)[1]]
    assert found[:3] == [("quality", "gap"), ("quality", "flat"), ("quality", "good")]
    assert len(found) == 4


def test_gain_and_offset_of_a_row_do_not_matter():
    usual, other = (rtkit.apply("ecg", rows, rate=1)[1] for rows in (ROWS[:, :140], 37 * ROWS[:, :140] + 5))
    assert [event.label for event in usual] == [event.label for event in other]


@pytest.mark.parametrize("count", [65, 139, 142])
def test_neither_leads_nor_a_heartbeat(count):
    with pytest.raises(SpecError, match=f"got {count} channels"):
        rtkit.create("ecg").open(SampleSpec(360.0, tuple(map(str, range(count)))))


def test_64_leads():
    signal = np.repeat(heart(10, 250)[0][:, None], 64, axis=1)
    assert len(rtkit.apply("ecg:classify=false", signal, rate=250)[1]) >= 10


def test_a_state_of_another_rate():
    one, other = rtkit.create("ecg", classify=False), rtkit.create("ecg", classify=False)
    one.open(SampleSpec(100.0))
    other.open(SampleSpec(1000.0))
    with pytest.raises(InputError):
        other.load_state(one.state())
    with pytest.raises(InputError):
        other.load_state({})


def test_the_classes_of_ventricular_beats():
    record = excerpt("119")
    beats = [event for event in rtkit.apply("ecg", record.signal[:, 0], rate=record.rate)[1] if event.kind == "beat"]
    assert {event.label for event in beats} <= set("NSVFQ")
    assert all(0 < event.score <= 1 for event in beats)
    times = np.array([event.time for event in beats])
    right = sum(
        beats[int(np.argmin(np.abs(times - time)))].label == symbol for time, symbol in zip(record.beats, record.symbols, strict=True)
    )
    assert right >= 0.95 * len(record.beats)


def test_constant_and_extreme_signals_are_survived():
    for value in (0.0, 1e5, -1e5, 1e30, np.nan, np.inf):
        events = rtkit.apply("ecg", np.full((3000, 2), value, np.float32), rate=250)[1]
        assert not [event for event in events if event.kind == "beat"]
        assert [event for event in events if event.kind == "quality"]
