"""Where a network can be cut: between the features that are averaged and the dense layer on top of them, found from its graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import InputError

#: What changes neither the order of the classes nor which features count: passed by on the way back from the output.
BEHIND = frozenset({"Softmax", "LogSoftmax", "Sigmoid", "Identity", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze"})
#: What may lie between the pooling and the dense layer.
BETWEEN = frozenset({"Identity", "Dropout", "Reshape", "Flatten", "Squeeze"})
#: What may make maps smaller.
SHRINKING = frozenset({"Conv", "MaxPool", "AveragePool"})
SPATIAL = {(2, 3): "first", (1, 2): "last"}


def cut(data: bytes, place: str) -> bytes:
    """A network that ends in global average pooling and one dense layer, in a form of which class activation maps can be read off.

    Parameters
    ----------
    data : bytes
        An ONNX file.
    place : str
        What errors name.

    Returns
    -------
    bytes
        An ONNX file with the same input and the outputs ``logits [n, K]``, ``features [n, C, h, w]`` (what is averaged), ``cam_weights
        [C, K]``, ``cam_bias [K]`` and, of a network that makes its maps smaller on the way, ``guide [n, G, y, x]``: what goes into the
        last of its layers that does.

    Raises
    ------
    InputError
        Not an ONNX file, a network without such a head (the message says what was found instead), or the package onnx is missing.
    """
    try:
        import onnx
    except ModuleNotFoundError:
        raise InputError(f"{place}: to find where to cut this network needs the package onnx: pip install onnx") from None
    try:
        model = onnx.load_from_string(data)
        graph = Graph(model.graph)
    except Exception as error:  # protobuf and onnx have kinds of their own
        raise InputError(f"{place}: not an ONNX model: {' '.join(str(error).split())[:200]}") from None
    reasons = []
    for output in model.graph.output:
        try:
            head = graph.head(output.name)
        except NoHeadError as reason:
            reasons.append(f"{output.name}: {reason}")
        else:
            return _with_head(onnx, model, graph, head, place)
    found = "; ".join(reasons) or "it has no output"
    raise InputError(f"{place}: has no class activation maps, for it does not end in global average pooling and one dense layer; {found}")


class NoHeadError(Exception):
    """An output that does not come from such a head, and why."""


class Head:
    """What was found: the tensor that is averaged, where its channels are (``first`` or ``last``), weights ``[C, K]`` and bias ``[K]``."""

    def __init__(self, features: str, channels: str, weights: NDArray[Any], bias: NDArray[Any]) -> None:
        self.features = features
        self.channels = channels
        self.weights = np.ascontiguousarray(weights, np.float32)
        self.bias = np.ascontiguousarray(bias, np.float32)


class Graph:
    """The nodes and constants of an ONNX graph by the names of their outputs."""

    def __init__(self, graph: Any) -> None:
        from onnx import numpy_helper

        self.nodes = {name: node for node in graph.node for name in node.output}
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._to_array = numpy_helper.to_array

    def constant(self, name: str) -> NDArray[Any] | None:
        """The value of a constant, perhaps handed on or transposed; None for what is computed."""
        if name in self._constants:
            return np.asarray(self._to_array(self._constants[name]))
        node = self.nodes.get(name)
        if node is None:
            return None
        values = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type == "Constant":
            (given,) = values.values()
            found = {"value": given.t, "value_floats": given.floats, "value_ints": given.ints, "value_float": given.f, "value_int": given.i}
            value = found.get(given.name)
            return None if value is None else np.asarray(self._to_array(value) if given.name == "value" else value)
        if node.op_type in ("Identity", "Transpose") and (whole := self.constant(node.input[0])) is not None:
            return whole if node.op_type == "Identity" else whole.transpose(values["perm"].ints if "perm" in values else None)
        return None

    def back(self, name: str, passing: frozenset[str]) -> Any:
        """The node that a tensor comes from, nodes of some kinds passed by; None for an input of the graph."""
        node = self.nodes.get(name)
        while node is not None and node.op_type in passing:
            node = self.nodes.get(node.input[0])
        return node

    def head(self, output: str) -> Head:
        """The head that an output comes from.

        Raises
        ------
        NoHeadError
            It has none.
        """
        dense = self.back(output, BEHIND)
        bias: NDArray[Any] | None = None
        if dense is not None and dense.op_type == "Add":
            sides = [(self.constant(name), other) for name, other in (dense.input, reversed(dense.input))]
            found = [(value, other) for value, other in sides if value is not None]
            if len(found) != 1:
                raise NoHeadError("no dense layer at the end: found Add of two branches")
            bias = found[0][0].reshape(-1)
            dense = self.back(found[0][1], BEHIND - {"Softmax", "LogSoftmax", "Sigmoid"})
        weights, own = self._weights(dense)
        if own is None:
            own = np.zeros(weights.shape[1], np.float32)
        total = own if bias is None else own + bias
        pool = self.back(dense.input[0], BETWEEN)
        features, channels = self._pooled(pool)
        if len(total) != weights.shape[1]:
            raise NoHeadError(f"the dense layer has {weights.shape[1]} classes and {len(total)} biases")
        return Head(features, channels, weights, total)

    def guide(self, features: str) -> str | None:
        """What goes into the last layer that makes maps smaller, and comes from a layer itself; None if there is no such."""
        waiting = [features]
        for name in waiting:  # which grows: the nearest first
            node = self.nodes.get(name)
            if node is None:
                continue
            strides = [step for attribute in node.attribute if attribute.name == "strides" for step in attribute.ints]
            if node.op_type in SHRINKING and max(strides, default=1) > 1:
                before = self.back(node.input[0], frozenset({"Pad"}))
                inside = before is not None and any(self.nodes[other].op_type == "Conv" for other in self.before(before.output[0]))
                return str(before.output[0]) if inside else None
            waiting += [given for given in node.input if given not in waiting]
        return None

    def before(self, name: str) -> set[str]:
        """The tensors that a tensor is computed from, itself included; constants and inputs left out."""
        needed, waiting = set(), [name]
        while waiting:
            name = waiting.pop()
            if name not in needed and name in self.nodes:
                needed.add(name)
                waiting += self.nodes[name].input
        return needed

    def _weights(self, dense: Any) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Weights ``[C, K]`` and bias ``[K]`` of a dense layer."""
        kind = "the input" if dense is None else dense.op_type
        if kind not in ("Gemm", "MatMul", "Conv"):
            raise NoHeadError(f"no dense layer at the end: found {kind}")
        values = {attribute.name: attribute for attribute in dense.attribute}
        weights = self.constant(dense.input[1])
        if weights is None:
            raise NoHeadError(f"the {kind} at the end has no constant weights")
        own = None
        if len(dense.input) > 2 and dense.input[2] and (own := self.constant(dense.input[2])) is None:
            raise NoHeadError(f"the {kind} at the end has no constant bias")
        if kind == "Conv":
            if weights.shape[2:] != (1, 1) or ("group" in values and values["group"].i != 1):
                raise NoHeadError(f"no dense layer at the end: found Conv of {list(weights.shape)}")
            return weights[:, :, 0, 0].T, own
        if kind == "Gemm":
            if "transA" in values and values["transA"].i:
                raise NoHeadError("the Gemm at the end has its input transposed")
            weights = (weights.T if "transB" in values and values["transB"].i else weights) * (
                values["alpha"].f if "alpha" in values else 1
            )
            own = (
                None if own is None else np.broadcast_to(own.reshape(-1), weights.shape[1:]) * (values["beta"].f if "beta" in values else 1)
            )
        if weights.ndim != 2:
            raise NoHeadError(f"the {kind} at the end has weights of {list(weights.shape)}; expected [features, classes]")
        return weights, own

    def _pooled(self, pool: Any) -> tuple[str, str]:
        """The tensor that a pooling averages, and where its channels are."""
        kind = "the input" if pool is None else pool.op_type
        if kind == "GlobalAveragePool":
            return pool.input[0], "first"
        if kind == "ReduceMean":
            given = next((list(attribute.ints) for attribute in pool.attribute if attribute.name == "axes"), None)
            if given is None and len(pool.input) > 1 and (value := self.constant(pool.input[1])) is not None:
                given = value.tolist()
            axes = tuple(sorted(axis % 4 for axis in given or ()))
            if axes in SPATIAL:
                return pool.input[0], SPATIAL[axes]
            kind = f"ReduceMean over the axes {given}"
        raise NoHeadError(f"no global average pooling in front of the last dense layer: found {kind}")


