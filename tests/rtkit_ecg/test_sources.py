"""Sources of the ECG part: each format gives the same millivolts, and damage is told after what is before it was delivered."""

import os
import re
import threading
import time

import edfio
import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st
from rtkit_ecg.edf import EdfFile
from rtkit_ecg.lsl import LslStream
from rtkit_ecg.wfdb_record import WfdbRecord

from rtkit import DeviceError, InputError, Options

RATE = 250
FORMATS = ["16", "24", "32", "61", "80", "160", "212", "310", "311", "508", "516", "524"]


def read(source, dtype=np.float64):
    """All samples, the format, and the error that ended them."""
    spec = source.open(dtype)
    blocks, error = [], None
    try:
        blocks.extend(source)
    except InputError as found:
        error = str(found)
    source.close()
    starts = np.cumsum([0, *(len(block.data) for block in blocks)])
    assert [block.start for block in blocks] == starts[:-1].tolist()
    return np.concatenate([np.empty((0, len(spec.channels))), *(block.data for block in blocks)]), spec, error


def record(path, **options):
    return read(WfdbRecord(str(path), Options(**options)))


def ending(call, kind=InputError):
    """The error that a call ends with, if any."""
    try:
        call()
    except kind as found:
        return str(found)
    return ""


def steps(count, leads=2, most=120):
    """Whole numbers that every format can hold."""
    return np.random.default_rng(count).integers(-most, most, (count, leads))


def packed(digital, form):
    """Samples one after another in the formats that wfdb cannot write, as the WFDB manual describes them."""
    flat = digital.ravel().astype(np.int64)
    if form == "61":
        return flat.astype(">i2").tobytes()
    if form == "160":
        return (flat + 32768).astype("<u2").tobytes()
    first, second, third = np.pad(flat & 1023, (0, -len(flat) % 3)).reshape(-1, 3).T
    if form == "310":
        left, right = (first & 1023) << 1 | (third & 31) << 11, second << 1 | (third >> 5) << 11
        whole = np.stack([left, right], axis=1).astype("<u2").tobytes()
    else:
        whole = (first | second << 10 | third << 20).astype("<u4").tobytes()
    needed = -(-len(flat) * 4 // 3)
    return whole[: needed + needed % 2]


def write(folder, name, digital, form="16", gain=200.0, unit="mV", names=("I", "V2"), baseline=0, **fields):
    """A record of one segment."""
    leads = digital.shape[1]
    if form in ("61", "160", "310", "311"):
        (folder / f"{name}.dat").write_bytes(packed(digital, form))
        lines = [f"{name}.dat {form} {gain:g}({baseline})/{unit} 10 0 0 0 0 {lead}" for lead in names]
        (folder / f"{name}.hea").write_text("\n".join([f"{name} {leads} {RATE} {len(digital)}", *lines]) + "\n")
        return
    wfdb.wrsamp(
        name,
        RATE,
        [unit] * leads,
        list(names),
        d_signal=digital,
        fmt=[form] * leads,
        adc_gain=[gain] * leads,
        baseline=[baseline] * leads,
        write_dir=str(folder),
        **fields,
    )


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("count", [1999, 2000])
def test_every_format_gives_the_same_millivolts(tmp_path, form, count):
    digital = steps(count)
    write(tmp_path, "r", digital, form, gain=100.0, baseline=7)
    for block in (None, 7, 4096):
        data, spec, error = record(tmp_path / "r.hea", block=block)
        assert error is None
        assert (spec.rate, spec.channels) == (RATE, ("I", "V2"))
        np.testing.assert_allclose(data, (digital - 7) / 100, atol=1e-12)


@pytest.mark.parametrize("form", ["16", "212", "310", "311", "24", "516"])
def test_chunks_join_without_a_seam(tmp_path, form):
    digital = steps(RATE * 95 + 1, 3)
    write(tmp_path, "r", digital, form, names=("a", "b", "c"))
    data, _, error = record(tmp_path / "r.hea", block=1000)
    assert error is None
    np.testing.assert_allclose(data, digital / 200, atol=1e-12)


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1), ("uV", 1e-3), ("V", 1e3), ("mmHg", 1), ("NU", 1)])
def test_units_become_millivolts(tmp_path, unit, factor):
    digital = steps(500)
    write(tmp_path, "r", digital, unit=unit)
    np.testing.assert_allclose(record(tmp_path / "r.hea")[0], digital / 200 * factor, rtol=1e-12)


