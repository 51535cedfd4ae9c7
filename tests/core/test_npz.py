"""Arrays in files: what was written is read, and whatever became of the file in between is told in one line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rtkit import InputError
from rtkit.core.files import read_arrays, write_arrays

ARRAYS = {"one": np.arange(50.0), "other": np.array("text"), "none": np.zeros((0, 3), np.float32)}


def refused(path):
    with pytest.raises(InputError) as caught:
        read_arrays(path, "numbers")
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.endswith("expected numbers")
    assert "\n" not in message
    assert "pickle" not in message
    return message


@settings(max_examples=20, deadline=None)
@given(hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, min_side=0)), st.booleans())
def test_what_was_written_is_read(tmp_path_factory, array, compressed):
    path = tmp_path_factory.mktemp("npz") / "arrays.npz"
    write_arrays(path, {"array": array}, compressed)
    np.testing.assert_array_equal(read_arrays(path, "an array")["array"], array)
    assert [entry.name for entry in path.parent.iterdir()] == ["arrays.npz"]


@pytest.mark.parametrize("compressed", [False, True])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_is_told_in_one_line(tmp_path_factory, compressed, data):
    path = tmp_path_factory.mktemp("npz") / "arrays.npz"
    write_arrays(path, ARRAYS, compressed)
    whole = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 23))])  # the last 22 bytes are what an archive is known by
        refused(path)
        return
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    try:
        read_arrays(path, "numbers")  # some bytes, such as times, do not matter
    except InputError:
        refused(path)


def test_what_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "arrays.npz"
    assert "no such file" in refused(path)
    path.mkdir()
    refused(path)
    path.rmdir()
    with path.open("wb") as file:
        np.save(file, np.arange(3))
    refused(path)
    np.savez(path, objects=np.array([None, 1], object))
    refused(path)


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "arrays.npz"
    write_arrays(path, ARRAYS)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match=r"arrays\.npz: cannot be written: No space left"):
        write_arrays(path, {})
    np.testing.assert_array_equal(read_arrays(path, "")["one"], ARRAYS["one"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["arrays.npz"]
