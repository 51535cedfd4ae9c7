"""What every processor of frames with a model does on shipped pictures: it goes on from a state, starts afresh, and sums up its run."""

import io

import cv2
import numpy as np
import pytest
from rtkit_cam.demo import CLIP as BOTTLES
from rtkit_colorize.demo import CLIP as CARS
from rtkit_faces.demo import ENROLLED
from rtkit_faces.demo import PICTURES as PORTRAITS

import rtkit
from rtkit import Frame, FrameSpec, InputError
from rtkit.models import OnnxFrameProcessor
from tests.rtkit_faces.pictures import COLLINS, HOPPER, album, on_wall
from tests.rtkit_faces.test_faces import enrolled

FPS = 10
SIZE = (320, 180)


def clip(path, count):
    capture = cv2.VideoCapture(str(path))
    return [cv2.resize(capture.read()[1], SIZE) for _ in range(count)]


@pytest.fixture(scope="module")
def frames():
    """Two clips and, twice, a portrait: three scene cuts."""
    portrait = [cv2.resize(on_wall(picture), SIZE) for picture in album(HOPPER, 2)]
    return [*clip(BOTTLES, 4), *portrait, *clip(CARS, 4), *portrait[::-1]]


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return enrolled(tmp_path_factory.mktemp("people"), Grace=album(HOPPER, 5), Eileen=album(COLLINS, 5))


STEPS = [
    "cam:size=96,smooth=0.3,frame_interval=2,emit_on=change",
    "cam:size=96,mode=filters,frame_interval=3",
    "colorize:size=64",
    "cluster:model=designed,emit_on=change",
    "vae",
    "faces:people={people},frame_interval=2,smooth=0.4",
]


@pytest.fixture(params=STEPS, ids=lambda step: step.partition(",every")[0].partition(":people")[0])
def make(request, people):
    def made(**live):
        processor = rtkit.create(request.param.format(people=people))
        processor.open(FrameSpec(*SIZE, FPS))
        if live:
            processor.set(**live)
        return processor

    return made


def run(processor, frames, start=0):
    """Outputs and events."""
    out = [processor.process(Frame(image.copy(), start + n, (start + n) / FPS)).image.copy() for n, image in enumerate(frames)]
    events = list(processor.events)
    processor.events.clear()
    return out, events


def in_a_file(state):
    """A state, written to an npz file and read again."""
    file = io.BytesIO()
    np.savez(file, **state)
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def same(one, other):
    np.testing.assert_array_equal(one[0], other[0])
    assert one[1] == other[1]


@pytest.mark.parametrize("at", [0, 3, 5, 7])
def test_it_goes_on_from_a_state_as_if_nothing_had_happened(make, frames, at):
    whole = make()
    before = run(whole, frames[:at])
    other = make()
    run(other, frames[::-1][:3])  # of which nothing must be left
    other.load_state(in_a_file(whole.state()))
    same(run(other, frames[at:], at), run(whole, frames[at:], at))
    assert len(before[0]) == at


def test_it_is_at_its_start_again_after_open(make, frames):
    fresh, used = make(), make()
    run(used, frames[::-1])
    used.open(FrameSpec(*SIZE, FPS))
    assert used.summary() == {}
    same(run(used, frames), run(fresh, frames))
    assert used.summary() == fresh.summary() != {}


def test_a_live_parameter_that_is_set_is_as_if_it_had_been_made_with_it(make, frames):
    values = {
        "alpha": 0.6,
        "mosaic": True,
        "frame_interval": 1,
        "smooth": 1.5,
        "emit_on": "frame",
        "anomaly": "excess",
        "background": "white",
    }
    live = {name: value for name, value in values.items() if name in make().live}
    changed = make()
    run(changed, frames[:5])
    state = changed.state()
    changed.set(**live)
    other = type(changed)(**changed.parameters())
    other.open(FrameSpec(*SIZE, FPS))
    other.load_state(state)
    same(run(changed, frames[5:], 5), run(other, frames[5:], 5))


def test_a_state_of_something_else_is_refused(make, frames):
    processor = make()
    run(processor, frames[:2])
    state = processor.state()
    for name in state:
        rest = {key: array for key, array in state.items() if key != name}
        if rest:  # nothing at all means that nothing is remembered
            with pytest.raises(InputError):
                make().load_state(rest)
        with pytest.raises(InputError):
            make().load_state(state | {name: np.zeros((2, 2, 2, 7))})


def test_threads_and_providers_are_documented_and_come_last(make):
    from rtkit.core.parameters import parameters_of

    processor = make()
    assert isinstance(processor, OnnxFrameProcessor)
    parameters = parameters_of(type(processor))
    assert [parameter.name for parameter in parameters[-2:]] == ["threads", "providers"]
    assert all(parameter.doc for parameter in parameters)


def test_what_a_run_came_to(people):
    wall = np.stack([on_wall(cv2.imread(str(PORTRAITS / file))) for file in ENROLLED.values()])

    def summary(step, frames):
        processor = rtkit.create(step)
        rtkit.apply(processor, frames, fps=FPS)
        return processor.summary()

    bottles = np.stack(clip(BOTTLES, 3))
    seen = summary("cam:size=192", bottles)
    assert sum(seen["classes"].values()) == 3
    assert seen["top_class"] in seen["classes"]
    assert 0 < seen["mean_probability"] <= 1
    assert "warnings" not in seen
    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    assert summary("cluster", noise) | {"warnings": 0} == {"clusters": {}, "unknown_share": 1.0, "warnings": 0}
    assert "Every frame is unknown" in summary("cluster", noise)["warnings"][0]
    assert summary(f"faces:people={people},smooth=0", wall) == {"people": {"Grace": 1, "Eileen": 1}, "unknown": 0}
    assert "No face" in summary(f"faces:people={people}", noise)["warnings"][0]
    anomalous = summary("vae", noise[:, :28, :28, 0])
    assert anomalous["mean_anomaly"] == pytest.approx(1, abs=0.01)
    assert anomalous["warnings"]
    assert summary("colorize:size=64", bottles.mean(axis=3).astype(np.uint8)) == {"coloured": 3, "had_colours": 0}
    assert summary("colorize:size=64", bottles)["warnings"]
    labels = summary("onnx:model=efficientnet_lite0", bottles)
    assert sum([*labels.get("labels", {}).values(), labels.get("unlabelled", 0)]) == 3
