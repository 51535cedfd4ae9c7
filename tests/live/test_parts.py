"""The parts of the live page: what is kept of a signal, what is drawn of it, and what a page may name."""

import contextlib
import itertools
import threading
import time
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtkit import FrameProcessor, InputError, ParallelFrameProcessor, SampleProcessor, Sink, Source, Stream, UsageError
from rtkit.core.items import Block, Event, Frame, FrameSpec, SampleSpec
from rtkit.files.pipeline import read_pipeline, write_pipeline
from rtkit.live.browser import MAX_SIDE_PX, BrowserCamera, BrowserMicrophone, decode, jpeg_size
from rtkit.live.encoder import BANDS, FLOOR_DB, SignalEncoder, spectra
from rtkit.live.folder import Folder
from rtkit.live.history import SampleHistory
from rtkit.live.messages import Set
from rtkit.live.recorder import Recorder
from rtkit.live.session import Session
from rtkit.live.tap import StreamTap
from rtkit.video.opencv import opencv


@given(st.lists(st.integers(0, 6000), max_size=8), st.integers(0, 12000), st.integers(1, 5000))
def test_recent_samples_are_the_newest_in_order(sizes, since, most):
    recent = SampleHistory(SampleSpec(1000.0, ("a", "b")))
    written = np.arange(2 * sum(sizes), dtype=np.float32).reshape(-1, 2)
    at = 0
    for size in sizes:
        recent.write(written[at : at + size])
        at += size
    since = min(since, at)
    start, data = recent.read(since, most)
    assert start == max(since, at - min(most, len(recent)))
    np.testing.assert_array_equal(data, written[start:])


@given(st.integers(2, BANDS - 3), st.floats(-80, 0))
@settings(deadline=None)
def test_a_tone_stands_in_its_band_with_its_level(band, level):
    rate, hop, window = 16000.0, 320, 512
    frequency = (band + 0.5) * rate / 2 / BANDS
    tone = 10 ** (level / 20) * np.sin(2 * np.pi * frequency / rate * np.arange(4 * hop + window - hop))
    columns = spectra(tone.astype(np.float32)[:, None], hop, window)[:, 0]
    assert columns.shape == (4, BANDS)
    assert (np.abs(columns.argmax(axis=1) - band) <= 1).all()
    expected = 255 * (1 - level / FLOOR_DB)
    assert np.abs(columns.max(axis=1) - expected).max() <= 255 * 2 / -FLOOR_DB  # 2 dB: a tone between two lines of the transform


