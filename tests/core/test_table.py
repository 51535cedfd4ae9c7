"""Tables: what is written is read back, the rate is found, and damage is told with its line."""

import csv
import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rtkit import InputError, Options, Stream, unique_names
from rtkit.core import endpoints
from rtkit.core.items import Block, Event, SampleSpec
from rtkit.core.sink import Sink
from rtkit.signals.event_lines import EventLines
from rtkit.signals.table import CsvFile, CsvSink, NpyFile

VALUES = st.floats(allow_nan=True, allow_infinity=False)


def read(path, kind=CsvFile, dtype=np.float64, **options):
    """All samples, the format, and the error that ended them."""
    source = kind(str(path), Options(**options))
    spec = source.open(dtype)
    blocks, error = [], None
    try:
        blocks.extend(block for block in source)
    except InputError as found:
        error = str(found)
    source.close()
    starts = np.cumsum([0, *(len(block.data) for block in blocks)])
    assert [block.start for block in blocks] == starts[:-1].tolist()
    return np.concatenate([np.empty((0, len(spec.channels))), *(block.data for block in blocks)]), spec, error


@given(
    data=st.one_of(
        hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.floats(width=32, allow_infinity=False)),
        hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=VALUES),
    ),
    rate=st.sampled_from([1.0, 125.0, 250.0, 257.3, 360.0, 1000.0, 16000.0, 44100.0]),
    size=st.integers(1, 50),
)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back(tmp_path_factory, data, rate, size):
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    names = tuple(f'lead {number}, "x"' for number in range(data.shape[1]))
    sink = CsvSink(str(path), Options())
    sink.open(SampleSpec(rate, names))
    for start in range(0, len(data), size):
        sink.write(Block(data[start : start + size], start, rate, names))
    sink.close()
    if len(data) == 1:
        with pytest.raises(InputError, match="one row does not tell the sample rate"):
            read(path)
        return
    back, spec, error = read(path, block=size, dtype=data.dtype.type)
    assert error is None
    assert spec.channels == names
    assert spec.rate == pytest.approx(rate, rel=2e-3 / (len(data) - 1))  # times are rounded
    np.testing.assert_array_equal(back, data)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_separators_line_ends_and_names(tmp_path, separator, end, mark):
    rows = [["I", '"II"', "I"], ["1", "2.5", "-3e-2"], ["", "nan", "7"], ["4", "5", ""]]
    (tmp_path / "x.csv").write_bytes((mark + end.join(separator.join(row) for row in rows) + end + end).encode())
    data, spec, error = read(tmp_path / "x.csv", rate=500)
    assert error is None
    assert (spec.rate, spec.channels) == (500, ("I", "II", "I 2"))
    np.testing.assert_array_equal(data, [[1, 2.5, -0.03], [np.nan, np.nan, 7], [4, 5, np.nan]])


@pytest.mark.parametrize("name", ["time", "T", "time_s", "Seconds"])
@pytest.mark.parametrize(("rate", "digits"), [(360, 3), (360, 6), (130, 3), (256, 4), (500, 3), (1000, 3), (1, 0), (62.5, 6), (999.7, 9)])
def test_the_rate_is_found_in_the_time_even_when_that_is_rounded(tmp_path, name, rate, digits):
    lines = [f"{name},ecg", *(f"{10 + number / rate:.{digits}f},{number}" for number in range(3000))]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    data, spec, error = read(tmp_path / "x.csv")
    assert error is None
    assert spec.rate == pytest.approx(rate, rel=1e-4 if digits < 6 else 1e-6)
    assert data[:, 0].tolist() == list(range(3000))


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (2000, "8.5,1,2", "line 2000: time steps by"),
        (2000, "0.1,1,2", "line 2000: time goes back"),
        (3, "8.5,1,2", "line 3: time steps by"),
        (2000, "7.992,1", "line 2000: 2 cells; expected 3"),
        (2000, "7.992,1,2,3", "line 2000: 4 cells; expected 3"),
        (2000, "7.992,abc,2", "line 2000: column 2: 'abc'; expected a number"),
        (40000, "\x00\x01", "line 40000: 1 cells"),
        (2000, "7.996,1,2", "line 2000: time steps by 0.008 s; expected even steps of 0.004 s"),  # one sample is lost
        (2000, "nan,1,2", "line 2000: time is not a number"),
    ],
)
def test_damage_is_told_with_its_line_after_what_is_before_it(tmp_path, line, text, message):
    lines = ["time,a,b", *(f"{number / 250:.3f},{number},0.25" for number in range(50000))]
    lines[line - 1] = text
    lines.insert(0, "")  # a blank line counts, too
    (tmp_path / "x.csv").write_text("\n".join(lines))
    data, spec, error = read(tmp_path / "x.csv")
    assert spec.rate == 250
    assert f"x.csv: {message.replace(str(line), str(line + 1), 1)}" in error
    assert len(data) == line - 2


@pytest.mark.parametrize("options", [{}, {"rate": 250.0}])
def test_files_that_hold_no_samples(tmp_path, options):
    for content, message in (
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b\n", "holds names alone|does not tell its sample rate"),
        ("time\n1\n", "holds the time alone"),
        ("time,a\n1,2\n", "one row does not tell"),
        ("time,a\n1,2\n1,3\n", "stands still"),
        ("time,a\nx,y\n", "'x'; expected a number"),
    ):
        (tmp_path / "x.csv").write_text(content)
        source = CsvFile(str(tmp_path / "x.csv"), Options(**options))
        with pytest.raises(InputError, match=message):
            source.open() and list(source)
        source.close()
    with pytest.raises(InputError, match="not readable"):
        CsvFile(str(tmp_path / "none.csv"), Options()).open()


