import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtkit.handover.ring import Ring


def numbered(first, n, channels=1):
    return np.repeat(np.arange(first, first + n, dtype=np.float32)[:, None], channels, axis=1)


@given(
    capacity=st.integers(1, 40),
    steps=st.lists(st.tuples(st.sampled_from(["write", "read", "take", "gap"]), st.integers(1, 60)), max_size=60),
)
def test_every_frame_is_read_overtaken_or_waiting(capacity, steps):
    ring = Ring(capacity, 2)
    written = missing = got = 0
    place = []  # stream index of each frame written
    for step, n in steps:
        if step == "write":
            ring.write(numbered(written, n, 2))
            place += range(written + missing, written + missing + n)
            written += n
        elif step == "gap":
            ring.gap(n)
            missing += n
        else:
            if step == "read":
                data = ring.read(min(n, max(capacity // 2, 1)), 0.0)
            else:
                out = np.full((n, 2), -1.0, np.float32)
                count = ring.take(out)
                assert (out[count:] == 0.0).all()
                data = out[:count]
            assert (np.diff(data[:, 0]) == 1.0).all()
            if len(data):
                # The number of each frame says where it belongs: gaps and what was overtaken are counted in.
                assert ring.position - len(data) == place[int(data[0, 0])]
                assert ring.position - 1 == place[int(data[-1, 0])]
            got += len(data)
    rest = 0
    ring.close()
    while len(data := ring.read(max(capacity // 2, 1), 0.0)):
        assert data[-1, 0] < written
        rest += len(data)
    assert got + rest + ring.overrun == written
    assert ring.gaps == missing


def test_the_newest_frames_stay():
    ring = Ring(10, 1)
    for first in range(0, 100, 5):
        ring.write(numbered(first, 5))
    assert ring.read(5, 0.0)[:, 0].tolist() == [95, 96, 97, 98, 99]
    assert ring.overrun == 95
    ring.write(numbered(100, 25))
    assert ring.read(5, 0.0)[:, 0].tolist() == [120, 121, 122, 123, 124]


def test_a_read_waits_for_all_its_frames_and_gives_up_in_time():
    ring = Ring(100, 1)
    ring.write(numbered(0, 3))
    begin = time.perf_counter()
    assert len(ring.read(5, 0.05)) == 0
    assert time.perf_counter() - begin >= 0.05
    threading.Timer(0.05, ring.write, [numbered(3, 4)]).start()
    assert ring.read(5, 10.0)[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_no_block_reaches_across_a_gap():
    ring = Ring(100, 1)
    ring.write(numbered(0, 7))
    ring.gap(1000)
    ring.write(numbered(7, 10))
    assert [len(ring.read(5, 0.0)) for _ in range(3)] == [5, 2, 5]
    assert ring.position == 1012


def test_close_wakes_the_reader_and_gives_the_error_after_the_rest():
    ring = Ring(100, 1)
    ring.write(numbered(0, 3))
    threading.Timer(0.05, ring.close, [ValueError("gone")]).start()
    assert len(ring.read(5, 10.0)) == 3
    with pytest.raises(ValueError, match="gone"):
        ring.read(5, 10.0)


def test_the_writer_can_wait_for_room():
    ring = Ring(10, 1)
    assert ring.wait_for_room(10, 0.0)
    ring.write(numbered(0, 10))
    assert not ring.wait_for_room(1, 0.01)
    threading.Timer(0.05, ring.read, [4, 0.0]).start()
    assert ring.wait_for_room(4, 10.0)
    ring.close(ValueError("gone"))
    with pytest.raises(ValueError, match="gone"):
        ring.wait_for_room(5, 10.0)


@pytest.fixture(scope="module")
def often():
    """Switch threads as often as can be."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@settings(max_examples=5, deadline=None)
@given(block=st.integers(1, 50), size=st.integers(1, 50))
def test_two_threads_account_for_every_frame(often, block, size):
    # The columns of a frame are written together: a torn or overtaken copy shows as a frame whose columns differ.
    ring, total = Ring(128, 8), 60_000

    def write():
        for first in range(0, total, block):
            ring.write(numbered(first, min(block, total - first), 8))
        ring.close()

    writer = threading.Thread(target=write)
    writer.start()
    got = 0
    while len(data := ring.read(size, 10.0)):
        assert (data == data[:, :1]).all()
        assert (np.diff(data[:, 0]) == 1.0).all()
        assert data[-1, 0] == ring.position - 1
        got += len(data)
    writer.join()
    assert got + ring.overrun == total


def test_back_pressure_between_two_threads_loses_nothing():
    ring, total = Ring(128, 1), 50_000

    def write():
        for first in range(0, total, 50):
            while not ring.wait_for_room(50, 1.0):
                pass
            ring.write(numbered(first, 50))
        ring.close()

    writer = threading.Thread(target=write)
    writer.start()
    blocks = []
    while len(data := ring.read(32, 10.0)):
        blocks.append(data)
    writer.join()
    assert (np.concatenate(blocks)[:, 0] == np.arange(total)).all()
    assert ring.overrun == 0
