"""Shipped models in ONNX Runtime, and beside Keras in one run; and what a step of a stateful one costs."""

import contextlib

from export.bench import bench as bench_beside_keras
from export.recipes import MODELS
from rtkit import UsageError
from rtkit.onnx.command import bench
from rtkit.onnx.find import shipped


def rows():
    yield "model", "call", "us", "times ONNX Runtime"
    for name in sorted(shipped()):
        for row in bench(name):
            yield name, row["call"], row["us"], ""
        with contextlib.suppress(UsageError):  # built on weights in a file
            for row in bench_beside_keras(name) if name in MODELS else ():
                yield name, *row.values()
