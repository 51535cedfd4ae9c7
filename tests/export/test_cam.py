"""Backbones of class activation maps: written with a card, runnable, or refused in one line."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow, which the extra export brings")

import keras

import rtkit
from export.__main__ import main
from export.recipes import cam
from rtkit.models import load
from tests.rtkit_cam.heads import network


def test_an_onnx_file_is_cut_once_and_runs(tmp_path):
    (tmp_path / "own.onnx").write_bytes(network("add", "last"))
    out = tmp_path / "cut"
    assert main(["cam", "--backbone", "own", "--weights", str(tmp_path / "own.onnx"), "--out", str(out)]) == 0
    card = load(str(out)).card
    assert [tensor.name for tensor in card.files["model.onnx"].outputs] == ["logits", "features", "cam_weights", "cam_bias"]
    assert all(proof.difference <= 1e-4 for proof in card.verification)
    assert len(card.verification) == len(cam.SIZES_PX)
    assert card.made_by["weights"] == "own.onnx"
    frames = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), dtype=np.uint8)
    _, events = rtkit.apply(f"cam:model={out},size=64", frames, fps=1)
    assert [event.label in "01234" for event in events] == [True, True]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["--backbone", "efficientnet_lite0"], 2, "give --weights FILE.onnx"),
        (["--backbone", "resnet50", "--weights", "nowhere.h5"], 3, "nowhere.h5: no such file"),
        (["--weights", "nowhere.onnx"], 3, "nowhere.onnx: cannot be read"),
        (["--weights", "noise.onnx"], 3, "noise.onnx: "),
        (["--weights", "hidden.onnx"], 3, "found Relu"),
        (["--backbone", "mobilenet_v2", "--weights", "noise.weights.h5"], 3, "no weights of Keras's MobileNetV2"),
    ],
)
def test_what_cannot_be_made_is_refused_and_nothing_is_written(tmp_path, monkeypatch, capsys, arguments, code, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    (tmp_path / "noise.weights.h5").write_bytes(b"noise")
    (tmp_path / "hidden.onnx").write_bytes(network("hidden"))
    assert main(["cam", *arguments, "--out", "out"]) == code
    error = capsys.readouterr().err
    assert reason in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "out" / "model.json").exists()


def test_weights_that_cannot_be_downloaded_are_told(tmp_path, monkeypatch, capsys):
    def refuse(**arguments):
        raise OSError("no way out")

    monkeypatch.setattr(keras.applications, "ResNet50", refuse)
    assert main(["cam", "--backbone", "resnet50", "--out", str(tmp_path)]) == 3
    assert "the weights of ResNet50 cannot be downloaded: no way out; give --weights FILE" in capsys.readouterr().err


@pytest.mark.long
def test_weights_of_keras_from_a_file(tmp_path):
    keras.utils.set_random_seed(0)
    made = keras.applications.MobileNetV2(weights=None, classifier_activation=None)
    made.save_weights(tmp_path / "own.weights.h5")
    assert main(["cam", "--backbone", "mobilenet_v2", "--weights", str(tmp_path / "own.weights.h5"), "--out", str(tmp_path / "out")]) == 0
    model = load(str(tmp_path / "out"))
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 224, 224, 3)).astype(np.float32)
    expected = np.asarray(made(picture, training=False))[0]
    found = model.session.run(["logits"], {model.inputs[0].name: picture})[0][0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    assert model.card.labels[281] == "tabby"
    assert model.card.normalisation.mean == (1.0,)
    assert len(set(model.card.labels)) == 1000