def test_a_wide_table_holds_one_record_a_row_and_others_need_a_rate(tmp_path, cli):
    np.savetxt(tmp_path / "wide.csv", np.arange(141 * 5).reshape(5, 141), delimiter=",")
    data, spec, _ = read(tmp_path / "wide.csv")
    assert (spec.rate, data.shape) == (1.0, (5, 141))
    assert read(tmp_path / "wide.csv", rate=2.0)[1].rate == 2.0
    np.savetxt(tmp_path / "narrow.csv", np.zeros((5, 64)), delimiter=",")
    done = cli("run", "narrow.csv", "-q")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "narrow.csv: does not tell its sample rate; expected --rate" in done.stderr


@given(content=st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_garbage_never_crashes(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("garbage")
    for name, kind in (("x.csv", CsvFile), ("x.npy", NpyFile)):
        (folder / name).write_bytes(content)
        error = ""
        source = kind(str(folder / name), Options(rate=100))
        try:
            source.open()
            for _ in source:
                pass
        except InputError as found:
            error = str(found)
        source.close()
        assert not error or name in error


def test_a_line_without_end_is_refused(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"1" * (3 << 20))
    with pytest.raises(InputError, match="line 1: longer than"):
        CsvFile(str(tmp_path / "x.csv"), Options(rate=1)).open()


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, ">f4", np.float64])
@pytest.mark.parametrize("shape", [(1000,), (1000, 3)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numpy_files(tmp_path, dtype, shape, order):
    samples = np.asarray(np.random.default_rng(0).integers(0, 200, shape), dtype, order=order)
    np.save(tmp_path / "x.npy", samples)
    data, spec, error = read(tmp_path / "x.npy", NpyFile, rate=360, block=64)
    assert (spec.rate, error) == (360, None)
    np.testing.assert_array_equal(data, samples.reshape(1000, -1))
    with pytest.raises(InputError, match="expected --rate"):
        read(tmp_path / "x.npy", NpyFile)


def test_a_truncated_numpy_file_delivers_what_it_holds(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(1000.0))
    os.truncate(tmp_path / "x.npy", 128 + 8 * 300 + 3)
    data, _, error = read(tmp_path / "x.npy", NpyFile, rate=10)
    assert data[:, 0].tolist() == list(range(300))
    assert "truncated: holds 300 rows where its header promises 1000" in error


def test_hostile_numpy_files_are_refused(tmp_path):
    path = tmp_path / "x.npy"
    for array in (np.array([{}], object), np.zeros(3, complex), np.zeros((2, 2, 2)), np.array(1.0), np.zeros((0, 2)), np.array(["a"])):
        np.save(path, array, allow_pickle=True)
        with pytest.raises(InputError, match="expected real numbers"):
            read(path, NpyFile, rate=1)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**15, 2)})
        file.write(bytes(16 * 7))
    data, _, error = read(path, NpyFile, rate=1)
    assert data.shape == (7, 2)
    assert f"promises {10**15}" in error
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (1, 10**15)})
    with pytest.raises(InputError, match="expected at most 4096"):
        read(path, NpyFile, rate=1)


def test_tables_through_a_stream(tmp_path):
    samples = np.random.default_rng(1).standard_normal((5000, 2)).astype(np.float32)
    np.save(tmp_path / "x.npy", samples)
    report = Stream(str(tmp_path / "x.npy"), to=[str(tmp_path / "y.csv")], options=Options(rate=360)).run()
    assert report.samples == 5000
    np.testing.assert_array_equal(read(tmp_path / "y.csv", dtype=np.float32)[0], samples)


def test_the_longest_suffix_wins(tmp_path, monkeypatch):
    class Own(Sink):
        def __init__(self, path, options):
            self.name = path

        def open(self, spec):
            pass

        def write(self, item):
            pass

    monkeypatch.setitem(endpoints.host().sinks._entries, ".ann.csv", [(Own, "own")])
    source = CsvFile("in.csv", Options())
    assert type(endpoints.make_sink(str(tmp_path / "100.ann.CSV"), Options(), source)) is Own
    assert type(endpoints.make_sink(str(tmp_path / "100.b.csv"), Options(), source)) is CsvSink
    assert type(endpoints.make_sink(str(tmp_path / "100.ann.b.csv"), Options(), source)) is CsvSink
    assert type(endpoints.make_sink(str(tmp_path / "x.jsonl"), Options(), source)) is EventLines


def test_events_are_on_the_disk_at_once(tmp_path):
    sink = EventLines(str(tmp_path / "x.jsonl"), Options())
    sink.open(SampleSpec(100.0))
    sink.event(Event(1.5, "beat", "V", 0.9, {"late": False}))
    sink.event(Event(2.5, "rhythm", None))
    lines = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert lines[0] == {"time": 1.5, "kind": "beat", "label": "V", "score": 0.9, "data": {"late": False}}
    assert lines[1]["label"] is None
    sink.close()


def test_a_csv_file_is_whole_up_to_the_last_second_before_it_is_closed(tmp_path):
    sink = CsvSink(str(tmp_path / "x.csv"), Options())
    sink.open(SampleSpec(100.0, ("a",)))
    for start in range(0, 1050, 10):
        sink.write(Block(np.ones((10, 1), np.float32), start, 100.0, ("a",)))
    with (tmp_path / "x.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) >= 1 + 950
    sink.close()


@given(st.lists(st.text(max_size=4), max_size=12))
def test_names_are_made_different(names):
    found = unique_names(names)
    assert len(set(found)) == len(found) == len(names)
    assert all(found)
