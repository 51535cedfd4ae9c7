"""The same model in Keras, to time it beside ONNX Runtime."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np

from export.models import MODELS, module
from rtkit.onnx import timing


def keras_calls(name: str) -> dict[str, Callable[[], object]]:
    """Ways to run a model of this package in Keras, on one example; none for one that is not of it, or is built on weights in a file."""
    if name not in MODELS:
        return {}
    import tensorflow

    build = module(name).build
    if any(parameter.default is parameter.empty for parameter in inspect.signature(build).parameters.values()):
        return {}
    model = build()
    batch, *rest = model.inputs[0].shape
    shape = (batch or 1, *(size or timing.sizes_to_try(len(rest) + 1)[0] for size in rest))
    example = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    tensor = tensorflow.constant(example)
    traced = tensorflow.function(lambda x: model(x, training=False), input_signature=[tensorflow.TensorSpec(shape, tensorflow.float32)])
    return {
        "tf.function": lambda: traced(tensor),
        "Keras call": lambda: model(tensor, training=False),
        "Keras predict": lambda: model.predict(example, verbose=0),
    }
