"""Dense networks as ONNX files: they give what the weights give."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtkit import RtkitError
from rtkit.models import Tensor, load
from rtkit.onnx import writer
from rtkit.onnx.dense import Dense, DenseNetwork, write_dense


def network(widths, activations, seed=0):
    random = np.random.default_rng(seed)
    layers = [
        Dense(random.normal(size=(a, b)) / np.sqrt(a), random.normal(size=b), activation)
        for (a, b), activation in zip(pairwise(widths), activations, strict=False)
    ]
    return DenseNetwork("n", "does", "limits", ("a", "b"), layers, Tensor("x", "", (), "in"), Tensor("y", "", (), "out"), {}, [])


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(1, 30), min_size=2, max_size=5),
    st.lists(st.sampled_from(["linear", "sigmoid", "tanh", "relu", "softmax"]), min_size=4, max_size=4),
)
def test_the_file_gives_what_the_weights_give(tmp_path_factory, widths, activations):
    made, folder = network(widths, activations), tmp_path_factory.mktemp("dense")
    x = np.random.default_rng(1).normal(size=(9, widths[0])).astype(np.float32)
    card = write_dense(made, x, folder)
    model = load(folder)
    (found,) = model.run({"x": x})
    np.testing.assert_allclose(found, made.run(x), atol=1e-5 * max(1, np.abs(found).max()))
    assert (model.inputs[0].name, model.outputs[0].name) == ("x", "y")
    assert card.parameters == made.parameters == sum((a + 1) * b for a, b in pairwise(widths))
    assert card.files["model.onnx"].inputs[0].meaning == "in"


def test_a_file_that_differs_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setitem(writer.OPERATORS, "tanh", "Sigmoid")
    with pytest.raises(RtkitError, match="differs by"):
        write_dense(network((3, 4, 2), ("tanh", "softmax")), np.ones((2, 3), np.float32), tmp_path / "out")
    assert not (tmp_path / "out").exists()