def test_missing_samples_are_nan_and_names_become_different(tmp_path):
    digital = steps(500)
    digital[100:120, 1] = -32768
    write(tmp_path, "r", digital)
    header = (tmp_path / "r.hea").read_text().replace(" V2", " I")
    (tmp_path / "r.hea").write_text(header)
    data, spec, _ = record(tmp_path / "r.hea")
    assert spec.channels == ("I", "I 2")
    assert np.flatnonzero(np.isnan(data[:, 1])).tolist() == list(range(100, 120))
    assert not np.isnan(data[:, 0]).any()


def test_several_samples_a_frame_are_averaged_and_skews_undone(tmp_path):
    digital = steps(900, 1).ravel()
    frames = digital.reshape(300, 3)  # of each, two samples of the first signal and one of the second
    (tmp_path / "r.dat").write_bytes(digital.astype("<i2").tobytes())
    (tmp_path / "r.hea").write_text("r 2 125 300\nr.dat 16x2 100/mV 12 0 0 0 0 I\nr.dat 16 100/mV 12 0 0 0 0 II\n")
    expected = np.stack([frames[:, :2].mean(axis=1), frames[:, 2]], axis=1) / 100
    data, _, error = record(tmp_path / "r.hea")
    assert error is None
    np.testing.assert_allclose(data, expected, atol=1e-12)
    (tmp_path / "r.hea").write_text("r 2 125 300\nr.dat 16x2:3 100/mV 12 0 0 0 0 I\nr.dat 16:8 100/mV 12 0 0 0 0 II\n")
    data, _, error = record(tmp_path / "r.hea", block=50)
    assert error is None
    np.testing.assert_allclose(data[:292, 0], expected[3:295, 0], atol=1e-12)
    np.testing.assert_allclose(data[:292, 1], expected[8:, 1], atol=1e-12)
    assert np.isnan(data[-3:]).all()


@pytest.mark.parametrize("form", ["16", "212", "310", "311", "80", "24"])
@pytest.mark.parametrize("cut", [5, 1000, 2501])
def test_a_truncated_record_delivers_what_is_there(tmp_path, form, cut):
    digital = steps(RATE * 10)
    write(tmp_path, "101", digital, form)
    path = tmp_path / "101.dat"
    os.truncate(path, path.stat().st_size - cut)
    data, _, error = record(tmp_path / "101.hea", block=333)
    assert 0 < len(data) < len(digital)
    np.testing.assert_allclose(data, digital[: len(data)] / 200, atol=1e-12)
    assert f"101.hea: truncated: holds {len(data)} samples" in error
    assert "where 101.hea promises 2500" in error


@pytest.mark.parametrize("length", ["", " 0"])
@pytest.mark.parametrize("form", ["16", "212", "310"])
def test_a_header_without_length_is_completed_by_the_file(tmp_path, length, form):
    digital = steps(600)
    write(tmp_path, "r", digital, form)
    lines = (tmp_path / "r.hea").read_text().split("\n")
    (tmp_path / "r.hea").write_text("\n".join([f"r 2 {RATE}{length}", *lines[1:]]))
    source = WfdbRecord(str(tmp_path / "r.hea"), Options())
    data, _, error = read(source)
    assert (source.length, error) == (600, None)
    np.testing.assert_allclose(data, digital / 200, atol=1e-12)


