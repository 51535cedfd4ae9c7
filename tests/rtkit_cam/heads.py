"""Small networks with and without the head that a class activation map needs."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

CHANNELS, CLASSES = 6, 5


def network(head="gemm", pool="gap", behind="Softmax", seed=0, side=("h", "w"), old=False, shrinking=None):
    """An ONNX file: a convolution (and one more layer, which makes maps smaller), a pooling, a dense layer in one of its forms."""
    random = np.random.default_rng(seed)
    values = {
        "kernel": random.normal(size=(CHANNELS, 3, 3, 3)).astype(np.float32),
        "weights": random.normal(size=(CHANNELS, CLASSES)).astype(np.float32),
        "bias": random.normal(size=CLASSES).astype(np.float32),
        "across": np.array([2, 3]),
        "flat": np.array([0, -1]),
        "hidden": random.normal(size=(CHANNELS, CHANNELS)).astype(np.float32),
    }
    opset = 18 if pool == "reduce18" else 13
    node = helper.make_node
    nodes = [node("Conv", ["x", "kernel"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]), node("Relu", ["c"], ["logits"])]  # a name of ours
    features, flat = "logits", "p"
    if shrinking is not None:
        values |= {"second": random.normal(size=(CHANNELS, CHANNELS, 3, 3)).astype(np.float32), "edges": np.array([0, 0, 0, 0, 0, 0, 1, 1])}
        features = "smaller"
        nodes += {
            "Conv": [node("Pad", ["logits", "edges"], ["padded"]), node("Conv", ["padded", "second"], ["smaller"], strides=[2, 2])],
            "MaxPool": [node("MaxPool", ["logits"], ["smaller"], kernel_shape=[2, 2], strides=[2, 2])],
            "branches": [
                node("Conv", ["logits", "second"], ["left"], strides=[2, 2], pads=[1, 1, 1, 1]),
                node("Conv", ["logits", "second"], ["right"], strides=[2, 2], pads=[1, 1, 1, 1]),
                node("Add", ["left", "right"], ["smaller"]),
            ],
        }[shrinking]
    if pool == "gap":
        nodes += [node("GlobalAveragePool", [features], ["q"]), node("Flatten", ["q"], ["p"])]
    elif pool == "reduce13":
        nodes += [node("ReduceMean", [features], ["p"], axes=[-2, -1], keepdims=0)]
    elif pool == "reduce18":
        nodes += [node("ReduceMean", [features, "across"], ["q"], keepdims=1), node("Reshape", ["q", "flat"], ["p"])]
    elif pool == "last":
        nodes += [node("Transpose", [features], ["t"], perm=[0, 2, 3, 1]), node("ReduceMean", ["t"], ["p"], axes=[1, 2], keepdims=0)]
    elif pool == "really last":
        nodes += [node("Transpose", [features], ["t"], perm=[0, 2, 3, 1]), node("Abs", ["t"], ["u"])]
        nodes += [node("ReduceMean", ["u"], ["p"], axes=[1, 2], keepdims=0)]
    elif pool == "max":
        nodes += [node("GlobalMaxPool", [features], ["q"]), node("Flatten", ["q"], ["p"])]
    elif pool == "channels":
        nodes += [node("ReduceMean", [features], ["p"], axes=[1, 2], keepdims=0)]
    if head == "hidden":
        nodes += [node("MatMul", ["p", "hidden"], ["hh"]), node("Relu", ["hh"], ["r"])]
        flat = "r"
    if head in ("gemm", "hidden"):
        nodes += [node("Gemm", [flat, "weights", "bias"], ["z"], alpha=0.5, beta=2.0)]
    elif head == "identity":
        nodes += [node("Identity", ["bias"], ["b2"]), node("Transpose", ["weights"], ["w2"], perm=[1, 0])]
        nodes += [node("Gemm", [flat, "w2", "b2"], ["z"], transB=1)]
    elif head == "floats":
        nodes += [node("Constant", [], ["b2"], value_floats=[float(value) for value in values["bias"]])]
        nodes += [node("Gemm", [flat, "weights", "b2"], ["z"])]
    elif head == "computed":
        nodes += [node("Neg", ["bias"], ["b2"]), node("Gemm", [flat, "weights", "b2"], ["z"])]
    elif head == "transposed":
        values["weights"] = np.ascontiguousarray(values["weights"].T)
        nodes += [node("Gemm", [flat, "weights", "bias"], ["z"], transB=1)]
    elif head == "matmul":
        nodes += [node("MatMul", [flat, "weights"], ["z"])]
    elif head == "add":
        nodes += [node("MatMul", [flat, "weights"], ["m"]), node("Add", ["bias", "m"], ["z"])]
    elif head == "conv":
        values["weights"] = np.ascontiguousarray(values["weights"].T[:, :, None, None])
        nodes += [node("Conv", ["q", "weights", "bias"], ["zz"]), node("Flatten", ["zz"], ["z"])]
    elif head == "none":
        nodes += [node("Relu", [flat], ["z"])]
    nodes += [node(behind, ["z"], ["out"])]
    used = {name for one in nodes for name in one.input}
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, *side])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in values.items() if name in used],
    )
    if old:  # every weight is an input, too
        for tensor in graph.initializer:
            graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=3 if old else 8).SerializeToString()
