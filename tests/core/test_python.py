"""rtkit from Python: pipelines in one's own loop, streams that are iterated over, arrays and functions as their ends, recordings."""

import threading
import warnings

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import rtkit
from rtkit import Block, Frame, InputError, SampleProcessor, SpecError, StopStream, Stream, UsageError
from rtkit.images import write_picture

from . import gain

SAMPLES = (0.1 * np.random.default_rng(0).standard_normal((5000, 2))).astype(np.float32)
FRAMES = np.random.default_rng(1).integers(0, 256, (6, 4, 6, 3), dtype=np.uint8)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, len(SAMPLES)), max_size=8).map(sorted))
def test_a_pipeline_gives_what_apply_gives_however_it_is_fed(cuts):
    whole, events = rtkit.apply("adaline:tail_ms=8", SAMPLES, rate=8000)
    pipe = rtkit.Pipeline("adaline:tail_ms=8", rate=8000)
    parts, found = [], []
    for start, stop in zip([0, *cuts], [*cuts, len(SAMPLES)], strict=True):
        out, new = pipe(SAMPLES[start:stop])
        assert out.shape == (stop - start, 1)
        parts.append(out)
        found += new
    tail, late = pipe.close()
    np.testing.assert_array_equal(np.concatenate([*parts, tail]), whole)
    assert found + late == events


def test_a_pipeline_takes_and_gives_int16():
    pipe = rtkit.Pipeline([], rate=8000)
    given = np.array([[-32768], [0], [32767]], np.int16)
    out, _ = pipe(given)
    assert out.dtype == np.int16
    np.testing.assert_array_equal(out, given)


def test_a_pipeline_of_frames_and_its_end():
    with rtkit.Pipeline(gain.Invert(), fps=25) as pipe:
        first, _ = pipe(FRAMES[:2])
        second, _ = pipe(FRAMES[2:])
    np.testing.assert_array_equal(np.concatenate([first, second]), 255 - FRAMES)


def test_a_pipeline_begins_anew_after_its_end():
    pipe = rtkit.Pipeline("adaline:tail_ms=8", rate=8000)
    first, _ = pipe(SAMPLES)
    pipe.close()
    again, _ = pipe(SAMPLES)
    np.testing.assert_array_equal(first, again)
    with pytest.raises(SpecError, match=r"got 3 channel.* after 2 channel"):
        pipe(np.zeros((10, 3)))


def test_channels_first_is_asked_about_in_one_short_line():
    with pytest.raises(SpecError) as caught:
        rtkit.apply("adaline", SAMPLES.T, rate=8000)
    assert "[2, 5000]: is it the transpose (x.T) that is meant?" in str(caught.value)
    assert len(str(caught.value)) < 300


def test_process_before_open_says_what_to_do():
    with pytest.raises(UsageError, match=r"process before open: call open\(spec\) first"):
        rtkit.create("adaline").process(Block(SAMPLES, 0, 8000.0, ("1", "2")))


def test_a_stream_is_iterable(tmp_path):
    soundfile.write(tmp_path / "x.wav", SAMPLES, 8000, subtype="FLOAT")
    stream = Stream(tmp_path / "x.wav", "adaline:tail_ms=8", to=tmp_path / "y.wav", block=1000)
    found = [(item.start, len(item.data), len(events)) for item, events in stream]
    assert [start for start, _, _ in found] == [0, 1000, 2000, 3000, 4000]
    assert sum(size for _, size, _ in found) == soundfile.info(str(tmp_path / "y.wav")).frames == len(SAMPLES)
    assert stream.report.samples == len(SAMPLES)


def test_a_loop_that_is_left_ends_the_stream_well(tmp_path):
    stream = Stream(SAMPLES, "adaline:tail_ms=8", tmp_path / "y.wav", rate=8000, block=1000, save_state=tmp_path / "s.npz")
    for item, _ in stream:
        if item.start == 2000:
            break
    assert soundfile.info(str(tmp_path / "y.wav")).frames == 3000
    assert (tmp_path / "s.npz").exists()
    assert stream.report.error is None


def test_the_tail_comes_to_who_iterates():
    class Late(gain.Through):
        def close(self):
            return Block(np.ones((7, 1), np.float32), 5000, 8000.0, ("mono",))

    items = [item for item, _ in Stream(SAMPLES[:, 0], Late(), rate=8000)]
    assert items[-1].start == 5000
    assert sum(len(item.data) for item in items) == 5007


