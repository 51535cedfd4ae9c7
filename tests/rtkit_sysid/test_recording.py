"""Recordings: the same columns out of every kind of file, and one clear line for every damage."""

import contextlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from rtkit_sysid.recording import read_recording

from rtkit.core.errors import InputError

SHARED = Path(__file__).parents[3] / "shared" / "data" / "sysid"


def read(path, inputs=None, outputs=None, rate=None):
    return read_recording(str(path), inputs, outputs, rate)


@pytest.fixture
def signals():
    """u [100, 2] and y [100], one sample of each missing."""
    values = np.random.default_rng(0).uniform(-0.9, 0.9, (100, 3))
    values[10, 0] = values[20, 2] = np.nan
    return values[:, :2], values[:, 2]


def write(path, u, y):
    """Write columns in the way of the suffix."""
    table = np.column_stack([u, y])
    if path.suffix == ".csv":
        np.savetxt(path, table, delimiter=",", header="u1,u2,y", comments="")
    elif path.suffix in (".txt", ".dat"):
        np.savetxt(path, table, delimiter=", " if path.suffix == ".txt" else "\t  ")
    elif path.suffix == ".npy":
        np.save(path, table)
    elif path.suffix == ".npz":
        np.savez(path, u=u, y=y)
    elif path.suffix == ".mat":
        scipy.io.savemat(path, {"u": u, "y": y})
    else:
        soundfile.write(path, table, 8000, subtype="DOUBLE")
    return path


@pytest.mark.parametrize(
    ("suffix", "inputs", "outputs"),
    [
        (".csv", ("u1", "u2"), ("y",)),
        (".txt", ("1", "2"), ("3",)),
        (".dat", ("1", "2"), ("3",)),
        (".npy", ("1", "2"), ("3",)),
        (".npz", ("u[1]", "u[2]"), ("y",)),
        (".mat", ("u[1]", "u[2]"), ("y",)),
        (".wav", ("1", "2"), ("3",)),
    ],
)
def test_every_kind_of_file_gives_the_same_columns(tmp_path, signals, suffix, inputs, outputs):
    u, y = signals
    path = write(tmp_path / f"x{suffix}", u, y)
    found = read(path)
    assert (found.name, found.inputs, found.outputs) == (str(path), inputs, outputs)
    assert found.rate == (8000 if suffix == ".wav" else 1)
    assert (found.u.dtype, found.y.dtype) == (np.float64, np.float64)
    np.testing.assert_array_equal(found.u, u)
    np.testing.assert_array_equal(found.y, y[:, None])
    other = read(path, outputs[0], "1", rate=50)  # the other way round, by name and by number
    assert (other.inputs, other.outputs, other.rate) == (outputs, inputs[:1], 8000 if suffix == ".wav" else 50)
    np.testing.assert_array_equal(other.y, u[:, :1])


def test_what_is_not_asked_for_is_an_input_and_the_last_column_the_output(tmp_path):
    path = tmp_path / "x.csv"
    np.savetxt(path, np.arange(80).reshape(20, 4), delimiter=",", header="a,b,c,d", comments="")
    assert read(path).inputs == ("a", "b", "c")
    assert read(path, outputs="b").inputs == ("a", "c", "d")
    assert read(path, inputs="d,a").outputs == ("c",)
    found = read(path, "a + b", "d,c")
    assert (found.inputs, found.outputs) == (("a", "b"), ("d", "c"))
    assert found.y[0].tolist() == [3, 2]


def test_the_name_of_an_array_means_all_its_columns(tmp_path):
    np.savez(tmp_path / "x.npz", u=np.arange(60).reshape(20, 3), y=np.arange(20.0))
    assert read(tmp_path / "x.npz", "u", "y").inputs == ("u[1]", "u[2]", "u[3]")
    assert read(tmp_path / "x.npz", "u[2]", "y").u[:, 0].tolist() == list(range(1, 60, 3))


def test_a_name_may_hold_a_comma(tmp_path):
    np.savez(tmp_path / "x.npz", **{"lead 1, left": np.arange(20), "y": np.arange(20.0)})
    assert read(tmp_path / "x.npz", "lead 1, left", "y").inputs == ("lead 1, left",)


