"""Several frames at once: the same output, events and order as one after another."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtkit import FrameProcessor, InputError, ParallelFrameProcessor, StopStream, Stream, UsageError
from rtkit.core.stream import StepError
from tests.video.clips import Numbers, Seen, number_of


class Count(FrameProcessor):
    """Has a state: counts the frames, one at a time and in order."""

    def open(self, spec):
        self.seen, self.inside = [], 0
        return super().open(spec)

    def process(self, frame):
        self.inside += 1
        assert self.inside == 1, "two frames at once in a step that is no split one"
        time.sleep(0.001)
        self.seen.append(frame.index)
        self.emit(frame.time, "count", str(len(self.seen)))
        self.inside -= 1
        return frame


class Slow(ParallelFrameProcessor):
    """Looks at every frame but each third, some longer than others; counts how many it looks at at once."""

    def __init__(self, fails_at: int = -1):
        self.fails_at = fails_at

    def open(self, spec):
        self.lock, self.now, self.most, self.finished = threading.Lock(), 0, 0, []
        return super().open(spec)

    def should_infer(self, frame):
        return frame.index % 3 != 2

    def infer(self, frame):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.02 if frame.index % 2 else 0.002)
        if frame.index == self.fails_at:
            raise ValueError("cannot see")
        with self.lock:
            self.now -= 1
        return number_of(frame.image)

    def render(self, frame, found):
        assert found == (None if frame.index % 3 == 2 else frame.index)
        self.finished.append(frame.index)
        self.emit(frame.time, "slow", str(frame.index))
        return frame


def run(threads, count=24, **options):
    steps, seen = [Count(), Slow(**options), Count()], Seen()
    report = Stream(Numbers(count), steps, to=[seen], threads=threads).run()
    return steps, seen, report


@given(st.integers(2, 6), st.integers(0, 30))
@settings(max_examples=12, deadline=None)
def test_order_events_and_results_are_those_of_one_thread(threads, count):
    steps, seen, report = run(threads, count)
    _, alone, _ = run(1, count)
    assert seen.frames == alone.frames == [(index, index, index / 30) for index in range(count)]
    assert seen.events == alone.events
    assert steps[0].seen == steps[1].finished == steps[2].seen == list(range(count))
    assert report.items == count
    assert [step.name for step in report.steps] == ["count", "slow", "count"]


def test_several_frames_are_looked_at_at_once_and_no_more_than_said():
    steps, _, _ = run(3, 40)
    assert 2 <= steps[1].most <= 3
    steps, _, _ = run(1, 10)
    assert steps[1].most == 1


def test_times_in_the_report_are_of_work_and_not_of_waiting():
    _, _, report = run(4, 30)
    assert report.steps[1].max_us < 1e6
    assert report.steps[1].p50_us < 4 * 20_000
    assert report.busy_s > 0.1


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_names_the_step_and_the_frame_and_nothing_before_is_lost(threads):
    seen = Seen()
    stream = Stream(Numbers(30), [Count(), Slow(fails_at=12), Count()], to=[seen], threads=threads)
    begin = time.perf_counter()
    with pytest.raises(StepError, match=r"numbers: step 'slow' failed at item 12: ValueError: cannot see"):
        stream.run()
    assert time.perf_counter() - begin < 5
    assert [index for _, index, _ in seen.frames] == list(range(12))
    assert [event.label for event in seen.events if event.kind == "slow"] == [str(index) for index in range(12)]


def test_an_error_of_the_source_comes_after_the_frames_before_it():
    seen = Seen()
    with pytest.raises(InputError, match="damaged at frame 7"):
        Stream(Numbers(30, fails_at=7), [Slow()], to=[seen], threads=3).run()
    assert [index for _, index, _ in seen.frames] == list(range(7))


@pytest.mark.parametrize("threads", [1, 3])
def test_seconds_and_a_sink_that_has_enough_end_the_stream_well(threads):
    seen = Seen()
    Stream(Numbers(1000), [Slow()], to=[seen], threads=threads, seconds=0.5).run()
    assert len(seen.frames) == 15

    def stop(frame):
        if frame.index == 9:
            raise StopStream

    seen = Seen(stop)
    report = Stream(Numbers(1000), [Slow()], to=[seen], threads=threads).run()
    assert len(seen.frames) == 10
    assert report.error is None


def test_threads_are_for_frames():
    with pytest.raises(UsageError, match="frames are processed in threads"):
        Stream("synth:noise", ["adaline"], threads=2, seconds=0.1).run()


def test_two_threads_are_faster_where_the_work_leaves_the_interpreter():
    def seconds(threads):
        begin = time.perf_counter()
        Stream(Numbers(60), [Slow()], threads=threads).run()
        return time.perf_counter() - begin

    assert np.median([seconds(1) / seconds(2) for _ in range(3)]) > 1.3


def test_a_video_plays_in_real_time_and_skips_for_who_is_slow():
    seen = Seen(lambda frame: time.sleep(0.1))
    begin = time.perf_counter()
    report = Stream(Numbers(60), to=[seen], realtime=True).run()
    assert time.perf_counter() - begin > 1.9
    counts = report.counts["numbers"]
    assert counts["captured"] == len(seen.frames) < 30
    assert counts["captured"] + counts["skipped"] == 60
    assert [number for number, _, _ in seen.frames] == [index for _, index, _ in seen.frames]
    assert report.latency_ms["waiting"] < 60
    with pytest.raises(InputError, match="damaged at frame 5"):
        Stream(Numbers(60, fails_at=5), to=[Seen()], realtime=True).run()


def test_a_look_that_depends_on_other_looks_breaks_the_law():
    from rtkit.testing import check_processor

    class Careless(ParallelFrameProcessor):
        def open(self, spec):
            self.count = 0
            return super().open(spec)

        def infer(self, frame):
            self.count += 1
            return self.count

        def render(self, frame, found):
            return frame.with_data(np.full_like(frame.image, found))

    with pytest.raises(AssertionError, match="in another order"):
        check_processor(Careless)

    class Writes(FrameProcessor):
        def process(self, frame):
            frame.image[0] = 0
            return frame

    with pytest.raises(AssertionError, match="written into"):
        check_processor(Writes)
