"""The same model in Keras, to time it beside ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from export.models import MODELS, module


def keras_calls(name: str) -> dict[str, Callable[[], object]]:
    """Ways to run a model of this package in Keras, on one example; none for a model that is not of this package."""
    if name not in MODELS:
        return {}
    import tensorflow

    model = module(name).build()
    shape = tuple(1 if size is None else size for size in model.inputs[0].shape)
    example = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    tensor = tensorflow.constant(example)
    traced = tensorflow.function(lambda x: model(x, training=False), input_signature=[tensorflow.TensorSpec(shape, tensorflow.float32)])
    return {
        "tf.function": lambda: traced(tensor),
        "Keras call": lambda: model(tensor, training=False),
        "Keras predict": lambda: model.predict(example, verbose=0),
    }
