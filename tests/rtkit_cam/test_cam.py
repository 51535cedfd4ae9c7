"""The processor: maps, events, boxes, drawing, parameters; on the shipped clip and small networks."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rtkit_cam import maps, overlay
from rtkit_cam.regions import locate

import rtkit
from rtkit import InputError, UsageError
from rtkit.core.items import Frame, FrameSpec
from rtkit.testing import check_processor
from rtkit.video.smoothing import TemporalSmoother
from tests.rtkit_cam.heads import network
from tests.video.clips import CLIP

SHARED = Path(__file__).parents[3] / "shared" / "data" / "vision"


def clip(count=6):
    capture = cv2.VideoCapture(str(CLIP))
    return np.stack([capture.read()[1] for _ in range(count)])


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.onnx"
    path.write_bytes(network(side=(64, 64)))
    return path


def test_it_sees_the_bottles_of_the_clip():
    frames = clip()
    out, events = rtkit.apply("cam", frames, fps=30)
    assert out.shape == frames.shape
    assert [event.time for event in events] == pytest.approx(np.arange(6) / 30)
    for event in events:
        assert event.kind == "class"
        assert event.label == event.data["top"][0][0]
        assert "bottle" in {word for label, _ in event.data["top"] for word in label.split()}
        assert event.score == event.data["top"][0][1]
        (x, y), (left, top, wide, high) = event.data["peak"], event.data["box"]
        assert 0 <= left <= x < left + wide <= 640
        assert 0 <= top <= y < top + high <= 360
        json.dumps(event.data)
    assert np.abs(out.astype(int) - frames).mean() > 5


@pytest.mark.long
@pytest.mark.parametrize(
    "step",
    [
        "cam:size=96",
        "cam:size=96,mode=filters",
        "cam:size=96,mode=filters,layout=sum",
        "cam:size=96,mode=eigen",
        "cam:size=96,target=water bottle,box=true,smooth=0.5,frame_interval=3,colormap=viridis,emit_on=change",
    ],
)
def test_every_mode_obeys_the_laws(step):
    check_processor(step)


def test_threads_change_nothing(tmp_path):
    def run(threads):
        events = tmp_path / f"{threads}.jsonl"
        stream = rtkit.Stream(
            str(CLIP),
            ["cam:size=160,smooth=0.2,frame_interval=2"],
            to=[str(events), str(tmp_path / f"{threads}-%03d.png")],
            threads=threads,
            seconds=0.5,
        )
        stream.run()
        return events.read_text(), [path.read_bytes() for path in sorted(tmp_path.glob(f"{threads}-*.png"))]

    assert run(1) == run(3)


def test_a_class_is_looked_for_by_name_or_number(small, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("red fox\narctic fox\ncat\ndog\nowl\n")
    frames = clip(1)
    for target, label in (("2", "cat"), ("Owl", "owl"), ("arctic", "arctic fox")):
        _, events = rtkit.apply(f"cam:model={small},labels={names},target={target}", frames, fps=1)
        assert events[0].label == label
    assert rtkit.apply(f"cam:model={small}", frames, fps=1)[1][0].label in "01234"
    with pytest.raises(InputError, match="several classes: 0 red fox, 1 arctic fox"):
        rtkit.apply(f"cam:model={small},labels={names},target=fox", frames, fps=1)
    with pytest.raises(InputError, match="target=9: none of its 5 classes"):
        rtkit.apply(f"cam:model={small},labels={names},target=9", frames, fps=1)
    names.write_text("only one\n")
    with pytest.raises(InputError, match="1 labels; the network has 5 classes"):
        rtkit.apply(f"cam:model={small},labels={names}", frames, fps=1)
    with pytest.raises(UsageError, match=r"colormap=rainbows does not fit; expected one of .*jet"):
        rtkit.apply("cam:colormap=rainbows", frames, fps=1)


def test_a_network_without_a_head_and_noise_are_refused(cli, tmp_path):
    (tmp_path / "flat.onnx").write_bytes(network("hidden"))
    done = cli("run", CLIP, "cam:model=flat.onnx", "-q")
    assert done.returncode == 3
    assert "flat.onnx" in done.stderr
    assert "found Relu" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    assert cli("run", CLIP, "cam:model=noise.onnx", "-q").returncode == 3
    assert cli("run", "synth:noise", "cam", "-q").returncode == 3


def test_live_parameters_change_at_once_and_bad_ones_change_nothing():
    frame = clip(1)[0]
    processor = rtkit.create("cam", size=96)
    processor.open(FrameSpec(640, 360, 30))

    def out():
        return processor.process(Frame(frame.copy(), 0, 0.0)).image

    jet = out()
    processor.set(alpha=0.0, top=1)
    assert np.abs(out()[100:].astype(int) - frame[100:]).max() == 0
    processor.set(alpha=0.3, colormap="viridis")
    assert np.abs(out().astype(int) - jet).mean() > 3
    with pytest.raises(InputError, match="none of its 1000"):
        processor.set(target="no such thing")
    assert processor.target is None
    out()
    with pytest.raises(UsageError):
        processor.set(size=100)


def test_every_shows_the_last_map_on_the_present_frame():
    frames = clip(7)
    _, events = rtkit.apply("cam:size=96,frame_interval=3", frames, fps=30)
    assert [round(event.time * 30) for event in events] == [0, 3, 6]
    _, events = rtkit.apply("cam:size=96,emit_on=change", np.repeat(frames[:1], 5, axis=0), fps=30)
    assert len(events) == 1


def test_grey_frames_come_out_in_colour():
    grey = clip(2).mean(axis=3).astype(np.uint8)
    out, events = rtkit.apply("cam:size=96", grey, fps=30)
    assert out.shape == (2, 360, 640, 3)
    assert len(events) == 2


def test_smoothing_keeps_the_law_and_begins_anew_at_a_cut():
    random, smoother = np.random.default_rng(0), TemporalSmoother("logits", "features")
    weights, bias = random.normal(size=(4, 8)), random.normal(size=4)
    dark, light = np.zeros((48, 64, 3), np.uint8), np.full((48, 64, 3), 200, np.uint8)
    seen = []
    for index, image in enumerate([dark, dark, dark, light, light]):
        features = random.uniform(size=(8, 3, 4))
        logits = weights @ features.mean(axis=(1, 2)) + bias
        smooth = smoother({"logits": logits, "features": features}, image, index / 30, 0.1)
        np.testing.assert_allclose(maps.class_map(smooth["features"], weights[2]).mean() + bias[2], smooth["logits"][2])
        seen.append(np.array_equal(smooth["logits"], logits))
    assert seen == [True, False, False, True, False]


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 1000), st.integers(1, 700), st.integers(1, 500), st.floats(0.05, 0.95))
@settings(max_examples=100, deadline=None)
def test_peak_and_box_are_in_the_frame(rows, columns, seed, width, height, threshold):
    random = np.random.default_rng(seed)
    heat, extent = random.normal(size=(rows, columns)), random.normal(size=(2 * rows, 2 * columns))
    (x, y), (left, top, wide, high) = locate(heat, extent, width, height, threshold)
    assert 0 <= x < width
    assert 0 <= y < height
    assert 0 <= left <= left + wide <= width
    assert 0 <= top <= top + high <= height


def test_a_box_is_around_what_stands_out():
    heat = np.zeros((6, 8))
    heat[3, 5] = 1
    (x, y), (left, top, wide, high) = locate(heat, heat, 640, 480, 0.5)
    assert abs(x - 440) <= 10
    assert abs(y - 280) <= 10
    assert left > 370
    assert top > 210
    assert left + wide < 510
    assert top + high < 350
    assert locate(-np.ones((3, 3)), -np.ones((3, 3)), 64, 48, 0.5)[1] == [0, 0, 64, 48]


def test_filters_are_those_that_add_most_and_sum_up():
    random = np.random.default_rng(3)
    features, weights = random.uniform(size=(30, 4, 5)), random.normal(size=30)
    numbers, parts = maps.filter_maps(features, weights)
    shares = weights * features.mean(axis=(1, 2))
    assert list(numbers) == sorted(range(30), key=lambda number: -shares[number])[:9]
    np.testing.assert_allclose(parts.mean(axis=(1, 2)), shares[numbers])
    whole = maps.filter_maps(features, weights, 30)[1].sum(axis=0)
    np.testing.assert_allclose(whole, maps.class_map(features, weights))


def test_the_eigen_map_is_the_first_principal_component():
    features = np.random.default_rng(4).uniform(size=(40, 5, 6))
    places = features.reshape(40, -1)
    centred = places - places.mean(axis=1, keepdims=True)
    expected = np.linalg.svd(centred.T, full_matrices=False)[0][:, 0]
    found = maps.eigen_map(features).ravel()
    assert abs(found @ expected) == pytest.approx(1)
    assert found @ places.mean(axis=0) >= 0


def test_the_overlay_is_the_blend_that_it_says():
    image = np.full((40, 60, 3), 100, np.uint8)
    out = overlay.blend(image, np.full((3, 4), 255, np.uint8), overlay.colormap_number("jet"), 0.3)
    hottest = cv2.applyColorMap(np.full((1, 1), 255, np.uint8), cv2.COLORMAP_JET)[0, 0]
    np.testing.assert_allclose(out[20, 30], 0.3 * hottest + 70, atol=1)
    assert (image == 100).all()


def test_the_demo_leaves_a_video_and_a_sheet(tmp_path):
    from rtkit_cam.demo import run as demo

    lines = demo(str(tmp_path))
    assert "bottle" in lines[1]
    assert cv2.imread(str(tmp_path / "cam.png")).shape == (540, 1280, 3)
    assert cv2.VideoCapture(str(tmp_path / "cam.mp4")).read()[1].shape == (360, 640, 3)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the pictures in ../shared")
def test_it_points_at_what_it_names():
    """Pointing game and boxes over pictures with boxes: asserted with a margin of some four pictures of 87."""
    import csv

    boxes = {}
    with (SHARED / "boxes" / "boxes.csv").open() as file:
        for row in csv.DictReader(file):
            boxes.setdefault(row["file"], []).append([float(row[key]) for key in ("xmin", "ymin", "xmax", "ymax")])
    pointed = found = 0
    for name, truth in boxes.items():
        image = cv2.imread(str(SHARED / "boxes" / name))
        _, (event,) = rtkit.apply("cam", image[None], fps=1)
        (x, y), (left, top, wide, high) = event.data["peak"], event.data["box"]
        pointed += any(one[0] <= x < one[2] and one[1] <= y < one[3] for one in truth)
        best = 0.0
        for x0, y0, x1, y1 in truth:
            common = max(0, min(left + wide, x1) - max(left, x0)) * max(0, min(top + high, y1) - max(top, y0))
            best = max(best, common / (wide * high + (x1 - x0) * (y1 - y0) - common))
        found += best >= 0.5
    print(f"pointing {pointed / len(boxes):.3f}, box {found / len(boxes):.3f} of {len(boxes)}")
    assert pointed / len(boxes) > 0.90
    assert found / len(boxes) > 0.65