def tapped(spec, every_frame=False, forms=None):
    tap = StreamTap(None, every_frame, forms or {})
    tap.input_history, tap.output_history = SampleHistory(spec), SampleHistory(spec)
    tap.watchers["page"] = lambda: None
    return tap


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=20))
@settings(deadline=None, max_examples=30)
def test_a_signal_is_drawn_whole_however_it_comes(sizes):
    rng = np.random.default_rng(0)
    spec = SampleSpec(8000.0, ("near", "far"))
    tap = tapped(spec)
    encoder = SignalEncoder(tap)
    samples = rng.uniform(-1, 1, (sum(sizes), 2)).astype(np.float32)
    drawn, at = [], 0
    for size in sizes:
        tap.input_history.write(samples[at : at + size])
        at += size
        found = encoder._sound("in", tap.input_history)
        if found is not None:
            first, skipped, parts = found
            drawn.append((first, skipped, parts[0][1]))
    hop = 160
    columns = [(first // hop + number, column) for first, _, envelope in drawn for number, column in enumerate(envelope)]
    assert [number for number, _ in columns] == sorted({number for number, _ in columns})
    assert len(columns) + sum(skipped for _, skipped, _ in drawn) // hop == at // hop
    for number, column in columns:
        piece = samples[number * hop : (number + 1) * hop]
        np.testing.assert_array_equal(column, np.stack((piece.min(axis=0), piece.max(axis=0)), axis=1))


def test_a_slow_signal_is_drawn_sample_by_sample():
    tap = tapped(SampleSpec(360.0, ("MLII",)))
    encoder = SignalEncoder(tap)
    assert encoder.samples() is None
    tap.input_history.write(np.arange(12, dtype=np.float32)[:, None])
    first, skipped, [(part, drawn)] = encoder._trace("in", tap.input_history)
    assert (first, skipped, part["what"], part["rate"]) == (0, 0, "trace", 360.0)
    np.testing.assert_array_equal(drawn[:, 0], np.arange(12))


@pytest.mark.parametrize("kind", ["model", "other"])
def test_a_view_that_wants_samples_gets_them_at_any_rate(kind):
    tap = tapped(SampleSpec(50000.0, ("u", "y")), forms={"model": "trace"})
    tap.recorder = Recorder(None)
    encoder = SignalEncoder(tap)
    tap.on_event(Event(0.0, kind))
    tap.input_history.write(np.zeros((100, 2), np.float32))
    assert (b'"trace"' in (encoder.samples() or b"")) is (kind == "model")


@pytest.mark.parametrize(("rate", "form"), [(10.0, b'"trace"'), (1000.0, b'"envelope"')])
def test_a_view_that_wants_sound_gets_it_unless_the_rate_is_too_low(rate, form):
    tap = tapped(SampleSpec(rate, ("near",)))
    tap.form = "sound"
    tap.input_history.write(np.zeros((1000, 1), np.float32))
    assert form in SignalEncoder(tap).samples()


def test_a_frame_that_was_not_fetched_is_not_copied_again():
    tap = tapped(SampleSpec(8000.0, ("near",)))
    tap.recorder = Recorder(None)
    for index in range(3):
        tap.on_output(Frame(np.zeros((4, 4), np.uint8), index, 0.0))
    assert tap.frame.index == 0
    tap.fetched = True
    tap.on_output(Frame(np.zeros((4, 4), np.uint8), 3, 0.0))
    assert tap.frame.index == 3


def test_events_beyond_what_is_kept_are_counted():
    tap = tapped(SampleSpec(8000.0, ("near",)))
    tap.recorder = Recorder(None)
    for number in range(500):
        tap.on_event(Event(float(number), "echo"))
    newest, events, skipped = tap.events(0)
    assert (newest, len(events), skipped) == (500, 200, 300)
    assert events[-1].time == 499
    assert tap.events(newest) == (500, [], 0)


@pytest.mark.parametrize("spec", [SampleSpec(16000.0, ("near", "far")), SampleSpec(360.0, ("MLII",)), FrameSpec(64, 48, 30.0)])
def test_a_recording_holds_what_flowed_while_it_was_on(tmp_path, spec):
    recorder = Recorder(tmp_path)
    with pytest.raises(InputError, match="has not begun"):
        recorder.switch(True)
    recorder.expect("input", spec)
    recorder.expect("output", spec)

    def flow(number):
        for side in ("input", "output"):
            if isinstance(spec, FrameSpec):
                recorder.write(side, Frame(np.full((48, 64, 3), number, np.uint8), number, number / 30))
            else:
                recorder.write(side, Block(np.full((100, len(spec.channels)), 0.1, np.float32), 100 * number, spec.rate, spec.channels))
        recorder.event(Event(float(number), "found"))

    flow(0)
    for take in (1, 2):
        recorder.switch(True)
        flow(1)
        flow(2)
        recorder.switch(False)
        names = {name for name, size in recorder.files() if size > 0}
        end = ".mp4" if isinstance(spec, FrameSpec) else ".wav" if spec.rate > 4000 else ".csv"
        assert {f"input-{take}{end}", f"output-{take}{end}", f"events-{take}.jsonl"} <= names
    flow(3)
    assert len((tmp_path / "events-1.jsonl").read_text().splitlines()) == 2
    assert recorder.error is None


def test_a_recording_that_fails_ends_and_says_so(tmp_path, monkeypatch):
    recorder = Recorder(tmp_path)
    spec = SampleSpec(16000.0, ("near",))
    recorder.expect("input", spec)
    recorder.expect("output", spec)
    recorder.switch(True)
    monkeypatch.setattr("rtkit.live.recorder.MAX_BYTES", 10)
    monkeypatch.setattr("rtkit.live.recorder.CHECK_INTERVAL_ITEMS", 1)
    recorder.write("input", Block(np.zeros((100, 1), np.float32), 0, 16000.0, ("near",)))
    assert not recorder.on
    assert "recording ended" in recorder.error


class Marks(FrameProcessor):
    """Writes its value into each frame, slowly, in two parts: between them nothing may change."""

    live: ClassVar = ("value",)

    def __init__(self, value: int = 0) -> None:
        self.value = value

    def process(self, frame):
        before = self.value
        time.sleep(0.003)
        return frame.with_data(np.full((2, 2, 3), [before, self.value, 0], np.uint8))


class ParallelMarks(ParallelFrameProcessor):
    """The same, with its first part for several frames at once."""

    live: ClassVar = ("value",)

    def __init__(self, value: int = 0) -> None:
        self.value = value

    def infer(self, frame):
        before = self.value
        time.sleep(0.003)
        return before

    def render(self, frame, found):
        return frame.with_data(np.full((2, 2, 3), [found, self.value, 0], np.uint8))


class Frames(Source):
    """Frames without end."""

    name = "frames"

    def open(self, dtype=np.float32):
        return FrameSpec(2, 2, 100.0)

    def __iter__(self):
        for index in itertools.count():
            yield Frame(np.zeros((2, 2, 3), np.uint8), index, index / 100)


class Kept(Sink):
    """What came out, and a function that is called for each."""

    name = "kept"

    def __init__(self, act):
        self.images, self.act = [], act

    def open(self, spec):
        pass

    def write(self, item):
        self.images.append(item.image[0, 0, :2].tolist())
        self.act(len(self.images))


@pytest.mark.parametrize(("processor", "threads"), [(Marks, 1), (ParallelMarks, 1), (Marks, 4), (ParallelMarks, 4)])
def test_a_parameter_changes_between_two_items_and_never_inside_one(tmp_path, processor, threads):
    session = Session(Folder(tmp_path))
    changes = []

    def change():
        for value in range(1, 31):
            session.set(Set(step=0, values={"value": value}))
            changes.append((value, len(sink.images)))
            time.sleep(0.002)
        stream.stop()

    changer = threading.Thread(target=change)
    sink = Kept(lambda count: changer.start() if count == 1 else None)
    stream = Stream(Frames(), [processor()], to=[sink], threads=threads)
    session.attach(stream)
    stream.run()
    changer.join()
    assert len(changes) == 30  # none was refused, and nobody waited in vain
    assert all(before == after for before, after in sink.images)
    values = [value for value, _ in sink.images]
    assert values == sorted(values)
    for value, place in changes:  # what came out when `set` returned was made before, or is made with the new value
        assert all(made >= value for made in values[place + 1 :])
    session.close()


def test_a_parameter_of_samples_changes_between_two_blocks(tmp_path):
    class Source_(Source):
        name = "blocks"

        def open(self, dtype=np.float32):
            return SampleSpec(16000.0, ("near", "far"))

        def __iter__(self):
            for index in itertools.count():
                yield Block(np.zeros((8000, 2), np.float32), 8000 * index, 16000.0, ("near", "far"))

    class Torn(SampleProcessor):
        live: ClassVar = ("value",)

        def __init__(self, value: int = 0) -> None:
            self.value, self.seen = value, set()

        def process(self, block):
            before = self.value
            time.sleep(0.003)
            self.seen.add((before, self.value))
            return block

    session, step = Session(Folder(tmp_path)), Torn()
    stream = Stream(Source_(), [step])
    session.attach(stream)
    runner = threading.Thread(target=stream.run)
    runner.start()
    for value in range(1, 31):
        session.set(Set(step=0, values={"value": value}))
        assert step.value == value
        time.sleep(0.004)
    with pytest.raises(UsageError, match="value=x does not fit"):
        session.set(Set(step=0, values={"value": "x"}))
    with pytest.raises(UsageError, match="cannot change while running"):
        session.set(Set(step=0, values={"none": 1}))
    stream.stop()
    runner.join()
    session.ended()
    assert all(before == after for before, after in step.seen)
    with pytest.raises(UsageError, match="no running step"):
        session.set(Set(step=0, values={"value": 1}))
    session.close()


@given(st.text(max_size=40))
@settings(deadline=None)
def test_no_name_leads_out_of_the_folder(tmp_path_factory, name):
    root = tmp_path_factory.getbasetemp() / "folder"
    (root / "inner").mkdir(parents=True, exist_ok=True)
    (root / "inner" / "a.wav").touch()
    (root.parent / "secret.wav").touch()
    folder = Folder(root)
    for text in (name, f"../{name}", f"inner/../../{name}", "../secret.wav", str(root.parent / "secret.wav"), "/etc/passwd", "inner/\0"):
        with contextlib.suppress(InputError):
            assert folder.find(text).is_relative_to(root)


def test_a_link_out_of_the_folder_is_no_file_of_it(tmp_path):
    root = tmp_path / "folder"
    root.mkdir()
    (root / "link.wav").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="no such file"):
        Folder(root).find("link.wav")


def test_words_are_values_and_files_are_of_the_folder(tmp_path, monkeypatch):
    root = tmp_path / "folder"
    (root / "mine").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    folder = Folder(root)
    assert folder.value("heartbeat") == "heartbeat"
    assert folder.value("mine") == str(root / "mine")
    for text in ("other", "../other", str(tmp_path / "other"), "..", "a/b", "C:\\x"):
        with pytest.raises(InputError):
            folder.value(text)
    assert folder.without_paths(f"{root}/mine/a.wav: bad\n at /usr/lib/x.py:3") == "mine/a.wav: bad at x.py:3"


texts = st.sampled_from(["ä", "x y", '"\\', "\x7f"])
parameters = st.one_of(st.booleans(), st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False), st.none(), texts)


