"""The variational autoencoders: layers, parameters, the bound in Keras, the data, and the whole way on a few pictures."""

import gzip

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow, which the extra export brings")

import keras
from rtkit_vae import elbo
from sklearn.metrics import roc_auc_score

import rtkit
from export.data import fashion_mnist
from export.data.fashion_mnist import Clothes, FashionMnist
from export.data.origin import Origin
from export.evaluation import impostors
from export.families import vae
from export.pipeline.release import release
from export.pipeline.training import TrainingPlan, losses_of
from export.recipes import vae_2d, vae_16d, vae_designed
from rtkit import InputError
from rtkit.models import load
from rtkit.onnx.card import read_card
from tests.rtkit_vae.clothes import CLASSES, CLOTHES, VISION, idx, write_data

MODULES = (vae_designed, vae_2d, vae_16d)


@pytest.mark.parametrize(("module", "size"), [(vae_designed, 2), (vae_2d, 2), (vae_16d, 16)])
def test_networks_have_the_latents_and_parameters_that_they_must_have(module, size):
    networks = module.networks()
    assert networks.encoder.count_params() + networks.decoder.count_params() == module.RECIPE.parameters
    assert [output.shape for output in networks.encoder.outputs] == [(None, size), (None, size)]
    assert networks.decoder.input_shape == (None, size)
    assert networks.decoder.output_shape == (None, 28, 28, 1)
    assert module.build().output_names == ["mean", "log_variance"]


def test_the_designed_network_is_as_designed():
    networks = vae_designed.networks()
    assert (networks.encoder.count_params(), networks.decoder.count_params()) == (69_076, 65_089)

    def layers(model):
        return [
            (type(layer).__name__, getattr(layer, "filters", getattr(layer, "units", None)), getattr(layer, "strides", None))
            for layer in model.layers
            if layer.weights
        ]

    assert layers(networks.encoder) == [
        ("Conv2D", 32, (2, 2)),
        ("Conv2D", 64, (2, 2)),
        ("Dense", 16, None),
        ("Dense", 2, None),
        ("Dense", 2, None),
    ]
    assert layers(networks.decoder) == [
        ("Dense", 7 * 7 * 64, None),
        ("Conv2DTranspose", 64, (2, 2)),
        ("Conv2DTranspose", 32, (2, 2)),
        ("Conv2DTranspose", 1, (1, 1)),
    ]


def test_the_loss_is_the_bound():
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    picture, logits = random.random((5, 28, 28, 1), np.float32), random.normal(0, 20, (5, 28, 28, 1)).astype(np.float32)
    mean, log_variance = random.standard_normal((2, 5, 3)).astype(np.float32)
    parts = np.asarray(vae.NegativeElbo()([picture, mean, log_variance, logits]))
    np.testing.assert_allclose(parts[:, 0], elbo.cross_entropy(picture, logits), rtol=1e-5)
    np.testing.assert_allclose(parts[:, 1], elbo.kl_divergence(mean, log_variance), rtol=1e-5)
    np.testing.assert_allclose(np.asarray(vae.sum_of_parts(None, parts)), parts.sum(axis=1))
    many = np.asarray(vae.Sampling()([np.full((4000, 2), 3.0), np.full((4000, 2), np.log(0.25))]))
    np.testing.assert_allclose(many.mean(axis=0), 3, atol=0.05)
    np.testing.assert_allclose(many.std(axis=0), 0.5, atol=0.03)


@pytest.fixture
def few(tmp_path, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "HELD_OUT", 60)
    return write_data(tmp_path)


def test_data_are_split_in_order(few):
    read = FashionMnist.read(few)
    assert (len(read.train), len(read.held_out), len(read.test)) == (180, 60, 120)
    assert read.train.pictures.shape[1:] == (28, 28, 1)
    counts = np.bincount(np.concatenate([read.train.classes, read.held_out.classes]))
    assert counts.tolist() == [24] * 10
    assert read.origin.licence.startswith("MIT")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("train-images-idx3-ubyte.gz", b"noise", "expected a gzip file"),
        ("train-images-idx3-ubyte.gz", idx(CLOTHES)[:500], "expected a gzip file"),
        ("train-images-idx3-ubyte.gz", gzip.compress(gzip.decompress(idx(CLOTHES))[:-1], mtime=0), "or cut off"),
        ("train-images-idx3-ubyte.gz", gzip.compress(b"\0\0\x08\x03", mtime=0), "or cut off"),
        ("train-images-idx3-ubyte.gz", idx(CLOTHES[:, :27]), "expected 28 x 28"),
        ("train-images-idx3-ubyte.gz", idx(CLOTHES), "expected a class"),
        ("train-labels-idx1-ubyte.gz", idx(CLOTHES), "not bytes of 1 axes"),
        ("t10k-labels-idx1-ubyte.gz", idx(np.concatenate([CLASSES, CLASSES]) + 1), "expected a class of 0 to 9"),
    ],
)
def test_damaged_data_are_refused_in_a_line(few, name, content, says):
    (few / name).write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        FashionMnist.read(few)
    assert "ubyte.gz" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_data_that_are_not_there_or_too_few_are_told(tmp_path, monkeypatch):
    for module in MODULES:
        with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz is not there"):
            module.make(tmp_path, None, 0, tmp_path / "work")
    with pytest.raises(InputError, match="240 pictures; expected more than 5000"):
        FashionMnist.read(write_data(tmp_path))


