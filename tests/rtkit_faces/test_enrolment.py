"""`rtkit faces enrol`, `list` and `forget`, as a user does it, and what must not be lost when it goes wrong."""

import dataclasses
import itertools
import shutil
import subprocess
import sys

import numpy as np
import pytest
from rtkit_faces import collection, enrolment, people
from rtkit_faces.collection import FaceCollector, collect
from rtkit_faces.normalising import HIGH, WIDE

from rtkit import InputError
from rtkit.core.items import Frame, FrameSpec
from rtkit.core.source import Source
from rtkit.video.opencv import opencv
from rtkit.video.stills import write_picture
from tests.rtkit_faces.pictures import COLLINS, HOPPER, STRANGE, album, on_wall


def written(folder, pictures):
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        write_picture(str(folder / f"{number}.png"), picture)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    written(folder / "grace", album(HOPPER, 6))
    written(folder / "eileen", album(COLLINS, 6))
    return folder


def faces(path, count=6):
    collector = FaceCollector()
    for picture in album(path, count):
        collector.take(picture)
    return collector.found.faces


def test_people_are_enrolled_listed_recognised_and_forgotten(cli, pictures, tmp_path):
    place = ("--people", tmp_path / "people")
    done = cli("faces", "enrol", "Grace Hopper", pictures / "grace", *place)
    assert done.returncode == 0, done.stderr
    assert "6 pictures, 6 faces used" in done.stdout
    done = cli("faces", "enrol", "Ünal Ðéß 李", pictures / "eileen", *place)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "given to the right person" in done.stdout
    assert cli("faces", "list", *place).stdout.splitlines() == [f"{'Grace Hopper':24}    6 faces", f"{'Ünal Ðéß 李':24}    6 faces"]
    run = ("run", pictures / "eileen", "faces:people=people", "--events", "seen.jsonl", "--to", "%d.png", "-q")
    assert cli(*run).returncode == 0
    assert (tmp_path / "seen.jsonl").read_text(encoding="utf-8").count("Grace") == 0
    assert cli("faces", "forget", "Ünal Ðéß 李", *place).stdout.startswith("Ünal Ðéß 李 is forgotten")
    assert [path.name for path in (tmp_path / "people").iterdir()] == ["people.npz"]
    assert cli("faces", "forget", "Grace Hopper", *place).returncode == 0
    assert "nobody is enrolled" in cli("faces", "list", *place).stdout


def test_pictures_that_do_not_serve_are_counted_and_named(cli, tmp_path):
    folder, good = tmp_path / "mixed", album(HOPPER, 4)
    written(folder, good[:3])
    cv2 = opencv()
    write_picture(str(folder / "again.png"), good[0])
    write_picture(str(folder / "two.png"), on_wall(good[3], album(COLLINS)[0]))
    write_picture(str(folder / "blurred.png"), cv2.GaussianBlur(good[3], (0, 0), 7))
    write_picture(str(folder / "small.png"), cv2.resize(good[3], None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA))
    write_picture(str(folder / "wall.png"), on_wall())
    (folder / "broken.jpg").write_bytes(b"noise")
    (folder / "empty.png").touch()
    (folder / "notes.txt").write_text("no picture")
    done = cli("faces", "enrol", "Grace", folder, "--people", "people")
    assert done.returncode == 0, done.stderr
    assert "10 pictures, 3 faces used; refused: " in done.stdout
    for reason in ("2 unreadable", "1 the same again", "1 several faces", "1 blurred", "1 too small", "1 no face"):
        assert reason in done.stdout
    assert [line.partition(":")[0].rpartition("/")[2] for line in done.stderr.splitlines()[:2]] == ["broken.jpg", "empty.png"]
    assert "Grace has 3 faces; 5 or more" in done.stderr.splitlines()[2]