def test_several_segments_of_a_fixed_layout(tmp_path):
    parts = [steps(count) for count in (1000, 37, 500)]
    for number, (part, form) in enumerate(zip(parts, ("16", "212", "80"), strict=True)):
        write(tmp_path, f"s{number}", part, form, gain=100.0 * (number + 1))
    (tmp_path / "m.hea").write_text(f"m/3 2 {RATE} 1537\ns0 1000\ns1 37\ns2 500\n")
    data, spec, error = record(tmp_path / "m.hea", block=100)
    assert (error, spec.channels) == (None, ("I", "V2"))
    expected = np.concatenate([part / (100 * (number + 1)) for number, part in enumerate(parts)])
    np.testing.assert_allclose(data, expected, atol=1e-12)
    reference = wfdb.rdrecord(str(tmp_path / "m")).p_signal
    np.testing.assert_allclose(data, reference, atol=1e-12)
    (tmp_path / "m.hea").write_text("m/3 2 500 1537\ns0 1000\ns1 37\ns2 500\n")
    with pytest.raises(InputError, match=r"s0\.hea: says 250 samples a second; expected 500 as in m\.hea"):
        record(tmp_path / "m.hea")


def test_several_segments_of_a_variable_layout(tmp_path):
    first, second = steps(1000), steps(400)
    write(tmp_path, "s1", first, names=("V2", "I"), gain=100.0)
    write(tmp_path, "s2", second[:, :1], names=("II",))
    lines = "".join(f"~ 0 200/mV 12 0 0 0 0 {name}\n" for name in ("I", "II", "V2"))
    (tmp_path / "layout.hea").write_text(f"layout 3 {RATE} 0\n{lines}")
    (tmp_path / "m.hea").write_text(f"m/4 3 {RATE} 1700\nlayout 0\ns1 1000\n~ 300\ns2 400\n")
    data, spec, error = record(tmp_path / "m.hea", block=128)
    assert (error, spec.channels) == (None, ("I", "II", "V2"))
    expected = np.full((1700, 3), np.nan)
    expected[:1000, 2], expected[:1000, 0], expected[1300:, 1] = first[:, 0] / 100, first[:, 1] / 100, second[:, 0] / 200
    np.testing.assert_allclose(data, expected, atol=1e-12)
    os.truncate(tmp_path / "s1.dat", 4 * 600)
    data, _, error = record(tmp_path / "m.hea")
    np.testing.assert_allclose(data, expected[:600], atol=1e-12)
    assert "holds 600 samples" in error
    assert "promises 1700" in error


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "not readable as the header"),
        ("\x00\xff\x17 garbage", "not readable as the header"),
        ("r 2 250 100\nr.dat 16 200 12 0 0 0 0 I\n", "describes 1 signals; expected 2"),
        ("r 0 250 100\n", "describes 0 signals"),
        ("r 1000000000000 250 100\nr.dat 16 200 12 0 0 0 0 I\n", "describes 1 signals; expected 1000000000000"),
        ("r 1 0 100\nr.dat 16 200 12 0 0 0 0 I\n", "says 0 samples a second"),
        ("r 1 99999999 100\nr.dat 16 200 12 0 0 0 0 I\n", "expected up to"),
        ("r 1 250 100\n../../etc/passwd 16 200 12 0 0 0 0 I\n", "r.hea: "),
        ("r 1 250 100\n/etc/passwd 16 200 12 0 0 0 0 I\n", "r.hea: "),
        ("r 1 250 100\nhttp://example.org/x.dat 16 200 12 0 0 0 0 I\n", "r.hea: "),
        ("r 1 250 100\n.. 16 200 12 0 0 0 0 I\n", "r.hea: "),
        ("r 1 250 100\nnone.dat 16 200 12 0 0 0 0 I\n", "none.dat: signal file of r.hea not readable"),
        ("r 1 250 100\nr.dat 999 200 12 0 0 0 0 I\n", "format 999 is not supported"),
        ("r 1 250 100\nr.dat 8 200 12 0 0 0 0 I\n", "format 8 is not supported"),
        ("r 2 250 100\nr.dat 16 200 12 0 0 0 0 I\nr.dat 212 200 12 0 0 0 0 I\n", "several formats"),
        ("r/2 1 250 100\nr 50\nr 50\n", "has segments itself"),
        ("r/900000000000 1 250 100\ns 50\n", "expected 900000000000 as its first line says"),
        ("r/1 1 250 1000000000000000\n~ 1000000000000000\n", "gap of 1000000000000000 samples"),
        ("r/1 1 250 100\nnone 100\n", "none.hea: no such file"),
        ("r 1 250 " + "9" * 5000 + "\nr.dat 16 200 12 0 0 0 0 I\n", "not readable as the header"),
    ],
)
def test_hostile_headers_are_refused_in_one_line(tmp_path, header, message):
    (tmp_path / "r.dat").write_bytes(bytes(400))
    (tmp_path / "r.hea").write_text(header)
    with pytest.raises(InputError) as caught:
        record(tmp_path / "r.hea")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_promise_of_a_quadrillion_samples_costs_nothing(tmp_path):
    (tmp_path / "r.dat").write_bytes(bytes(400))
    (tmp_path / "r.hea").write_text(f"r 1 250 {10**15}\nr.dat 16 200 12 0 0 0 0 I\n")
    data, _, error = record(tmp_path / "r.hea")
    assert len(data) == 200
    assert f"promises {10**15}" in error
    (tmp_path / "r.hea").write_text(f"r 1 250 100\nr.dat 16x{10**12} 200 12 0 0 0 0 I\n")
    data, _, error = record(tmp_path / "r.hea")
    assert len(data) == 0
    assert "holds 0 samples" in error


