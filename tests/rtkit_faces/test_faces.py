"""The processor: who is seen where, strangers, frames of all kinds, tracks, and folders of people that are damaged."""

import json
import re
import shutil

import numpy as np
import pytest
from rtkit_faces import enrolment, people
from rtkit_faces.collection import FaceCollector
from rtkit_faces.demo import run
from rtkit_faces.tracks import Tracks, overlap

import rtkit
from rtkit import InputError, UsageError
from rtkit.core.items import Frame, FrameSpec
from rtkit.testing import check_processor
from tests.rtkit_faces.pictures import COLLINS, HOPPER, STRANGE, album, on_wall


def enrolled(folder, **albums):
    for name, pictures in albums.items():
        collector = FaceCollector()
        for picture in pictures:
            collector.take(picture)
        enrolment.enrol(folder, name, collector.found.faces)
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return enrolled(tmp_path_factory.mktemp("people"), Grace=album(HOPPER), Eileen=album(COLLINS))


@pytest.fixture
def copy(two, tmp_path):
    return shutil.copytree(two, tmp_path / "copy")


@pytest.mark.long
def test_it_obeys_the_laws(two):
    check_processor(f"faces:people={two}")
    check_processor(f"faces:people={two},smooth=0,frame_interval=2,draw=false")


def test_names_boxes_and_strangers(two):
    shown = [album(path, 4, seed=9) for path in (HOPPER, COLLINS, STRANGE)]
    frames = np.stack([on_wall(*pictures) for pictures in zip(*shown, strict=True)])
    out, events = rtkit.apply(f"faces:people={two},smooth=0", frames, fps=1)
    assert len(events) == 12
    right = 0
    for event in events:
        x, y, wide, high = event.data["box"]
        assert 0 <= x < x + wide <= 640
        assert 0 <= y < y + high <= 360
        assert event.kind == "face"
        assert 0.5 <= event.score <= 1
        right += event.label == ("Grace", "Eileen", "unknown")[(x + wide // 2) // 213]
        json.dumps(event.data)
    assert right >= 11
    assert sum(event.label != "unknown" for event in events if event.data["box"][0] > 430) == 0
    changed = np.abs(out.astype(int) - frames).max(axis=(1, 2, 3))
    assert (changed > 50).all()


def test_without_drawing_the_frames_go_through_untouched(two):
    frames = np.stack([on_wall(album(HOPPER)[0])] * 2)
    out, events = rtkit.apply(f"faces:people={two},draw=false", frames, fps=10)
    np.testing.assert_array_equal(out, frames)
    assert len(events) == 2


def test_grey_frames_odd_sizes_and_faces_at_the_edge(two):
    grey = on_wall(album(HOPPER, seed=9)[1]).mean(axis=2).astype(np.uint8)[None]
    out, events = rtkit.apply(f"faces:people={two}", grey, fps=1)
    assert out.shape == (1, 360, 640, 3)
    assert [event.label for event in events] == ["Grace"]
    for shape in ((1, 1, 1, 3), (1, 7, 200, 3), (1, 333, 3, 3), (1, 2000, 30, 3)):
        _, events = rtkit.apply(f"faces:people={two}", np.zeros(shape, np.uint8), fps=1)
        assert events == []
    cut = album(COLLINS)[0][:, 70:]
    _, events = rtkit.apply(f"faces:people={two}", cut[None], fps=1)
    for event in events:
        x, y, wide, high = event.data["box"]
        assert min(x, y) >= 0
        assert x + wide <= cut.shape[1]
        assert y + high <= cut.shape[0]


def test_the_smallest_face_that_is_wanted(two):
    frame = on_wall(album(HOPPER)[0])[None]
    _, events = rtkit.apply(f"faces:people={two},smallest=40", frame, fps=1)
    wide = events[0].data["box"][2]
    assert rtkit.apply(f"faces:people={two},smallest={wide + 20}", frame, fps=1)[1] == []


def test_every_so_many_frames(two):
    frames = np.stack([on_wall(picture) for picture in album(HOPPER)[:5]])
    out, events = rtkit.apply(f"faces:people={two},frame_interval=2", frames, fps=10)
    assert sorted({event.time for event in events}) == [0.0, 0.2, 0.4]
    assert all((frame != before).any() for frame, before in zip(out, frames, strict=True))


def test_a_stricter_rate_of_false_accepts_accepts_no_more(two):
    frames = np.stack([on_wall(picture) for path in (HOPPER, COLLINS, STRANGE) for picture in album(path, 4, seed=5)])
    known = []
    for far in (0.5, 0.01, 1e-6):
        _, events = rtkit.apply(f"faces:people={two},smooth=0,far={far}", frames, fps=1)
        known.append(sum(event.label != "unknown" for event in events))
    assert known[0] >= known[1] >= known[2]
    assert known[0] > known[2]


def test_nobody_enrolled_leaves_all_unknown(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    frame = on_wall(album(HOPPER)[0], album(COLLINS)[0])[None]
    _, events = rtkit.apply("faces", frame, fps=1)
    assert [(event.label, event.score) for event in events] == [("unknown", 1.0)] * 2


def test_one_person_alone_is_verified(tmp_path):
    one = enrolled(tmp_path / "one", Grace=album(HOPPER))
    assert people.read(one).network == ""
    frames = np.stack([on_wall(*pair) for pair in zip(album(HOPPER, 4, seed=9), album(STRANGE, 4, seed=9), strict=True)])
    _, events = rtkit.apply(f"faces:people={one},smooth=0", frames, fps=1)
    labels = {side: [event.label for event in events if (event.data["box"][0] > 320) == side] for side in (False, True)}
    assert labels[False].count("Grace") >= 3
    assert labels[True] == ["unknown"] * 4


def test_votes_hold_a_name_through_a_bad_frame():
    tracks, box = Tracks(), (10, 10, 50, 60)
    good, bad = np.array([0.9, 0.1]), np.array([0.2, 0.8])
    for number in range(10):
        (votes,) = tracks([box], [good], number / 10, 0.5)
    (votes,) = tracks([(12, 11, 50, 60)], [bad], 1.0, 0.5)
    assert votes.argmax() == 0
    assert tracks([(300, 10, 50, 60)], [bad], 1.1, 0.5)[0].argmax() == 1
    assert tracks([box], [bad], 1.2, 0.0)[0].argmax() == 1
    tracks.clear()
    assert tracks([box], [bad], 1.3, 0.5)[0].argmax() == 1
    assert tracks([], [], 1.4, 0.5) == []
    assert overlap(box, box) == 1
    assert overlap(box, (60, 10, 5, 5)) == 0


def change(**arrays):
    def spoil(folder):
        with np.load(folder / "people.npz") as file:
            kept = dict(file)
        for name, value in arrays.items():
            if value is None:
                del kept[name]
            else:
                kept[name] = value(kept[name])
        np.savez(folder / "people.npz", **kept)

    return spoil


def network(folder):
    return next(folder.glob("network-*"))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "people.npz").unlink(), "people.npz: no such file; expected people, as `rtkit faces enrol"),
        (lambda folder: (folder / "people.npz").write_bytes(b"noise"), "people.npz: damaged"),
        (lambda folder: (folder / "people.npz").write_bytes(b""), "people.npz: damaged"),
        (lambda folder: (folder / "people.npz").write_bytes((folder / "people.npz").read_bytes()[:3000]), "people.npz: damaged"),
        (change(faces=None), "people.npz: has no faces"),
        (change(faces=lambda old: old[:, :20]), "people.npz: faces is uint8"),
        (change(faces=lambda old: old.astype(np.uint16)), "people.npz: faces is uint16"),
        (change(faces=lambda old: old[:-1]), "do not fit together"),
        (change(owners=lambda old: old * 0), "do not fit together"),
        (change(owners=lambda old: old + 1), "do not fit together"),
        (change(names=lambda old: old[:1]), "do not fit together"),
        (change(names=lambda old: old[[0, 0]]), "do not fit together"),
        (change(names=lambda old: np.array(["a\nb", "c"])), "do not fit together"),
        (change(names=lambda old: np.array([None, "c"], object)), "people.npz: damaged"),
        (change(strangers=lambda old: old * np.nan), "strangers is nan"),
        (change(strangers=lambda old: old * 0), "deviation above 0"),
        (change(network=lambda old: np.array("../elsewhere")), "expected a folder beside it"),
        (change(network=lambda old: np.array("")), "2 people and no network"),
        (change(sha256=lambda old: np.array("0" * 64)), "not the network of these people"),
        (lambda folder: shutil.rmtree(network(folder)), "no such model"),
        (lambda folder: (network(folder) / "model.onnx").write_bytes(b"noise"), "damaged, or not the file of its model card"),
        (lambda folder: (network(folder) / "model.json").unlink(), "not the network of these people"),
    ],
)
def test_damaged_people_are_refused_in_a_line(copy, spoil, says):
    spoil(copy)
    with pytest.raises(InputError, match=says) as caught:
        rtkit.apply(f"faces:people={copy}", np.zeros((1, 32, 32, 3), np.uint8), fps=1)
    assert str(copy) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_foreign_network_is_refused(copy):
    from rtkit.onnx.find import shipped

    folder = network(copy)
    for name in ("model.onnx", "model.json"):
        shutil.copy(shipped()["heartbeat"] / name, folder / name)
    with pytest.raises(InputError, match="expected a network of 2688 pixels and 2 people"):
        rtkit.apply(f"faces:people={copy}", np.zeros((1, 32, 32, 3), np.uint8), fps=1)


def test_what_may_change_while_running(two):
    processor = rtkit.create("faces", people=str(two))
    processor.open(FrameSpec(640, 360, 10))
    frame = on_wall(album(HOPPER)[0])
    processor.set(draw=False)
    np.testing.assert_array_equal(processor.process(Frame(frame.copy(), 0, 0.0)).image, frame)
    with pytest.raises(UsageError):
        processor.set(far=0.1)
    with pytest.raises(UsageError):
        rtkit.create("faces", far=0.0)


def test_the_demo_names_those_who_are_enrolled_and_not_the_stranger(tmp_path):
    lines = "\n".join(run(str(tmp_path / "demo")))
    for name in ("faces.mp4", "faces.png"):
        assert (tmp_path / "demo" / name).stat().st_size > 10_000
        assert name in lines
    right, seen = map(int, re.search(r"(\d+) of (\d+) named right", lines).groups())
    print(f"{right} of {seen}")
    assert seen > 150
    assert right >= 0.65 * seen
