"""The encoders of `cluster`: parameters, judging, and the whole way on a few pictures."""

import zipfile

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow, which the extra export brings")

from hypothesis import given, settings
from hypothesis import strategies as st

import rtkit
from export.evaluation.clusters import accuracy, mean_colour, raw_pixels
from export.families import bottleneck, efficientnet_lite0
from export.pipeline.release import release
from export.pipeline.training import ResultCache
from export.recipes import cluster_designed, cluster_designed_grey, cluster_fruits
from rtkit import InputError
from rtkit.models import load
from tests.rtkit_cluster.pictures import FRUITS, VISION, fruits

FEW = (("Banana", "Blueberry"), ("Lemon", "Orange"))


DESIGNED = [(cluster_designed, 3, 204_857), (cluster_designed_grey, 1, 199_959)]


@pytest.mark.parametrize(("recipe", "colours", "parameters"), DESIGNED)
def test_the_designed_network_has_two_values_between_and_gives_pictures_back(recipe, colours, parameters):
    model = recipe.build()
    assert model.count_params() == parameters
    assert model.get_layer("latent").output.shape == (None, 2)
    assert model.output.shape == (None, 100, 100, colours)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 4), min_size=5, max_size=60), st.permutations(range(5)), st.data())
def test_accuracy_does_not_depend_on_the_numbers_of_clusters(groups, numbers, data):
    kinds = [f"kind {group}" for group in groups]
    renamed = np.array([numbers[group] for group in groups])
    assert accuracy(renamed, kinds) == 1
    wrong = data.draw(st.integers(0, len(groups) - 1))
    renamed[wrong] = 5  # a cluster of its own
    assert accuracy(renamed, kinds) >= 1 - 1 / len(groups) - 1e-12
    assert accuracy(np.zeros(len(groups), int), kinds) == max(groups.count(group) for group in groups) / len(groups)


def test_grey_baselines_see_no_colour():
    one, other = np.zeros((2, 1, 100, 100, 3), np.uint8)
    one[..., 2], other[..., 1] = 114 * 2, 114 * 299 * 2 // 587  # red and green of the same grey
    for baseline in (raw_pixels, mean_colour):
        assert np.abs(baseline(one, True) - baseline(other, True)).max() < 1
        assert np.abs(baseline(one, False) - baseline(other, False)).max() > 100
    assert raw_pixels(one, False).shape == (1, 300)


@pytest.fixture
def few(tmp_path):
    """The shipped pictures as the data that the recipe takes."""
    with zipfile.ZipFile(tmp_path / "fruits360_subset.zip", "w") as archive:
        for path in FRUITS:
            for split in ("train", "test"):
                archive.write(path, f"{split}/{path.parent.name}/{path.name}")
    return tmp_path


@pytest.mark.parametrize(("recipe", "colours", "parameters"), DESIGNED)
def test_the_designed_model_is_trained_and_runs(few, monkeypatch, recipe, colours, parameters):
    monkeypatch.setattr(bottleneck, "SETS", FEW)
    monkeypatch.setattr(bottleneck, "SHIPPED_SET", FEW[1])
    trained = recipe.make(few, 1, 0, few / "work")
    kind = "colour" if colours == 3 else "grey"
    assert [row["split"] for row in trained.metrics] == [f"Fruits-360 test, {', '.join(kinds)}, {kind}" for kinds in FEW]
    release(trained, few / "model")
    recipe.complete(few, few / "model")
    ResultCache.clear(few / "work")
    card = load(str(few / "model")).card
    assert card.made_by["trained_on"] == ["Lemon", "Orange"]
    assert card.made_by["autoencoder_parameters"] == parameters
    assert all(proof.difference <= 1e-5 for proof in card.verification)
    frames = np.stack(fruits("Lemon"))
    _, events = rtkit.apply(f"cluster:model={few / 'model'}", frames, fps=1)
    assert all(len(event.data["latent"]) == 2 for event in events)


def test_data_that_are_not_there_are_told(tmp_path):
    for module in (cluster_fruits, cluster_designed, cluster_designed_grey):
        with pytest.raises(InputError, match=r"(efficientnet_lite0_cam\.onnx|fruits360_subset\.zip) is not there"):
            module.make(tmp_path, None, 0, tmp_path / "work")


@pytest.mark.skipif(not VISION.is_dir(), reason="needs the weights in ../shared")
def test_the_encoder_is_that_of_the_shipped_model():
    graph, origin = efficientnet_lite0.read(VISION)
    model = cluster_fruits.build(graph)
    shipped = load("cluster_fruits")
    assert shipped.card.parameters == model.count_params()
    assert origin.sha256 in {row["sha256"] for row in shipped.card.data}
    picture = np.random.default_rng(0).integers(0, 256, (1, 128, 128, 3)).astype(np.float32)
    (found,) = shipped.run({"picture": picture})
    expected = np.asarray(model(picture))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max() * 10)
