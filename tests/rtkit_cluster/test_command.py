"""`rtkit cluster fit`: clusters of a folder, as a user finds them."""

import shutil

import numpy as np
import pytest
from rtkit_cluster.demo import PICTURES

from rtkit.video.stills import read_picture
from tests.rtkit_cluster.pictures import FRUITS, averaging


@pytest.fixture
def folder(tmp_path):
    for kind in ("Banana", "Blueberry", "Orange"):
        shutil.copytree(PICTURES / kind, tmp_path / "fruits" / "deep" / kind)
    return tmp_path / "fruits"


def test_a_folder_becomes_a_model_that_runs(cli, folder, tmp_path):
    done = cli("cluster", "fit", folder, "--out", "model")
    assert done.returncode == 0, done.stderr
    assert "18 pictures; 3 clusters" in done.stdout
    assert done.stderr == ""
    assert set((tmp_path / "model" / "names.txt").read_text().split()) == {"Banana", "Blueberry", "Orange"}
    assert read_picture(tmp_path / "model" / "typical.jpg").shape[0] > 3 * 64
    assert (tmp_path / "model" / "choice.png").is_file()
    done = cli("run", folder / "deep" / "Banana", "cluster:model=model", "--events", "seen.csv", "--to", "%d.png", "-q")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "seen.csv").read_text().count("Banana") == 6


def test_the_same_folder_gives_the_same_model(cli, folder, tmp_path):
    for name in ("one", "two"):
        assert cli("cluster", "fit", folder, "--out", name, "--quiet").stdout == ""
    for file in ("model.onnx", "names.txt", "typical.jpg"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    one, two = (np.load(tmp_path / name / "clusters.npz") for name in ("one", "two"))
    for name in one.files:
        np.testing.assert_array_equal(one[name], two[name])


def test_a_model_can_be_written_into_the_folder_and_anew_over_itself(cli, folder, tmp_path):
    first = cli("cluster", "fit", "fruits", "--out", "fruits/model", "--k", "3")
    again = cli("cluster", "fit", "fruits", "--out", tmp_path / "fruits" / "model", "--k", "2", "--encoder", "fruits/model")
    assert (first.returncode, again.returncode) == (0, 0), again.stderr
    assert "18 pictures; 3 clusters" in first.stdout
    assert "18 pictures; 2 clusters" in again.stdout
    assert cli("run", FRUITS[0], "cluster:model=fruits/model", "-q").returncode == 0


def test_unreadable_pictures_are_named_and_left_out(cli, folder):
    (folder / "broken.jpg").write_bytes(b"noise")
    (folder / "empty.png").touch()
    (folder / "notes.txt").write_text("no picture")
    done = cli("cluster", "fit", folder, "--k", "3")
    assert done.returncode == 0
    assert [line.partition(": ")[0].rpartition("/")[2] for line in done.stderr.splitlines()] == ["broken.jpg", "empty.png"]
    assert "18 pictures, 2 unreadable; 3 clusters" in done.stdout


def test_an_encoder_of_ones_own_and_grey_pictures(cli, folder, tmp_path):
    (tmp_path / "own.onnx").write_bytes(averaging(2, channels=1))
    done = cli("cluster", "fit", folder, "--encoder", "own.onnx", "--grey", "--k", "2", "--out", "model")
    assert done.returncode == 0, done.stderr
    assert bool(np.load(tmp_path / "model" / "clusters.npz")["grey"])
    assert cli("run", FRUITS[0], "cluster:model=model", "-q").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nowhere"], 3, "nowhere: no such folder"),
        (["few"], 3, "few: 6 readable pictures; expected at least 10"),
        (["fruits", "--k", "19"], 3, "fruits: 18 readable pictures; expected at least 19"),
        (["fruits", "--k", "many"], 2, "--k many does not fit; expected auto or a number"),
        (["fruits", "--k", "0"], 2, "--k 0 does not fit"),
        (["fruits", "--encoder", "nothing"], 3, "'nothing': no such model"),
        (["fruits", "--encoder", "efficientnet_lite0"], 3, "expected an encoder"),
        (["fruits", "--out", "file"], 3, "file: no folder to write to"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(cli, folder, tmp_path, arguments, code, says):
    (tmp_path / "file").touch()
    shutil.copytree(PICTURES / "Pear", tmp_path / "few")
    done = cli("cluster", "fit", *arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
