"""Small ONNX models for tests, built by hand."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, DOUBLE, UINT8, INT64 = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.UINT8, TensorProto.INT64


def save(path: Path, nodes, inputs, outputs, constants=None) -> Path:
    """Write a graph; inputs and outputs are (name, type, shape), constants arrays by name."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


def double(path: Path, shape=("batch", 8, 1)) -> Path:
    """Twice the input, a signal of the same length."""
    node = helper.make_node("Mul", ["x", "two"], ["y"])
    return save(path, [node], [("x", FLOAT, shape)], [("y", FLOAT, shape)], {"two": np.float32(2)})


def mean(path: Path, shape=("batch", 8, 2)) -> Path:
    """The mean over time of each channel: a few numbers a window."""
    node = helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1], keepdims=0)
    return save(path, [node], [("x", FLOAT, shape)], [("mean", FLOAT, (shape[0], shape[2]))])


def running_sum(path: Path, size="time") -> Path:
    """A stateful model: the sum of all samples so far, for any number of samples or a fixed one."""
    nodes = [
        helper.make_node("Cast", ["x"], ["exact"], to=DOUBLE),  # or rounding would pile up, and depend on the size of a step
        helper.make_node("CumSum", ["exact", "axis"], ["inner"]),
        helper.make_node("Add", ["inner", "total"], ["all"]),
        helper.make_node("Slice", ["all", "last", "end", "axes"], ["total_out"]),
        helper.make_node("Cast", ["all"], ["sum"], to=FLOAT),
    ]
    constants = {"axis": np.int64(1), "last": np.array([-1]), "end": np.array([2**62]), "axes": np.array([1])}
    shape = (1, size, 1)
    return save(
        path,
        nodes,
        [("x", FLOAT, shape), ("total", DOUBLE, (1, 1, 1))],
        [("sum", FLOAT, shape), ("total_out", DOUBLE, (1, 1, 1))],
        constants,
    )


def speech_gate(path: Path) -> Path:
    """Like a voice detector as it is found: 16 samples, a state of odd rank and the sample rate in, one number and the state out."""
    nodes = [
        helper.make_node("Cast", ["sr"], ["rate"], to=FLOAT),
        helper.make_node("ReduceMean", ["input"], ["level"], axes=[1], keepdims=1),
        helper.make_node("Div", ["level", "rate"], ["output"]),
        helper.make_node("Add", ["state", "output"], ["stateN"]),
    ]
    inputs = [("input", FLOAT, (1, 16)), ("state", FLOAT, (2, "batch", 4)), ("sr", INT64, ())]
    return save(path, nodes, inputs, [("output", FLOAT, (1, 1)), ("stateN", FLOAT, (2, "batch", 4))])


def invert(path: Path, shape=("n", 3, "height", "width"), dtype=FLOAT) -> Path:
    """The negative of a picture of 0 to 1, or of 0 to 255."""
    top = np.float32(1) if dtype == FLOAT else np.uint8(255)
    return save(
        path,
        [helper.make_node("Sub", ["top", "image"], ["negative"])],
        [("image", dtype, shape)],
        [("negative", dtype, shape)],
        {"top": top},
    )


def brightness(path: Path, size=(10, 12)) -> Path:
    """Mean of red, green and blue."""
    node = helper.make_node("ReduceMean", ["image"], ["colour"], axes=[1, 2], keepdims=0)
    return save(path, [node], [("image", FLOAT, (1, *size, 3))], [("colour", FLOAT, (1, 3))])


def features(path: Path) -> Path:
    """A signal of 16 samples in, more features a sample than there are samples out."""
    weights = np.arange(32, dtype=np.float32).reshape(1, 32)
    node = helper.make_node("MatMul", ["x", "weights"], ["features"])
    return save(path, [node], [("x", FLOAT, (1, 16, 1))], [("features", FLOAT, (1, 16, 32))], {"weights": weights})


def unary(path: Path, operator: str, inputs=("x", (1, 8, 1)), outputs=("y", (1, 8, 1)), dtype=FLOAT) -> Path:
    """One operator on one input."""
    node = helper.make_node(operator, [inputs[0]], [outputs[0]])
    return save(path, [node], [(inputs[0], FLOAT, inputs[1])], [(outputs[0], dtype, outputs[1])])


def pooled(path: Path) -> Path:
    """A classifier whose answer still has the axes of a picture: [1, 3, 1, 1]."""
    return unary(path, "GlobalAveragePool", ("image", (1, 3, 10, 12)), ("p", (1, 3, 1, 1)))


def fours(path: Path) -> Path:
    """Any number of samples, as long as it is a multiple of 4."""
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    return save(path, [node], [("x", FLOAT, (1, "time", 1))], [("y", FLOAT, ("a", "b"))], {"shape": np.array([-1, 4])})


def explodes(path: Path) -> Path:
    """A state that becomes -Inf from finite samples: the logarithm of the sum so far."""
    nodes = [
        helper.make_node("Add", ["x", "h"], ["sum"]),
        helper.make_node("Log", ["sum"], ["h_out"]),
        helper.make_node("Identity", ["h_out"], ["y"]),
    ]
    one = (1, 1, 1)
    return save(path, nodes, [("x", FLOAT, one), ("h", FLOAT, one)], [("y", FLOAT, one), ("h_out", FLOAT, one)])


def external(path: Path) -> Path:
    """Weights in a file of their own."""
    double(path)
    model = onnx.load(path)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.full(8, 2, np.float32).reshape(8, 1), "two"))
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path
