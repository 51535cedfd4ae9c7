"""Optimised graphs: kept, checked, and never in the way."""

import hashlib
import threading
import zlib

import numpy as np
import pytest
from onnx import helper

from rtkit.models import load
from rtkit.onnx import cache
from tests import graphs


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A folder for the cache, and every model worth keeping."""
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(cache, "MIN_OPENING_S", 0)
    return tmp_path / "cache"


def network(path):
    """Some convolutions, which the optimiser fuses and lays out anew."""
    random = np.random.default_rng(0)
    nodes, constants, value = [], {}, "image"
    for index in range(4):
        constants[f"w{index}"] = random.standard_normal((8, 3 if index == 0 else 8, 3, 3)).astype(np.float32) / 5
        nodes += [
            helper.make_node("Conv", [value, f"w{index}"], [f"c{index}"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", [f"c{index}"], [f"r{index}"]),
        ]
        value = f"r{index}"
    nodes[-1].output[0] = "features"
    return graphs.save(path, nodes, [("image", graphs.FLOAT, (1, 3, 16, 16))], [("features", graphs.FLOAT, (1, 8, 16, 16))], constants)


def run(path):
    return load(path).run({"image": np.linspace(-1, 1, 768, dtype=np.float32).reshape(1, 3, 16, 16)})[0]


def test_the_kept_graph_gives_the_same_and_is_used(tmp_path, kept, monkeypatch):
    path = network(tmp_path / "net.onnx")
    first = run(path)
    (file,) = kept.iterdir()
    used = []
    monkeypatch.setattr(cache, "read", lambda digest, read=cache.read: used.append(read(digest)) or used[-1])
    np.testing.assert_array_equal(run(path), first)
    assert used == [file.read_bytes()]


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:100], lambda data: b"", lambda data: data[:-20] + bytes(20), lambda data: data + b"x"]
)
def test_a_damaged_graph_is_made_anew(tmp_path, kept, spoil):
    path = network(tmp_path / "net.onnx")
    first = run(path)
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    file.write_bytes(spoil(whole))
    np.testing.assert_array_equal(run(path), first)
    assert len(list(kept.iterdir())) == 1
    assert cache.read(hashlib.sha256(path.read_bytes()).hexdigest()) not in (None, spoil(whole))


def test_a_graph_that_does_not_load_is_a_warning(tmp_path, kept, caplog):
    path = network(tmp_path / "net.onnx")
    first = run(path)
    (file,) = kept.iterdir()
    stem = file.name.rpartition("-")[0]
    file.unlink()
    (kept / f"{stem}-{zlib.crc32(b'garbage'):08x}.onnx").write_bytes(b"garbage")
    np.testing.assert_array_equal(run(path), first)
    assert "the cached graph does not load" in caplog.text


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, kept):
    kept.write_text("a file where the folder should be")
    assert run(network(tmp_path / "net.onnx")).shape == (1, 8, 16, 16)


def test_many_at_once_leave_one_whole_graph(tmp_path, kept):
    path = network(tmp_path / "net.onnx")
    first = run(path)
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    digest = file.name.partition("-")[0]
    threads = [threading.Thread(target=cache.write, args=(digest * 4, lambda target: target.write_bytes(whole))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(kept.glob("*.onnx"))) == 1
    np.testing.assert_array_equal(run(path), first)


def test_a_small_model_is_not_worth_it(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(cache, "MIN_OPENING_S", 1e3)
    run(network(tmp_path / "net.onnx"))
    assert not (tmp_path / "cache").exists()
