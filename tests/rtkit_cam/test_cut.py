"""Where networks are cut, and the law of the maps: the mean of map c plus bias c is logit c."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rtkit_cam.cut import cut
from rtkit_cam.maps import class_map

from rtkit import InputError
from rtkit.onnx.find import shipped
from tests.rtkit_cam.heads import CLASSES, network

SHARED = Path(__file__).parents[3] / "shared" / "data" / "vision" / "weights"


def open_(data):
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])


def softmax(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def check_law(data, picture):
    """The law, for every class; gives the logits."""
    session = open_(data)
    logits, features, weights, bias = session.run(
        ["logits", "features", "cam_weights", "cam_bias"], {session.get_inputs()[0].name: picture}
    )
    means = [class_map(features[0], weights[:, number]).mean() for number in range(len(bias))]
    np.testing.assert_allclose(means + bias, logits[0], rtol=0, atol=1e-4 * np.abs(logits).max())
    return logits[0]


@given(
    st.sampled_from(["gemm", "transposed", "matmul", "add", "identity", "floats"]),
    st.sampled_from(["gap", "reduce13", "reduce18", "last", "really last"]),
    st.sampled_from(["Softmax", "Identity", "Sigmoid"]),
    st.integers(0, 5),
    st.tuples(st.integers(5, 40), st.integers(5, 40)),
)
@settings(max_examples=40, deadline=None)
def test_the_head_is_found_in_every_form_and_says_the_same(head, pool, behind, seed, size):
    data = network(head, pool, behind, seed)
    picture = np.random.default_rng(seed).uniform(-1, 1, (1, 3, *size)).astype(np.float32)
    (before,) = open_(data).run(None, {"x": picture})
    logits = check_law(cut(data, "small.onnx"), picture)
    after = {"Softmax": softmax, "Identity": lambda z: z, "Sigmoid": lambda z: 1 / (1 + np.exp(-z))}[behind](logits)
    np.testing.assert_allclose(before[0], after, rtol=1e-4, atol=1e-5)


def test_a_convolution_of_one_pixel_is_a_dense_layer():
    data = network("conv")
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 3, 20, 31)).astype(np.float32)
    np.testing.assert_allclose(open_(data).run(None, {"x": picture})[0][0], softmax(check_law(cut(data, "a"), picture)), rtol=1e-4)


@pytest.mark.parametrize(
    ("head", "pool", "reason"),
    [
        ("gemm", "max", "no global average pooling in front of the last dense layer: found GlobalMaxPool"),
        ("hidden", "gap", "no global average pooling in front of the last dense layer: found Relu"),
        ("none", "gap", "no dense layer at the end: found Relu"),
        ("computed", "gap", "the Gemm at the end has no constant bias"),
    ],
)
def test_a_network_without_such_a_head_is_refused_with_what_was_found(head, pool, reason):
    with pytest.raises(InputError, match=f"small.onnx: .*{reason}"):
        cut(network(head, pool), "small.onnx")


@pytest.mark.parametrize("shrinking", ["Conv", "MaxPool", "branches"])
@pytest.mark.parametrize("pool", ["gap", "reduce13", "last"])
def test_the_guide_is_what_goes_into_the_last_layer_that_makes_maps_smaller(shrinking, pool):
    data = cut(network(pool=pool, shrinking=shrinking), "small.onnx")
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 80)).astype(np.float32)
    check_law(data, picture)
    features, guide = open_(data).run(["features", "guide"], {"x": picture})
    assert guide.shape[2:] == (32, 40)
    assert features.shape[2:] == (16, 20)
    assert (guide >= 0).all()  # after its Relu


def test_a_network_that_makes_maps_smaller_once_has_no_guide():
    outputs = open_(cut(network(), "small.onnx")).get_outputs()
    assert [output.name for output in outputs] == ["logits", "features", "cam_weights", "cam_bias"]


def test_an_old_file_whose_weights_are_inputs_is_cut():
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 3, 20, 31)).astype(np.float32)
    check_law(cut(network("gemm", "gap", old=True), "old.onnx"), picture)


def test_weights_in_another_file_are_told():
    import onnx

    model = onnx.load_from_string(network())
    kernel = next(tensor for tensor in model.graph.initializer if tensor.name == "kernel")
    onnx.external_data_helper.set_external_data(kernel, "elsewhere.bin")
    with pytest.raises(InputError, match="its weights are in another file"):
        cut(model.SerializeToString(), "split.onnx")


def test_noise_is_no_network():
    with pytest.raises(InputError, match=r"noise\.onnx: "):
        cut(bytes(range(256)), "noise.onnx")


def test_without_the_package_onnx_one_line_says_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(InputError, match="needs the package onnx"):
        cut(network(), "small.onnx")


@pytest.mark.parametrize("size", [(224, 224), (192, 256), (161, 227)])
def test_the_law_on_the_shipped_network(size):
    picture = np.random.default_rng(1).integers(0, 256, (1, *size, 3), dtype=np.uint8)
    check_law((shipped()["efficientnet_lite0"] / "model.onnx").read_bytes(), picture)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the weights in ../shared")
@pytest.mark.parametrize("name", ["mobilenet_v2_tf2_cam", "efficientnet_lite0_cam"])
def test_the_law_on_the_shared_networks_and_the_same_probabilities(name):
    data = (SHARED / f"{name}.onnx").read_bytes()
    picture = np.random.default_rng(1).integers(0, 256, (1, 192, 256, 3), dtype=np.uint8)
    logits = check_law(cut(data, name), picture)
    (before,) = open_(data).run(["probs"], {"image": picture})
    np.testing.assert_allclose(before[0], softmax(logits), atol=1e-5)


@pytest.mark.parametrize("application", ["MobileNetV2", pytest.param("ResNet50", marks=pytest.mark.long)])
def test_the_law_on_networks_of_keras(application, tmp_path):
    pytest.importorskip("tensorflow", reason="needs TensorFlow, which the extra export brings")
    from export.pipeline.conversion import convert
    from export.recipes.cam import build

    model = build(application)
    convert(model, tmp_path / "whole.onnx")
    picture = np.random.default_rng(1).uniform(-100, 100, (1, 96, 128, 3)).astype(np.float32)
    logits = check_law(cut((tmp_path / "whole.onnx").read_bytes(), application), picture)
    expected = np.asarray(model(picture, training=False))[0]
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    assert len(logits) == 1000 != CLASSES