def test_a_model_is_trained_written_and_runs(few, monkeypatch):
    monkeypatch.setattr(vae, "impostor_auroc", lambda *arguments: [])
    trained = vae_16d.make(few, 2, 0, few / "work")
    release(trained, few / "model")
    vae_16d.complete(few, few / "model")
    card = load(few / "model").card
    assert set(card.files) == {"model.onnx", "decoder.onnx"}
    assert card.parameters == vae_16d.RECIPE.parameters
    assert any(proof.case.startswith("decoder.onnx") for proof in card.verification)
    assert all(proof.difference <= 1e-5 for proof in card.verification)
    assert len(card.made_by["losses"]) == 2
    assert {path.name for path in (few / "model").iterdir()} == {
        "model.json", "model.onnx", "decoder.onnx", "known.npz", "latents.png", "training.png"}  # fmt: skip
    _, events = rtkit.apply(f"vae:model={few / 'model'}", CLOTHES, fps=1)
    assert np.mean([-event.data["elbo"] for event in events]) < 550


def test_two_halves_learn_and_go_on_where_they_were(tmp_path):
    """A little of a training: it gets better than the start, and a second call takes up the checkpoint of the first."""
    pictures = Clothes(CLOTHES[..., None], CLASSES)
    data = FashionMnist(pictures, pictures, pictures, Origin("clothes", "", "MIT", "0" * 64, 60))
    how = vae.Hyperparameters(epochs=3, batch=20, learning_rate=1e-3)
    results = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        networks = vae.train(vae_designed.networks(), data, TrainingPlan("few", 3, 20, 0), how, tmp_path / "work")
        results.append(networks.decoder.predict(np.zeros((1, 2)), verbose=0))
    np.testing.assert_array_equal(*results)
    found = losses_of(tmp_path / "work")
    assert len(found) == 3
    assert found[-1][1] < found[0][0]


def test_impostors_are_of_many_kinds_and_whole(few, monkeypatch):
    monkeypatch.setattr(impostors, "NOISE_PICTURES", 5)
    kinds = dict(impostors.impostors(few, FashionMnist.read(few).test))
    assert len(kinds) == 8
    for title, images in kinds.items():
        assert len(images) >= 3, title
        assert all(image.dtype == np.uint8 and image.min() < image.max() for image in images), title
    rows = impostors.impostor_auroc(impostors.Autoencoder("2d"), few, FashionMnist.read(few).test)
    assert len(rows) == 16
    noise = [row for row in rows if "noise" in row["split"]]
    assert all(row["value"] == 1 for row in noise)


@pytest.mark.skipif(not VISION.is_dir(), reason="needs Fashion-MNIST in ../shared")
@pytest.mark.parametrize("name", ["vae_2d", "vae_16d", "vae_designed"])
def test_the_areas_on_the_card_are_those_of_the_shipped_network(name):
    from rtkit.onnx.find import shipped

    card = read_card(shipped()[name] / "model.json")
    network, data = impostors.Autoencoder(name), FashionMnist.read(VISION)
    some = Clothes(data.test.pictures[:400], data.test.classes[:400])
    (known, _), (strange, _) = (impostors.anomaly_scores(network, pictures[..., 0]) for pictures in (some.pictures, some.pictures[:, ::-1]))
    area = roc_auc_score(np.repeat([0, 1], 400), np.concatenate([known, strange]))
    (row,) = [row for row in card.metrics if row["metric"] == "AUROC of -ELBO" and "upside down" in row["split"]]
    assert area == pytest.approx(row["value"], abs=0.06)
