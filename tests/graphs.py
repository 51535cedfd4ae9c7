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
