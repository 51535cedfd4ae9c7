"""The processor: shipped networks and clothes, strange pictures, frames of all kinds, drawing, bad folders; the figures on all pictures."""

import json
import re
import shutil

import numpy as np
import pytest
from rtkit_vae import reference
from rtkit_vae.demo import run
from rtkit_vae.network import PAIRS, Autoencoder

import rtkit
from export.data.fashion_mnist import FashionMnist
from rtkit import InputError, UsageError
from rtkit.core.items import Frame, FrameSpec
from rtkit.onnx.find import shipped
from rtkit.testing import check_processor
from tests import graphs
from tests.rtkit_vae.clothes import CLOTHES, VISION

MODELS = {"2d": 2, "16d": 16, "designed": 2}


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(shipped()["vae_designed"], tmp_path / "copy")


def seen(frames, **parameters):
    """Events of single pictures."""
    return rtkit.apply(rtkit.create("vae", **parameters), frames, fps=10)[1]


@pytest.mark.parametrize("model", MODELS)
def test_it_obeys_the_laws(model):
    check_processor(f"vae:model={model}")


@pytest.mark.parametrize("model", MODELS)
def test_clothes_have_a_place_a_bound_and_a_rank(model):
    events = seen(CLOTHES, model=model)
    assert [event.kind for event in events] == ["latent"] * 60
    assert [event.time for event in events] == pytest.approx(np.arange(60) / 10)
    for event in events:
        assert event.label is None
        assert 0 <= event.score <= 1
        assert len(event.data["z"]) == MODELS[model]
        assert 0 < event.data["excess"] < -event.data["elbo"]
        json.dumps(event.data)
    costs = [-event.data["elbo"] for event in events]
    print(f"{model}: {np.mean(costs):.1f} nats, median rank {np.median([event.score for event in events]):.2f}")
    assert 200 < np.mean(costs) < 300
    assert 0.25 < np.median([event.score for event in events]) < 0.75
    order = np.argsort(costs)
    assert (np.diff(np.array([event.score for event in events])[order]) >= -1e-6).all()


@pytest.mark.parametrize("model", MODELS)
def test_strange_things_are_stranger_than_clothes(model):
    noise = np.random.default_rng(0).integers(0, 256, (8, 28, 28), np.uint8)
    for measure in ("elbo", "excess"):
        assert min(event.score for event in seen(noise, model=model, anomaly=measure)) > 0.99
    clothes, turned = (np.mean([event.score for event in seen(frames, model=model)]) for frames in (CLOTHES, CLOTHES[:, ::-1]))
    print(f"{model}: {clothes:.2f}, upside down {turned:.2f}")
    assert turned > clothes + 0.1


def test_other_models_of_the_same_pictures_agree_on_what_is_strange():
    ranks = [[event.data["elbo"] for event in seen(CLOTHES, model=model)] for model in MODELS]
    for one in ranks[1:]:
        assert np.corrcoef(ranks[0], one)[0, 1] > 0.9


def test_dark_on_light_is_seen_as_light_on_dark():
    usual, turned, said = (seen(frames, background=background) for frames, background in (
        (CLOTHES, "auto"), (255 - CLOTHES, "auto"), (255 - CLOTHES, "white")))  # fmt: skip
    for one, other, third in zip(usual, turned, said, strict=True):
        np.testing.assert_allclose(one.data["elbo"], other.data["elbo"], atol=0.01)
        np.testing.assert_allclose(one.data["elbo"], third.data["elbo"], atol=0.01)
    as_it_is = seen(255 - CLOTHES, background="black")
    assert np.mean([event.data["elbo"] for event in as_it_is]) < np.mean([event.data["elbo"] for event in usual]) - 100


def test_only_the_square_in_the_middle_counts():
    frames = np.random.default_rng(0).integers(0, 256, (60, 28, 60), np.uint8)
    frames[:, :, 16:44] = CLOTHES
    for wide, square in zip(seen(frames), seen(CLOTHES), strict=True):
        assert wide.data == square.data


@pytest.mark.parametrize("shape", [(1, 1), (1, 90, 3), (13, 7), (28, 28), (31, 29, 3), (480, 640), (720, 1280, 3)])
def test_frames_of_any_size_come_out_in_colour(shape):
    frames = np.random.default_rng(0).integers(0, 256, (2, *shape), np.uint8)
    out, events = rtkit.apply("vae", frames, fps=1)
    assert out.shape == (2, *shape[:2], 3)
    assert all(np.isfinite([*event.data["z"], event.data["elbo"], event.score]).all() for event in events)


