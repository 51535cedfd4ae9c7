"""Pictures and a small encoder to find clusters with."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from rtkit_cluster.demo import PICTURES

from rtkit.video.stills import read_picture

VISION = Path(__file__).parents[3] / "shared" / "data" / "vision"
FRUITS = sorted(PICTURES.glob("*/*.jpg"))


def fruits(*kinds):
    """The shipped pictures of some kinds."""
    return [read_picture(path) for path in FRUITS if path.parent.name in kinds]


def averaging(values=3, channels=3):
    """An ONNX file: the mean colour of a picture ``[n, h, w, channels]``, times numbers, `values` in all."""
    weights = np.random.default_rng(0).normal(size=(channels, values)).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["features"]),
    ]
    graph = helper.make_graph(
        nodes,
        "averaging",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", "h", "w", channels])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", values])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    return model.SerializeToString()


def blobs(count, per=20, width=3, seed=0, apart=30.0):
    """Features ``[count · per, width]`` in groups far apart, and the group of each."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(count, width))
    while count > 1 and min(np.linalg.norm(a - b) for i, a in enumerate(centres) for b in centres[:i]) < 0.7:
        centres = random.normal(size=(count, width))
    groups = np.repeat(np.arange(count), per)
    return apart * centres[groups] + random.normal(size=(count * per, width)), groups
