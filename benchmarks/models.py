"""Shipped models in ONNX Runtime beside Keras, in one run; and what a step of a stateful one costs."""

from rtkit.onnx.command import bench
from rtkit.onnx.find import shipped


def rows():
    yield "model", "call", "us", "times ONNX Runtime"
    for name in sorted(shipped()):
        for row in bench(name):
            yield name, *row.values()
