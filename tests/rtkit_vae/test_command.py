"""`rtkit vae sample`, as a user calls it."""

import numpy as np
import pytest

from rtkit.video.stills import read_picture
from tests.rtkit_vae.clothes import FILES


def test_samples_are_the_same_for_the_same_seed(cli, tmp_path):
    for name, seed in (("one", 5), ("two", 5), ("other", 6)):
        done = cli("vae", "sample", "--model", "16d", "--count", "10", "--seed", seed, "--out", f"{name}.png")
        assert done.returncode == 0, done.stderr
        assert "10 pictures at random" in done.stdout
    one, two, other = (read_picture(tmp_path / f"{name}.png") for name in ("one", "two", "other"))
    assert one.shape == (3 * 56, 4 * 56, 3)
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    assert 20 < one[: 2 * 56].mean() < 150


def test_the_plane_is_drawn_in_a_grid(cli, tmp_path):
    done = cli("vae", "sample", "--model", "designed", "--grid", "6", "--out", "deep/plane.png", "-q")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert read_picture(tmp_path / "deep" / "plane.png").shape == (6 * 56, 6 * 56, 3)


def test_the_way_from_one_picture_to_another(cli, tmp_path):
    done = cli("vae", "sample", "--model", "16d", "--between", FILES[0], FILES[-1], "--out", "way.png")
    assert done.returncode == 0, done.stderr
    way = read_picture(tmp_path / "way.png")[..., 0][::2, ::2].astype(float)
    for file, made in ((FILES[0], way[:, :28]), (FILES[-1], way[:, -28:])):
        picture = read_picture(file)[..., 0]
        assert np.corrcoef(picture.ravel(), made.ravel())[0, 1] > 0.8


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--model", "16d", "--grid", "4"], 2, "--grid needs a model with two values; 16d has 16"),
        (["--grid", "4", "--count", "4"], 2, "--grid goes with neither"),
        (["--count", "0"], 2, "--count"),
        (["--model", "nowhere"], 3, "no such model"),
        (["--model", "efficientnet_lite0"], 3, "decoder.onnx"),
        (["--between", "nowhere.png", FILES[0]], 3, "nowhere.png: cannot be read"),
        (["--out", "file/samples.png"], 3, "file: no folder to write to"),
        (["--out", "samples.pong"], 3, "samples.pong: cannot be written as this type"),
    ],
)
def test_what_cannot_be_done_is_told(cli, tmp_path, arguments, code, says):
    (tmp_path / "file").touch()
    done = cli("vae", "sample", *arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert code == 2 or len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