@pytest.mark.parametrize("model", MODELS)
def test_frames_show_picture_reconstruction_and_map(model):
    frame = np.repeat(np.repeat(CLOTHES[0], 16, axis=0), 16, axis=1)
    out, _ = rtkit.apply(f"vae:model={model}", frame[None], fps=1)
    side = 112
    picture, made = (out[0, -side:, left : left + side][::4, ::4, 0].astype(float) for left in (0, side))
    assert np.abs(picture - CLOTHES[0]).mean() < 1
    assert np.corrcoef(picture.ravel(), made.ravel())[0, 1] > 0.8
    corner = out[0, -side:, -side:]
    has_colours = bool((corner.max(axis=2) != corner.min(axis=2)).any())
    assert has_colours == (MODELS[model] == 2)


def test_what_it_is_measured_by_may_change_while_it_runs():
    processor = rtkit.create("vae")
    processor.open(FrameSpec(28, 28, 1))
    scores = []
    black = np.zeros((28, 28), np.uint8)
    for measure in ("elbo", "excess"):
        processor.set(anomaly=measure)
        processor.process(Frame(black, 0, 0.0))
        scores.append(processor.events.pop().score)
    assert scores[0] == 0  # a plain picture costs little
    assert scores[1] > 0
    with pytest.raises(UsageError):
        processor.set(model="16d")
    with pytest.raises(UsageError):
        rtkit.create("vae", background="grey")


def change(**arrays):
    def spoil(folder):
        with np.load(folder / "known.npz") as file:
            kept = dict(file)
        for name, value in arrays.items():
            if value is None:
                del kept[name]
            else:
                kept[name] = value(kept[name])
        np.savez(folder / "known.npz", **kept)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "known.npz").unlink(), "known.npz: no such file"),
        (lambda folder: (folder / "known.npz").write_bytes(b"noise"), "known.npz: damaged"),
        (lambda folder: (folder / "known.npz").write_bytes((folder / "known.npz").read_bytes()[:900]), "known.npz: damaged"),
        (lambda folder: (folder / "known.npz").write_bytes(b""), "known.npz: damaged"),
        (change(negative_elbo=None), "known.npz: negative_elbo is"),
        (change(excess=lambda old: old[::-1]), "known.npz: excess is"),
        (change(excess=lambda old: old * np.nan), "known.npz: excess is"),
        (change(excess=lambda old: old[:1]), "known.npz: excess is"),
        (change(negative_elbo=lambda old: np.array(["x"] * len(old))), "known.npz: negative_elbo is"),
        (change(map=lambda old: old[..., 0]), "known.npz: map is"),
        (change(map=lambda old: old[:0]), "known.npz: map is"),
        (change(map=lambda old: np.array([None], object)), "known.npz: damaged"),
        (change(network=lambda old: np.array("another")), "known.npz: made for another network"),
        (lambda folder: (folder / "decoder.onnx").unlink(), "decoder.onnx"),
        (lambda folder: (folder / "decoder.onnx").write_bytes(b""), "decoder.onnx: damaged"),
        (lambda folder: (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-1]), "model.onnx: damaged"),
        (lambda folder: (folder / "model.json").write_bytes(b"{}"), "model.json: not a model card"),
    ],
)
def test_bad_folders_are_refused_in_a_line(copy, spoil, says):
    spoil(copy)
    with pytest.raises(InputError, match=re.escape(says)) as caught:
        seen(CLOTHES[:1], model=str(copy))
    assert str(copy) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_known_of_one_network_does_not_serve_another(copy):
    for name in ("known.npz",):
        shutil.copy(shipped()["vae_2d"] / name, copy / name)
    with pytest.raises(InputError, match="made for another network"):
        seen(CLOTHES[:1], model=str(copy))


def test_a_map_of_other_than_two_values_is_refused(tmp_path):
    folder = shutil.copytree(shipped()["vae_16d"], tmp_path / "copy")
    change(excess=lambda old: old)(folder)
    with np.load(folder / "known.npz") as file:
        kept = dict(file)
    np.savez(folder / "known.npz", map=np.zeros((9, 9, 3), np.uint8), **kept)
    with pytest.raises(InputError, match="has a map, but the latent has 16 values"):
        seen(CLOTHES[:1], model=str(folder))