@given(st.dictionaries(st.sampled_from(["tail_ms", "rule"]), parameters), st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_pipeline_that_was_written_reads_as_it_was(tmp_path_factory, chosen, source):
    path = tmp_path_factory.getbasetemp() / "pipeline.toml"
    settings = {"source": source, "realtime": True, "steps": [{"processor": "echo", **chosen}]}
    path.write_text(write_pipeline(settings), encoding="utf-8")
    told = ",".join(f"{key}={'none' if value is None else value}" for key, value in chosen.items())
    assert read_pipeline(path) == settings | {"to": [], "steps": [f"echo:{told}" if told else "echo"]}


def jpeg(width, height):
    picture = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    return opencv().imencode(".jpg", picture)[1].tobytes()


@given(st.integers(1, 200), st.integers(1, 200), st.data())
@settings(deadline=None, max_examples=40)
def test_damaged_pictures_are_refused_or_decoded(width, height, data):
    whole = jpeg(width, height)
    assert jpeg_size(whole) == (width, height)
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    if damaged:
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        image = decode(np.frombuffer(bytes(damaged), np.uint8))
    except InputError:
        return
    assert max(image.shape[:2]) <= MAX_SIDE_PX


def test_a_small_file_that_promises_a_huge_picture_is_refused():
    bomb = bytearray(jpeg(16, 16))
    at = bomb.index(b"\xff\xc0") + 5
    bomb[at : at + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(InputError, match="65535 x 65535"):
        decode(np.frombuffer(bytes(bomb), np.uint8))


def test_the_browsers_camera_hands_on_good_frames_and_counts_the_others():
    camera = BrowserCamera()
    camera.put(0, b"no picture")
    frames = iter(camera)

    threading.Timer(0.2, camera.put, (7, jpeg(64, 48))).start()
    assert camera.open() == FrameSpec(64, 48, 30.0)
    first = next(frames)
    assert (first.index, first.time, first.image.shape) == (7, 0.0, (48, 64, 3))
    camera.put(8, jpeg(32, 48))  # a telephone was turned
    assert next(frames).image.shape == (48, 64, 3)
    camera.stop()
    assert list(frames) == []
    assert camera.counts() == {"captured": 2, "skipped": 0, "damaged": 1}


def test_the_browsers_microphone_counts_what_was_lost_on_the_way():
    microphone = BrowserMicrophone(16000.0)
    assert microphone.open() == SampleSpec(16000.0, ("near", "far"))
    blocks = iter(microphone)
    sound = np.arange(512, dtype="<f4").reshape(256, 2)
    microphone.put(0, sound.tobytes())
    microphone.put(300, sound.tobytes())
    first, second = next(blocks), next(blocks)
    assert (first.start, second.start) == (0, 300)
    np.testing.assert_array_equal(second.data, sound)
    with pytest.raises(InputError, match="float32 samples of 2"):
        microphone.put(556, b"abc")
    assert microphone.counts() == {"captured": 512, "lost": 44, "overrun": 0}
    for rate in (0.0, 1e9, float("nan")):
        with pytest.raises(InputError, match="rate"):
            BrowserMicrophone(rate)