def _with_head(onnx: Any, model: Any, graph: Graph, head: Head, place: str) -> bytes:
    """The network up to its features, and its head written anew behind them."""
    from onnx import TensorProto, helper, numpy_helper

    source = graph.nodes.get(head.features)
    features, channels = head.features, head.channels
    if channels == "last" and source is not None and source.op_type == "Transpose" and list(source.attribute[0].ints) == [0, 2, 3, 1]:
        features, channels = source.input[0], "first"  # as tf2onnx writes it: the convolutions have the channels first
    guide = graph.guide(features)
    computed = graph.before(features)
    kept = [node for node in model.graph.node if any(name in computed for name in node.output)]
    needed = {features, *(name for node in kept for name in node.input)}
    constants = [tensor for tensor in model.graph.initializer if tensor.name in needed]
    prefix = "body/"
    weights = {tensor.name for tensor in model.graph.initializer}  # which old files list as inputs, too
    inputs = {value.name for value in model.graph.input} - weights
    for node in kept:  # names of its own, so that none can be one of the outputs'
        for names in (node.input, node.output):
            names[:] = [name if name in inputs or not name else prefix + name for name in names]
    for tensor in constants:
        tensor.name = prefix + tensor.name
    features = features if features in inputs else prefix + features
    turn = (
        helper.make_node("Transpose", [features], ["features"], perm=[0, 3, 1, 2])
        if channels == "last"
        else helper.make_node("Identity", [features], ["features"])
    )
    count, classes = head.weights.shape
    nodes = [
        turn,
        helper.make_node("GlobalAveragePool", ["features"], ["head/pooled"]),
        helper.make_node("Flatten", ["head/pooled"], ["head/flat"]),
        helper.make_node("Gemm", ["head/flat", "head/weights", "head/bias"], ["logits"]),
        helper.make_node("Identity", ["head/weights"], ["cam_weights"]),
        helper.make_node("Identity", ["head/bias"], ["cam_bias"]),
    ]
    shapes = {
        "logits": ["n", classes],
        "features": ["n", count, "feature_rows", "feature_columns"],
        "cam_weights": [count, classes],
        "cam_bias": [classes],
    }
    if guide is not None:
        nodes.append(helper.make_node("Identity", [prefix + guide], ["guide"]))
        shapes["guide"] = ["n", "guide_channels", "guide_rows", "guide_columns"]
    made = helper.make_model(
        helper.make_graph(
            [*kept, *nodes],
            "cam",
            [value for value in model.graph.input if value.name in needed & inputs],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
            [*constants, numpy_helper.from_array(head.weights, "head/weights"), numpy_helper.from_array(head.bias, "head/bias")],
        ),
        opset_imports=model.opset_import,
        ir_version=max(4, model.ir_version),  # before, every weight had to be an input
    )
    try:
        if any(tensor.data_location == TensorProto.EXTERNAL for tensor in constants):
            raise ValueError("its weights are in another file; expected an ONNX file of one piece")
        onnx.checker.check_model(made, full_check=True)
    except Exception as error:
        raise InputError(f"{place}: cannot be cut: {' '.join(str(error).split())[:200]}") from None
    return bytes(made.SerializeToString())