@pytest.mark.parametrize("name", ["time", "T", "Time_s", "seconds", "sampling_time", "Timestamp"])
@pytest.mark.parametrize("suffix", [".csv", ".npz", ".mat"])
def test_a_time_tells_the_rate_and_is_no_channel(tmp_path, name, suffix):
    columns = {name: 5 + np.arange(200) / 250, "u": np.arange(200.0), "y": np.ones(200)}
    path = tmp_path / f"x{suffix}"
    if suffix == ".csv":
        np.savetxt(path, np.column_stack(list(columns.values())), delimiter=",", header=",".join(columns), comments="")
    else:
        np.savez(path, **columns) if suffix == ".npz" else scipy.io.savemat(path, columns)
    found = read(path)
    assert (found.inputs, found.outputs, found.rate) == (("u",), ("y",), 250)
    if suffix != ".csv":
        assert read(path, name, "y").inputs == (name,)


@pytest.mark.parametrize("spoil", [5, -1, np.nan, np.inf])
def test_what_does_not_rise_evenly_is_a_channel(tmp_path, spoil):
    time = np.arange(100.0)
    time[50] = spoil
    np.savez(tmp_path / "x.npz", t=time, y=np.ones(100))
    found = read(tmp_path / "x.npz")
    assert (found.inputs, found.rate) == (("t",), 1)
    np.testing.assert_array_equal(found.u[:, 0], np.where(np.isfinite(time), time, np.nan))  # infinite counts as missing


@pytest.mark.parametrize(("name", "value", "rate"), [("fs", 610.35, 610.35), ("Ts", 0.01, 100), ("dt", 0.5, 2), ("fs", -1, 1), ("n", 7, 1)])
@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_a_single_number_tells_the_rate(tmp_path, name, value, rate, suffix):
    path = tmp_path / f"x{suffix}"
    arrays = {"u": np.arange(50.0), "y": np.ones((50, 1)), name: np.float64(value)}
    np.savez(path, **arrays) if suffix == ".npz" else scipy.io.savemat(path, arrays)
    assert read(path).rate == pytest.approx(rate)


def test_arrays_of_the_most_common_length_are_taken_out_of_a_mat_file(tmp_path):
    path = tmp_path / "x.mat"
    arrays = {"u": np.arange(50.0), "u_test": np.arange(40.0), "y": np.ones((50, 1)), "label": "text", "cell": np.array([1, "a"], object)}
    scipy.io.savemat(path, arrays | {"y_test": np.ones(40), "x": np.arange(50)[:, None], "empty": np.zeros(0)})
    found = read(path)
    assert (found.inputs, found.outputs, len(found.u)) == (("u", "y"), ("x",), 50)
    assert len(read(path, "u_test", "y_test").u) == 40


def test_the_synthetic_plant():
    found = read("synth:plant")
    assert (found.inputs, found.outputs, found.rate, found.u.shape) == (("u",), ("y",), 1000, (20000, 1))
    assert np.isnan(found.u[3::4]).all()
    assert np.isfinite(found.u[2::4]).all()
    assert read("synth:plant", rate=8).rate == 8


def npz_with(path, content):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("u.npy", content)


GOOD = "\n".join(f"{number},{number}" for number in range(50))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "", "is empty"),
        ("x.csv", "u,y\n", "holds names alone"),
        ("x.csv", GOOD + "\n7", "line 51: 1 cells; expected 2"),
        ("x.csv", GOOD + "\n7,on", "line 51: column 2: 'on'; expected a number"),
        ("x.csv", "u,y\n" + "1,\n" * 50, "column 'y': 0 known sample.s. of 50; expected 16 or more"),
        ("x.csv", "u,y\n" + "1,2\n" * 15, "column 'u': 15 known sample.s. of 15"),
        ("x.csv", GOOD.replace(",", " "), "no column is left for an input; there are: mono|expected a number"),
        ("x.dat", "", "is empty; expected lines of numbers"),
        ("x.dat", "u y\n1 2", "line 1: could not convert string to float: 'u'; expected numbers"),
        ("x.dat", GOOD + "\n1 2 3", "line 51: 3 numbers; expected 2 as in the first line"),
        ("x.dat", GOOD + "\n1 x", "line 51: .* 'x'; expected numbers"),
        ("x.txt", "1\n" * 50, "no column is left for an input; there are: mono"),
        ("x.npz", "", "is no whole archive of NumPy arrays"),
        ("x.npz", GOOD, "is no whole archive"),
        ("x.npy", "", "not readable as a NumPy file"),
        ("x.mat", "", "not readable as a MAT file"),
        ("x.mat", GOOD, "not readable as a MAT file"),
        ("x.mat", "MATLAB 7.3 MAT-file, Platform: GLNXA64", "is a MAT file of version 7.3 .HDF5."),
        ("x.wav", GOOD, "not readable as a sound file"),
        ("x.xyz", GOOD, "no source for files of type .xyz; known: .* or tables"),
        ("x", GOOD, "without a suffix"),
    ],
)
def test_bad_files_are_told_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".csv", ".txt", ".npz", ".npy", ".mat", ".wav"])
def test_missing_and_truncated_files(tmp_path, signals, suffix):
    path = tmp_path / f"x{suffix}"
    with pytest.raises(InputError, match=r"no such file|No such file"):
        read(path)
    path.mkdir()
    with pytest.raises(InputError):
        read(path)
    path.rmdir()
    whole = write(path, *signals).read_bytes()
    end = whole.rindex(b",") if suffix in (".csv", ".txt") else len(whole) * 2 // 3  # in the middle of a row
    path.write_bytes(whole[:end])
    with pytest.raises(InputError, match=rf"x\{suffix}"):
        read(path)


