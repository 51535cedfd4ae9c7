"""The place where one frame waits, and the choice of frames that are due."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtkit.core.items import Frame
from rtkit.handover.latest import LatestFrame
from rtkit.video.rate import FrameRateLimiter

PICTURE = np.zeros((2, 2, 3), np.uint8)


@given(st.lists(st.booleans(), max_size=200))
def test_the_newest_frame_never_one_twice_and_every_skip_is_counted(puts):
    newest, offered, taken = LatestFrame(), 0, []
    for put in puts:
        if put:
            newest.put(Frame(PICTURE, offered, 0.0))
            offered += 1
        elif (frame := newest.take(0.0)) is not None:
            assert frame.index == offered - 1
            taken.append(frame.index)
    last = newest.take(0.0)
    taken += [] if last is None else [last.index]
    assert taken == sorted(set(taken))
    assert len(taken) == newest.taken
    assert offered == newest.taken + newest.skipped


def test_a_reader_waits_for_a_frame_and_hears_of_the_end():
    newest = LatestFrame()
    threading.Timer(0.05, lambda: newest.put(Frame(PICTURE, 7, 0.0))).start()
    assert newest.take(5.0).index == 7
    begin = time.perf_counter()
    assert newest.take(0.05) is None
    assert time.perf_counter() - begin >= 0.04
    newest.put(Frame(PICTURE, 8, 0.0))
    newest.close(ValueError("gone"))
    assert newest.take(5.0).index == 8  # what was there before the end is not lost
    with pytest.raises(ValueError, match="gone"):
        newest.take(5.0)


@given(st.floats(1, 60), st.floats(1, 240), st.lists(st.floats(-0.1, 0.1), min_size=100, max_size=100))
def test_no_more_frames_than_wanted_and_not_far_fewer(wanted, fps, jitter):
    due = FrameRateLimiter(wanted)
    times = np.maximum.accumulate([(index + late) / fps for index, late in enumerate(jitter)])
    chosen = [time for time in times if due(time)]
    expected = min(fps, wanted) * 100 / fps
    assert len(chosen) <= 1 + wanted * (times[-1] - times[0]) + 1
    assert len(chosen) >= 0.5 * expected - 1
    assert all(FrameRateLimiter(None)(time) for time in times)


def test_every_second_of_a_jittering_camera():
    due = FrameRateLimiter(15)
    rng = np.random.default_rng(1)
    assert sum(due(index / 30 + rng.normal(0, 0.003)) for index in range(900)) == pytest.approx(450, abs=10)