def test_arrays_iterables_and_functions_are_ends():
    got, kinds = [], []
    report = Stream(SAMPLES, "adaline:tail_ms=8", lambda block: got.append(block.data.copy()), rate=8000, on_event=kinds.append).run()
    whole, events = rtkit.apply("adaline:tail_ms=8", SAMPLES, rate=8000)
    np.testing.assert_array_equal(np.concatenate(got), whole)
    assert kinds == events
    assert report.source == "array"
    again = []
    Stream(iter(np.array_split(SAMPLES, 7)), "adaline:tail_ms=8", lambda block: again.append(block.data.copy()), rate=8000).run()
    np.testing.assert_allclose(np.concatenate(again), whole, rtol=1e-6, atol=1e-6)
    pictures = []
    Stream((image for image in FRAMES), gain.Invert(), lambda frame: pictures.append(frame.image.copy()), fps=30).run()
    np.testing.assert_array_equal(np.stack(pictures), 255 - FRAMES)


def test_items_of_the_caller_stay_as_they_are():
    blocks = [Block(SAMPLES[:100].copy(), 0, 8000.0, ("1", "2")), Block(SAMPLES[100:200].copy(), 100, 8000.0, ("1", "2"))]
    Stream(blocks, "adaline:tail_ms=8", seconds=0.02).run()
    assert [len(block.data) for block in blocks] == [100, 100]
    np.testing.assert_array_equal(blocks[0].data, SAMPLES[:100])


def test_with_data_leaves_the_item_as_it_is():
    block = Block(SAMPLES, 3, 8000.0, ("1", "2"))
    other = block.with_data(SAMPLES[:, :1], ("1",))
    assert (block.data is SAMPLES, block.channels, other.channels, other.start) == (True, ("1", "2"), ("1",), 3)
    frame = Frame(FRAMES[0], 4, 0.5)
    assert frame.with_data(FRAMES[1]).index == 4
    assert frame.image is not FRAMES[1]


@pytest.mark.parametrize(
    ("source", "given", "told"),
    [
        (np.zeros(10), {}, "rate=None does not fit; expected a number above 0"),
        (np.zeros((2, 3), np.int64), {"rate": 8000}, "expected float or int16 samples"),
        ([], {"rate": 8000}, "gave no item"),
        (5, {}, "expected a name, a path, an array, an iterable or a Source"),
        (FRAMES, {}, "fps=None"),
    ],
)
def test_wrong_sources_say_what_is_expected(source, given, told):
    with pytest.raises((InputError, UsageError), match=told):
        Stream(source, **given).run()


def test_a_setting_that_is_none_is_named():
    with pytest.raises(UsageError, match="no setting is called 'blocks'; known: far"):
        Stream("synth:noise", blocks=3)
    with pytest.raises(UsageError, match="rate=-1 does not fit"):
        Stream("synth:noise", rate=-1)


def test_a_function_may_end_the_stream():
    def enough(block):
        if block.start >= 2000:
            raise StopStream

    assert Stream(SAMPLES, to=enough, rate=8000, block=1000).run().samples == 3000


class Level(SampleProcessor):
    """Puts out its level; notes the levels within one block."""

    live = ("level",)

    def __init__(self, level: float = 1.0) -> None:
        self.level = level
        self.reached, self.go_on = threading.Event(), threading.Event()

    def process(self, block):
        before = self.level
        if block.start == 1000:
            self.reached.set()
            self.go_on.wait(10)
        assert self.level == before  # nothing tears inside an item
        return block.with_data(np.full_like(block.data, self.level))


def test_live_parameters_are_set_between_two_items():
    step, out = Level(), []
    stream = Stream(SAMPLES, step, lambda block: out.append(float(block.data[0, 0])), rate=8000, block=1000)
    thread = threading.Thread(target=stream.run)
    thread.start()
    step.reached.wait(10)
    stream.set(0, level=5)
    step.go_on.set()
    thread.join(10)
    assert out == [1, 1, 5, 5, 5]
    with pytest.raises(UsageError, match="'gain' cannot change"):
        stream.set(0, gain=2)
    for wrong in (3, -1, "gain"):
        with pytest.raises(UsageError, match=f"no step is {wrong!r}; there are level, numbered from 0"):
            stream.set(wrong, level=2)
    with pytest.raises(UsageError, match="several steps are 'level'"):
        Stream(SAMPLES, [Level(), Level()], rate=8000).set("level", level=2)
    with pytest.raises(UsageError, match="level=high does not fit"):
        stream.set("level", level="high")