def test_models_that_are_no_autoencoders_are_refused(tmp_path):
    for name, says in (("efficientnet_lite0", "decoder.onnx"), ("nowhere", "no such model")):
        with pytest.raises(InputError, match=says):
            seen(CLOTHES[:1], model=name)
    for swapped, says in (("decoder.onnx", "expected a decoder"), ("model.onnx", "expected an encoder")):
        folder = tmp_path / swapped
        folder.mkdir()
        for name in ("model.onnx", "decoder.onnx"):
            if name == swapped:
                graphs.double(folder / name)
            else:
                shutil.copy(shipped()["vae_2d"] / name, folder / name)
        with pytest.raises(InputError, match=says):
            seen(CLOTHES[:1], model=str(folder))


def test_an_encoder_and_a_decoder_of_other_sizes_are_refused(tmp_path):
    for source, name in (("vae_2d", "model.onnx"), ("vae_16d", "decoder.onnx")):
        shutil.copy(shipped()[source] / name, tmp_path / name)
    with pytest.raises(InputError, match=r"mean and log_variance \[n, 16\]"):
        seen(CLOTHES[:1], model=str(tmp_path))


def test_what_was_written_is_read_again(copy):
    network = Autoencoder(str(copy))
    costs = np.random.default_rng(0).normal(250, 30, 100)
    plane = np.random.default_rng(1).integers(0, 256, (20, 20, 3), np.uint8)
    reference.write(copy, network, costs, costs / 5, plane)
    read = reference.read(network)
    np.testing.assert_allclose(read.negative_elbo.costs, np.sort(costs), rtol=1e-6)
    np.testing.assert_allclose(read.excess.costs, np.sort(costs) / 5, rtol=1e-6)
    np.testing.assert_array_equal(read.map, plane)


@pytest.mark.parametrize("model", MODELS)
def test_the_fixed_points_give_the_bound_that_random_ones_give(model):
    network = Autoencoder(model)
    pictures = (CLOTHES / np.float32(255))[..., None]
    drawn = np.random.default_rng(0).standard_normal((60, 100, MODELS[model])).astype(np.float32)
    fixed, random = network(pictures), network(pictures, drawn)
    assert network._points.shape == (2 * PAIRS, MODELS[model])
    np.testing.assert_array_equal(fixed.divergence, random.divergence)
    assert fixed.negative_elbo.mean() == pytest.approx(random.negative_elbo.mean(), abs=1)
    assert (fixed.excess > 0).all()
    assert fixed.made.min() >= 0
    assert fixed.made.max() <= 1


def test_the_demo_leaves_what_it_says(tmp_path):
    lines = "\n".join(run(str(tmp_path / "demo")))
    for name in ("manifold.png", "samples.png", "between.png", "looked-at-2d.png", "looked-at-16d.png", "made-2d.png", "made-16d.png"):
        assert (tmp_path / "demo" / name).stat().st_size > 1000
    for said in ("upside down", "letters", "noise", "looked-at-2d.png", "manifold.png"):
        assert said in lines


@pytest.mark.skipif(not VISION.is_dir(), reason="needs Fashion-MNIST in ../shared")
@pytest.mark.parametrize(("model", "most"), [("designed", 264), ("2d", 259), ("16d", 242)])
def test_the_bound_on_the_test_pictures_is_that_of_the_card(model, most):
    fashion = FashionMnist.read(VISION)
    network = Autoencoder(model)
    pictures = fashion.test.pictures * np.float32(1 / 255)
    random = np.random.default_rng(3)
    one = [
        network(some, random.standard_normal((len(some), 1, MODELS[model])).astype(np.float32)).negative_elbo
        for some in np.split(pictures, 20)
    ]
    by_processor = network(pictures[:500]).negative_elbo
    print(f"{model}: {np.mean(one):.2f} nats with one sample a picture")
    assert np.mean(one) <= most
    rows = [row for row in network._model.card.metrics if row["metric"] == "-ELBO" and row["split"].startswith("test, one")]
    assert rows[0]["value"] == pytest.approx(np.mean(one), abs=0.5)
    assert np.mean(by_processor) == pytest.approx(np.mean(one[0]), abs=1)