def test_a_face_that_fills_the_picture_is_taken_only_if_told(tmp_path):
    half = written(tmp_path / "halves", [picture[:, :110] for picture in album(HOPPER, 3)])
    found = collect(str(half), cropped=True)
    assert [face.shape for face in found.faces] == [(HIGH, WIDE)] * 3
    texture = written(tmp_path / "texture", [np.tile(picture[200:, :100], (2, 2, 1)) for picture in album(HOPPER, 3)])
    assert collect(str(texture)).faces == []
    assert len(collect(str(texture), cropped=True).faces) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["Grace", "nowhere"], 3, "nowhere: no such file"),
        (["Grace", "nothing"], 3, "nothing: no picture in this folder"),
        (["Grace", "walls"], 3, "walls: no face to enrol in 1 pictures; refused: 1 no face"),
        (["Grace", "notes.txt"], 2, "notes.txt: no source for files of type .txt"),
        (["Grace", "synth:noise"], 2, "synth:noise: gives 1 channel(s)"),
        (["Grace", "camera:77"], 4, "camera:77"),
        (["Grace", "camera:x"], 2, "camera:x"),
        (["unknown", "walls"], 3, "name 'unknown' does not fit"),
        (["", "walls"], 3, "name '' does not fit"),
        (["a\nb", "walls"], 3, "does not fit"),
        (["Grace", "walls", "--people", "notes.txt"], 3, "notes.txt"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(cli, tmp_path, arguments, code, says):
    (tmp_path / "nothing").mkdir()
    (tmp_path / "notes.txt").write_text("no picture")
    written(tmp_path / "walls", [on_wall()])
    done = cli("faces", "enrol", *arguments, *(() if "--people" in arguments else ("--people", "people")))
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "people").exists()


@pytest.mark.parametrize("name", ["a\x1b[31m", "x" * 61, "\u202egrace", "\x00", "  ", "Unknown", "a\tb"])
def test_names_that_are_not_a_printable_line_are_refused(name):
    with pytest.raises(InputError, match="does not fit"):
        people.check_name(name)


def test_names_with_slashes_stay_inside_the_folder(tmp_path):
    for name in ("../../outside", "/etc/x", "a/b"):
        enrolment.enrol(tmp_path / "people", name, faces(HOPPER, 4))
    assert people.read(tmp_path / "people").names == ("../../outside", "/etc/x", "a/b")
    assert {path.name for path in tmp_path.iterdir()} == {"people"}


@pytest.mark.parametrize("stage", ["train", "write_dense", "people.write"])
def test_an_enrolment_that_is_cut_off_leaves_the_former_people(tmp_path, monkeypatch, stage):
    folder = tmp_path / "people"
    enrolment.enrol(folder, "Grace", faces(HOPPER))
    enrolment.enrol(folder, "Eileen", faces(COLLINS))
    before = (folder / "people.npz").read_bytes()

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"rtkit_faces.{'' if '.' in stage else 'enrolment.'}{stage}", interrupted)
    with pytest.raises(KeyboardInterrupt):
        enrolment.enrol(folder, "Third", faces(STRANGE))
    monkeypatch.undo()
    assert (folder / "people.npz").read_bytes() == before
    assert people.read(folder).names == ("Grace", "Eileen")
    assert (folder / people.read(folder).network / "model.onnx").is_file()
    assert not list(folder.glob("new-*"))
    enrolment.forget(folder, "Grace")
    assert [path.name for path in folder.iterdir()] == ["people.npz"]


def test_two_enrolments_at_once_do_not_lose_one_another(tmp_path):
    folder = tmp_path / "people"
    enrolment.enrol(folder, "Grace", faces(HOPPER))

    def make(scratch):
        enrolment.enrol(folder, "Eileen", faces(COLLINS))  # the other one, in the meantime
        return people.nobody()

    with pytest.raises(InputError, match=r"changed by another"):
        people.store(folder, make)
    assert people.read(folder).names == ("Grace", "Eileen")


def test_the_same_faces_give_the_same_people(tmp_path):
    for name in ("one", "two"):
        enrolment.enrol(tmp_path / name, "Grace", faces(HOPPER))
        enrolment.enrol(tmp_path / name, "Eileen", faces(COLLINS))
    one, two = (people.read(tmp_path / name) for name in ("one", "two"))
    assert one.sha256 == two.sha256
    assert one.impostors == two.impostors


