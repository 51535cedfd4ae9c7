"""The recipes of the colorizers: networks of the right size, examples, measures, bad archives; a training in small."""

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rtkit_colorize.demo import DATA

from export.data.pictures import read_animals
from export.data.textures import TINT, texture
from export.evaluation.colorize import ab_error, evaluate, grey_copy, grey_to_colour_table, psnr
from rtkit import InputError
from rtkit.video.size import to_grey
from rtkit.video.stills import read_picture, write_picture

pytest.importorskip("tensorflow", reason="needs TensorFlow, which the extra export brings")

from export.__main__ import main
from export.families import efficientnet_lite0
from export.recipes import colorize_chroma, colorize_designed

SHARED = Path(__file__).parents[3] / "shared" / "data" / "vision"
SHOPS = [read_picture(path) for path in sorted((DATA / "shops").glob("*.jpg"))]
PICTURES = hnp.arrays(np.uint8, (6, 8, 3))


def archive(folder):
    """The shipped fruits, small, as the archive that the recipes read; the training pictures are the test pictures."""
    with zipfile.ZipFile(folder / "fruits360_subset.zip", "w") as made:
        for path in sorted((DATA / "fruits").glob("*.jpg")):
            _, jpeg = cv2.imencode(".jpg", cv2.resize(read_picture(path), (40, 40), interpolation=cv2.INTER_AREA))
            for split in ("train", "test"):
                made.writestr(f"{split}/{path.stem.title()}/0.jpg", jpeg.tobytes())
    return folder


@pytest.mark.parametrize("side", [None, 100])
def test_the_designed_network_has_its_parameters(side):
    model = colorize_designed.build(side)
    assert model.count_params() == 452_803
    assert model(np.zeros((1, 100, 100, 1), np.float32)).shape == (1, 100, 100, 3)


@pytest.mark.long
def test_the_designed_network_learns(tmp_path):
    before = colorize_designed.make(archive(tmp_path), 1, 0, tmp_path / "work")
    after = colorize_designed.make(tmp_path, 12, 0, tmp_path / "work")
    first, last = ({row["split"]: row["value"] for row in made.metrics if row["metric"] == "PSNR"} for made in (before, after))
    assert last["Fruits-360, test: this network"] > first["Fruits-360, test: this network"] + 1
    assert last["Fruits-360, test: grey copy"] == first["Fruits-360, test: grey copy"]
    assert before.model.count_params() == before.parameters


def test_examples_are_the_same_for_the_same_seed_and_fit_the_pictures():
    fruits = np.stack([read_picture(path) for path in sorted((DATA / "fruits").glob("*.jpg"))])
    grey, chroma = colorize_chroma.draw(fruits, SHOPS, np.random.default_rng(1))
    again, _ = colorize_chroma.draw(fruits, SHOPS, np.random.default_rng(1))
    assert (grey == again).all()
    assert grey.shape == (colorize_chroma.EPOCH_PICTURES, 160, 160, 1)
    assert chroma.shape == (colorize_chroma.EPOCH_PICTURES, 40, 40, 2)
    assert 0 <= grey.min() < grey.max() <= 255
    assert np.abs(chroma).max() <= 1
    assert np.abs(chroma).mean() > 0.05


@given(st.integers(0, 2**32 - 1), st.sampled_from([32, 160]))
@settings(max_examples=25, deadline=None)
def test_textures_have_hardly_any_colour_and_are_the_same_for_the_same_seed(seed, side):
    made, again = (texture(side, np.random.default_rng(seed)) for _ in range(2))
    assert made.shape == (side, side, 3)
    assert (made == again).all()
    assert np.ptp(made.astype(int), axis=2).max() <= 6 * TINT


def test_animals_are_read_once_each_and_bad_tables_are_named(tmp_path):
    (tmp_path / "boxes.csv").write_text("file,name\nb.png,x\na.png,x\nb.png,y\n")
    for name in "ab":
        write_picture(str(tmp_path / f"{name}.png"), SHOPS[0])
    found, origin = read_animals(tmp_path)
    assert (len(found), origin.rows) == (2, 2)
    (tmp_path / "boxes.csv").write_text("name\nx\n")
    with pytest.raises(InputError, match=r"boxes\.csv: expected a table with the column file"):
        read_animals(tmp_path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data/vision is not there")
def test_the_body_is_the_network_of_its_file():
    import keras
    import onnxruntime

    graph, _ = efficientnet_lite0.read(SHARED)
    pixels = keras.Input((None, None, 3))
    model = keras.Model(pixels, efficientnet_lite0.body(graph, pixels, ["features"]))
    picture = np.random.default_rng(0).integers(0, 256, (2, 96, 128, 3), dtype=np.uint8)
    (expected,) = onnxruntime.InferenceSession(SHARED / "weights" / efficientnet_lite0.FILE).run(["features"], {"image": picture})
    found = np.asarray(model(picture.astype(np.float32)))
    assert np.abs(found.transpose(0, 3, 1, 2) - expected).max() <= 1e-4
    grey = keras.Input((None, None, 1))
    of_grey = keras.Model(grey, efficientnet_lite0.body(graph, grey, ["b4s"]))
    three = keras.Model(pixels, efficientnet_lite0.body(graph, pixels, ["b4s"]))
    one = picture[..., :1].astype(np.float32)
    assert np.abs(np.asarray(of_grey(one)) - np.asarray(three(np.repeat(one, 3, axis=-1)))).max() <= 1e-3
    assert colorize_chroma.build(graph).count_params() == colorize_chroma.PARAMETERS


@given(PICTURES, PICTURES)
@settings(max_examples=40, deadline=None)
def test_measures_are_distances(one, other):
    assert ab_error(one, one) == 0
    assert ab_error(one, other) == pytest.approx(ab_error(other, one))
    assert psnr(one, one) == pytest.approx(100)
    assert psnr(one, other) == pytest.approx(psnr(other, one))
    assert ab_error(to_grey(one)[..., None].repeat(3, axis=2), grey_copy(one)) <= 0.5


def test_a_table_gives_each_grey_the_mean_of_its_colours():
    blue, red = np.zeros((2, 4, 4, 3), np.uint8)
    blue[:] = (200, 0, 0)
    red[:] = (0, 0, 200)
    paint = grey_to_colour_table([blue, red])
    assert (paint(blue) == blue).all()
    assert (paint(red) == red).all()
    assert evaluate(paint, [blue, red], "")[0]["value"] == 0
    assert evaluate(grey_copy, [blue, red], "", on_white=True)[0]["value"] > 50


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "fruits360_subset.zip is not there"), (b"noise", "expected an archive of pictures"), ("empty", "no train/*/*.jpg in it")],
)
def test_data_that_cannot_be_read_are_refused_in_one_line(tmp_path, capsys, content, reason):
    path = tmp_path / "fruits360_subset.zip"
    if content == "empty":
        zipfile.ZipFile(path, "w").close()
    elif content is not None:
        path.write_bytes(content)
    assert main(["colorize_designed", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 3
    error = capsys.readouterr().err
    assert reason in error
    assert len(error.splitlines()) == 1


def test_a_picture_that_is_none_is_named(tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "fruits360_subset.zip", "w") as made:
        made.writestr("train/Apple/0.jpg", b"noise")
    assert main(["colorize_designed", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 3
    assert "train/Apple/0.jpg is no picture" in capsys.readouterr().err