@given(position=st.integers(0, 120), value=st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_a_damaged_header_never_crashes(tmp_path_factory, position, value):
    folder = tmp_path_factory.mktemp("fuzz")
    write(folder, "r", steps(50), "212")
    content = bytearray((folder / "r.hea").read_bytes())
    content[position % len(content)] = value
    (folder / "r.hea").write_bytes(content)
    error = ending(lambda: record(folder / "r.hea"))
    assert not error or str(folder) in error


def edf_file(path, signals, wide=False, **fields):
    kinds = (edfio.Bdf, edfio.BdfSignal) if wide else (edfio.Edf, edfio.EdfSignal)
    made = [kinds[1](data, rate, label=label, physical_dimension=unit, physical_range=(-5000, 5000)) for data, rate, label, unit in signals]
    kinds[0](made, **fields).write(path)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(("unit", "factor"), [("uV", 1e-3), ("mV", 1), ("", 1)])
def test_edf_and_bdf_come_as_they_were_written(tmp_path, wide, unit, factor):
    random = np.random.default_rng(3)
    first, second = random.uniform(-5000, 5000, (2, 12800))
    path = tmp_path / ("x.bdf" if wide else "x.edf")
    edf_file(path, [(first, 256, "ECG I", unit), (second, 256, "ECG I", unit)], wide, annotations=[edfio.EdfAnnotation(1, None, "note")])
    source = EdfFile(str(path), Options(block=1000))
    data, spec, error = read(source)
    assert (error, spec.rate, spec.channels, source.length) == (None, 256.0, ("ECG I", "ECG I 2"), 12800)
    stored = (edfio.read_bdf if wide else edfio.read_edf)(path)
    np.testing.assert_allclose(data, np.stack([signal.data for signal in stored.signals], axis=1) * factor, atol=1e-6 * factor)
    np.testing.assert_allclose(data[:, 0], first * factor, atol=0.2 * factor)


def test_the_ecg_signals_of_the_highest_rate_are_chosen(tmp_path):
    def signal(rate):
        return np.linspace(-1, 1, rate * 10)

    path = tmp_path / "x.edf"
    edf_file(
        path,
        [
            (signal(100), 100, "EEG", "uV"),
            (signal(50), 50, "ECG slow", "mV"),
            (signal(200), 200, "EKG1", "mV"),
            (signal(500), 500, "Resp", ""),
        ],
    )
    _, spec, _ = read(EdfFile(str(path), Options()))
    assert (spec.rate, spec.channels) == (200.0, ("EKG1",))
    edf_file(path, [(signal(100), 100, "II", "mV"), (signal(50), 50, "slow", "mV"), (signal(100), 100, "V5", "mV")])
    _, spec, _ = read(EdfFile(str(path), Options()))
    assert (spec.rate, spec.channels) == (100.0, ("II", "V5"))


def test_gaps_of_a_discontinuous_file_are_nan(tmp_path):
    samples = np.arange(1000) % 300 - 100.0
    path = tmp_path / "x.edf"
    edf_file(path, [(samples, 100, "ECG", "mV")], annotations=[edfio.EdfAnnotation(0, None, "start")])
    content = path.read_bytes().replace(b"EDF+C", b"EDF+D")
    for second in range(4, 10):  # the records from the fifth on come 2.5 s later
        content = content.replace(*((b"+%g\x14\x14" % onset).ljust(8, b"\0") for onset in (second, second + 2.5)), 1)
    path.write_bytes(content)
    data, _, error = read(EdfFile(str(path), Options(block=64)))
    assert error is None
    assert len(data) == 1250
    assert np.flatnonzero(np.isnan(data[:, 0])).tolist() == list(range(400, 650))
    np.testing.assert_allclose(data[~np.isnan(data)], samples, atol=0.2)
    path.write_bytes(content.replace(b"+8.5", b"+1.5", 1))
    data, _, error = read(EdfFile(str(path), Options()))
    assert "x.edf: data record 7: begins" in error
    assert len(data) == 850


@pytest.mark.parametrize("wide", [False, True])
def test_a_truncated_edf_file_delivers_its_whole_data_records(tmp_path, wide):
    samples = np.linspace(-900, 900, 2560)
    path = tmp_path / "x.edf"
    edf_file(path, [(samples, 256, "ECG", "uV")], wide)
    os.truncate(path, path.stat().st_size - 1000)
    data, _, error = read(EdfFile(str(path), Options()))
    assert len(data) == 8 * 256
    np.testing.assert_allclose(data[:, 0], samples[: len(data)] / 1000, atol=1e-3)
    assert "x.edf: truncated: holds 8 whole data records (2048 samples) where its header promises 10" in error


@given(position=st.integers(0, 767), value=st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_a_damaged_edf_header_never_crashes(tmp_path_factory, position, value):
    path = tmp_path_factory.mktemp("fuzz") / "x.edf"
    edf_file(path, [(np.zeros(200), 100, "ECG", "uV")], annotations=[edfio.EdfAnnotation(0, None, "x")])
    content = bytearray(path.read_bytes())
    content[position] = value
    path.write_bytes(content)
    error = ending(lambda: read(EdfFile(str(path), Options())))
    assert not error or "x.edf: " in error


@pytest.mark.parametrize("content", [b"", b"hello", os.urandom(1000), b"0" * 2000])
def test_files_that_are_no_edf_are_told(tmp_path, content):
    (tmp_path / "x.edf").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.edf: "):
        EdfFile(str(tmp_path / "x.edf"), Options()).open()


@pytest.fixture
def pylsl():
    try:
        import pylsl
    except (ImportError, RuntimeError, OSError) as error:
        pytest.skip(f"liblsl does not load: {error}")
    return pylsl


class Strap(threading.Thread):
    """A device that sends a counter at 130 Hz in chunks of 30, or less of it."""

    def __init__(self, pylsl, name, chunks, lose=(), unit="microvolts", kind="ECG", rate=130.0, begin=0):
        super().__init__(daemon=True)
        info = pylsl.StreamInfo(name, kind, 1, rate, "float32", "")
        info.set_channel_labels(["I"])
        info.set_channel_units([unit])
        self.outlet, self.pylsl, self.chunks, self.lose, self.begin = pylsl.StreamOutlet(info), pylsl, chunks, lose, begin

    def run(self):
        self.outlet.wait_for_consumers(10)
        first = self.pylsl.local_clock()
        for number in range(self.chunks):
            values = np.arange(number * 30, number * 30 + 30) + self.begin
            if number not in self.lose:
                self.outlet.push_chunk(values[:, None].astype(np.float32).tolist(), first + (number * 30 + 29) / 130)
            time.sleep(0.05)  # faster than the device it stands for, so that the test is short
        time.sleep(0.2)
        del self.outlet


def received(source, count, stop=True):
    """Samples of a live source until there are `count`."""
    blocks, seen = [], 0
    for block in source:
        assert block.start == seen
        blocks.append(block.data)
        seen += len(block.data)
        if seen >= count and stop:
            source.stop()
    return np.concatenate(blocks)[:, 0]


def test_a_stream_is_received_and_what_is_lost_is_nan(pylsl):
    name = f"strap-{os.getpid()}-a"
    strap = Strap(pylsl, name, 12, lose=(4, 5, 9))
    source = LslStream(name, Options(reconnect=1.0))
    spec = source.open()
    assert source.live
    assert (spec.rate, spec.channels) == (130.0, ("I",))
    strap.start()
    data = received(source, 360)
    source.close()
    expected = np.arange(360) / 1000
    expected[120:180] = expected[270:300] = np.nan
    np.testing.assert_allclose(data, expected, atol=1e-6)
    assert source.counts() == {"lost": 90}


def test_a_stream_that_comes_back_goes_on_and_one_that_does_not_is_an_error(pylsl):
    name = f"strap-{os.getpid()}-b"
    first = Strap(pylsl, name, 3)
    source = LslStream(name, Options(reconnect=2.5))
    source.open()
    first.start()

    def again():
        first.join()
        time.sleep(0.3)
        Strap(pylsl, name, 3, begin=1000).run()

    helper = threading.Thread(target=again, daemon=True)
    helper.start()
    blocks = []
    error = ending(lambda: blocks.extend(block.data for block in source), DeviceError)
    assert re.search(r"did not come back within 2\.5 s|sent nothing for 2\.5 s", error)
    source.close()
    helper.join()
    data = np.concatenate(blocks)[:, 0]
    values = data[~np.isnan(data)] * 1000
    np.testing.assert_allclose(values, [*range(90), *range(1000, 1090)], atol=1e-3)
    assert source.counts()["reconnects"] == 1
    assert source.counts()["lost"] == np.isnan(data).sum() > 10


def test_stop_ends_a_silent_stream_at_once(pylsl):
    name = f"strap-{os.getpid()}-c"
    strap = Strap(pylsl, name, 0)
    source = LslStream(name, Options())
    source.open()
    threading.Timer(0.2, source.stop).start()
    begin = time.monotonic()
    assert list(source) == []
    assert time.monotonic() - begin < 1
    source.close()
    del strap


def test_streams_that_do_not_fit_are_refused(pylsl, monkeypatch):
    monkeypatch.setattr("rtkit_ecg.lsl.FIND_TIMEOUT_S", 0.5)
    name = f"strap-{os.getpid()}-d"
    strap = Strap(pylsl, name, 0, rate=0.0)
    with pytest.raises(DeviceError, match="no constant rate"):
        LslStream(name, Options()).open()
    del strap
    with pytest.raises(DeviceError, match=r"lsl:nobody: no stream of name 'nobody'"):
        LslStream("nobody", Options()).open()


def test_without_pylsl_the_way_to_get_it_is_told(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pylsl", None)
    with pytest.raises(DeviceError, match=r"pip install pylsl"):
        LslStream("", Options()).open()