def test_more_faces_are_added_and_the_oldest_are_not_all_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(enrolment, "MAX_FACES", 5)
    enrolment.enrol(tmp_path, "Grace", faces(HOPPER, 4))
    made = enrolment.enrol(tmp_path, "Grace", faces(HOPPER, 8))
    assert made.added == 4
    assert len(made.people.of("Grace")) == 5
    assert any((made.people.of("Grace") == faces(HOPPER, 1)[0]).all(axis=(1, 2)))


def test_a_video_is_looked_at_several_times_a_second(cli, pictures, tmp_path):
    done = cli("run", pictures / "grace", "--fps", "4", "--to", "clip.mp4", "-q")
    assert done.returncode == 0, done.stderr
    found = collect(str(tmp_path / "clip.mp4"))
    assert found.seen == 6
    assert len(found.faces) >= 4


class Camera(Source):
    """A live source that shows pictures, ten a second, for ever."""

    live = True

    def __init__(self, pictures):
        self.name, self.pictures, self.ended = "camera:0", pictures, []

    def open(self, dtype=np.float32):
        return FrameSpec(640, 360, 10)

    def __iter__(self):
        for number in itertools.count():
            yield Frame(on_wall(self.pictures[number % len(self.pictures)]), number, number / 10)

    def stop(self):
        self.ended.append("stop")

    def close(self):
        self.ended.append("close")


def test_a_camera_is_looked_at_until_there_are_enough_faces_or_for_some_time(monkeypatch):
    camera = Camera(album(HOPPER))
    monkeypatch.setattr(collection, "make_source", lambda name, options: camera)
    monkeypatch.setattr(collection, "WANTED_FACES", 3)
    found = collect("camera:0")
    assert (len(found.faces), found.seen) == (3, 3)
    assert camera.ended == ["stop", "close"]
    camera.pictures = album(HOPPER)[:1]
    monkeypatch.setattr(collection, "CAMERA_TIMEOUT_S", 2.0)
    found = collect("camera:0")
    assert len(found.faces) == 1
    assert found.refused["the same again"] == found.seen - 1 == 6


def test_a_huge_picture_is_made_smaller(monkeypatch):
    monkeypatch.setattr(collection, "MAX_SIDE_PX", 300)
    collector = FaceCollector()
    assert collector.take(on_wall(album(HOPPER)[0], width=480, height=300))


def test_who_is_forgotten_is_gone_from_exported_people_too(tmp_path):
    enrolment.enrol(tmp_path, "Grace", faces(HOPPER))
    made = enrolment.enrol(tmp_path, "Eileen", faces(COLLINS)).people
    for path in (tmp_path / made.network).iterdir():
        shutil.copy(path, tmp_path)
    people.write(dataclasses.replace(made, network="."), tmp_path)
    (tmp_path / "new-left").mkdir()
    enrolment.forget(tmp_path, "Eileen")
    assert [path.name for path in tmp_path.iterdir()] == ["people.npz"]


def test_enrolling_needs_no_tensorflow(tmp_path):
    code = """
import sys
from rtkit_faces import enrolment
import numpy as np
random = np.random.default_rng(0)
for name in "ab":
    enrolment.enrol(__import__("pathlib").Path(sys.argv[1]), name, list(random.integers(0, 256, (5, 56, 48), dtype=np.uint8)))
print(sorted(name for name in ("tensorflow", "keras", "tf2onnx") if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "people")], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr


def test_faces_without_contrast_do_no_harm(tmp_path):
    flat = [np.full((HIGH, WIDE), value, np.uint8) for value in (0, 90, 255)]
    enrolment.enrol(tmp_path, "flat", flat)
    made = enrolment.enrol(tmp_path, "Grace", faces(HOPPER, 3)).people
    assert np.isfinite(made.impostors).all()
    shutil.rmtree(tmp_path)