def test_what_is_no_column_of_numbers(tmp_path):
    path = tmp_path / "x.npz"
    u, y = np.arange(50.0), np.ones(50)
    np.savez(path, u=u, label=np.array(["a"] * 50), y=y, z=u.astype(complex))
    with pytest.raises(InputError, match=r"x.npz: no column 'label' of numbers; there are: u, y$"):
        read(path, "label", "y")
    for number in ("0", "3", "-1", "u[1]", ""):
        with pytest.raises(InputError, match=r"no column .*; there are: u, y$"):
            read(path, "u", f"{number},y")
    with pytest.raises(InputError, match="column 'u' is asked for 2 times"):
        read(path, "u", "y+1")
    np.savez(path, u=u, y=y[:40])
    with pytest.raises(InputError, match=r"columns of different lengths \(u 50, y 40\)"):
        read(path)
    np.savez(path, u=u, y=np.full(50, np.inf))
    with pytest.raises(InputError, match="column 'y': 0 known"):
        read(path)
    np.savez(path, label=np.array(["a"]))
    with pytest.raises(InputError, match="there are: none"):
        read(path)


def test_objects_are_never_unpickled(tmp_path):
    evil = np.array([{"a": 1}] * 50, object)
    np.savez(tmp_path / "x.npz", u=np.arange(50.0), y=evil)
    with pytest.raises(InputError, match=r"x.npz: after array 'u': Object arrays cannot be loaded.*; expected arrays of numbers"):
        read(tmp_path / "x.npz")
    np.save(tmp_path / "x.npy", evil)
    with pytest.raises(InputError, match="expected real numbers"):
        read(tmp_path / "x.npy")
    npz_with(tmp_path / "x.npz", b"no array at all")
    with pytest.raises(InputError, match=r"x\.npz"):
        read(tmp_path / "x.npz")


def test_what_has_no_end_is_refused():
    with pytest.raises(InputError, match="camera:0: has no end"):
        read("camera:0")
    with pytest.raises(InputError, match=r"synth:none: expected one of .*plant"):
        read("synth:none")


@given(content=st.binary(max_size=400), head=st.sampled_from([b"", b"MATLAB 5.0 MAT-file" + bytes(105) + b"\x00\x01IM"]))
@settings(max_examples=60, deadline=None)
def test_garbage_never_crashes(tmp_path_factory, content, head):
    folder = tmp_path_factory.mktemp("garbage")
    for suffix in (".csv", ".txt", ".npz", ".npy", ".mat"):
        path = folder / f"x{suffix}"
        path.write_bytes(head + content)
        with contextlib.suppress(InputError):
            read(path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the measured records lie beside the project, not in it")
def test_measured_records():
    assert read(SHARED / "buck_id.csv").rate == 100_000
    assert read(SHARED / "robot_arm.dat").u.shape == (1024, 1)
    assert read(SHARED / "f16_gvt.txt", rate=400).u.shape == (32768, 2)
    assert read(SHARED / "silverbox_SNLS80mV.mat", "V1", "V2").y.shape == (131072, 1)