class Shade(rtkit.ParallelFrameProcessor):
    """Fills a frame with its shade."""

    live = ("shade",)

    def __init__(self, shade: int = 1) -> None:
        self.shade = shade

    def infer(self, frame):
        return self.shade

    def render(self, frame, found):
        assert found == self.shade  # no change came between the two
        return frame.with_data(np.full_like(frame.image, found))


def test_live_parameters_are_set_between_two_frames_in_threads():
    shades = []
    stream = Stream(np.zeros((60, 4, 4), np.uint8), Shade(), fps=30, threads=4)
    for frame, _ in stream:
        shades.append(int(frame.image[0, 0]))
        if frame.index == 10:
            stream.set("shade", shade=7)
    assert shades[:11] == [1] * 11
    assert shades[-1] == 7
    assert sorted(shades) == shades


def test_create_takes_text_and_keywords():
    assert rtkit.create("adaline:tail_ms=64").tail_ms == 64
    assert rtkit.create("adaline:tail_ms=64", tail_ms=32).tail_ms == 32
    assert "tail_ms" in rtkit.create("adaline")._repr_html_()


def test_read_gives_samples_rate_and_channels(tmp_path):
    soundfile.write(tmp_path / "x.wav", SAMPLES, 8000, subtype="FLOAT")
    samples, rate, channels = rtkit.read(tmp_path / "x.wav")
    np.testing.assert_array_equal(samples, SAMPLES)
    assert (rate, channels) == (8000, ("1", "2"))
    assert len(rtkit.read(str(tmp_path / "x.wav"), seconds=0.25).samples) == 2000
    with pytest.raises(InputError, match=r"no\.wav: no such file"):
        rtkit.read("no.wav")
    write_picture(str(tmp_path / "p.png"), FRAMES[0])
    with pytest.raises(InputError, match="expected samples"):
        rtkit.read(tmp_path / "p.png")


def test_old_names_are_understood_with_a_warning():
    with pytest.warns(DeprecationWarning, match=r"rtkit\.Enough is called rtkit\.StopStream now"):
        assert rtkit.Enough is StopStream
    with pytest.warns(DeprecationWarning, match="'untold_rate' is called 'default_rate' now"):

        class Counter(SampleProcessor):
            untold_rate = 2.0

            def process(self, block):
                return block

    assert Counter.default_rate == 2.0
    with pytest.warns(DeprecationWarning, match="'look' is called 'infer' now"):

        class Old(rtkit.ParallelFrameProcessor):
            def look(self, frame):
                return 1

            def finish(self, frame, found):
                return frame.with_data(frame.image + np.uint8(found))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out, _ = rtkit.apply(Old(), FRAMES, fps=30)
    np.testing.assert_array_equal(out, FRAMES + np.uint8(1))


def test_a_renamed_parameter_is_understood_with_a_warning():
    class New(gain.Through):
        renamed = {"old": "new"}  # noqa: RUF012
        live = ("new",)

        def __init__(self, new: float = 1.0) -> None:
            self.new = new

    from rtkit import check_values

    with pytest.warns(DeprecationWarning, match="parameter 'old' is called 'new' now"):
        assert check_values(New, {"old": 3}) == {"new": 3}
    with pytest.warns(DeprecationWarning, match="is called 'new' now"):
        (made := New()).set(old=4)
    assert made.new == 4


def test_the_outcome_and_its_warnings_are_in_the_report():
    class Told(gain.Through):
        def summary(self):
            return {"gain_db": 3.25, "warnings": ["nothing came out"]}

    report = Stream(SAMPLES[:, 0], [Told(), Told()], rate=8000).run()
    assert report.summary == {"told": {"gain_db": 3.25}, "told 2": {"gain_db": 3.25}}
    assert report.warnings == ["told: nothing came out"] * 2
    assert "gain db 3.25" in str(report)
    assert "nothing came out" in report._repr_html_()
