"""The same model in Keras and in ONNX Runtime, timed in turns in one run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from rtkit.models import Model
from rtkit.onnx import timing


def compare(model: keras.Model, onnx: Model) -> list[dict[str, Any]]:
    """Time one call of a model, batch 1, in ONNX Runtime and in three ways in Keras.

    Parameters
    ----------
    model : keras.Model
        One input.
    onnx : Model
        What was made of it.

    Returns
    -------
    list of dict
        Call, median time (µs), and how many times as long as one call in ONNX Runtime.
    """
    times = timing.medians({"ONNX Runtime": timing.one_call(onnx), **_keras_calls(model)})
    base = times["ONNX Runtime"]
    return [{"call": call, "us": round(1e6 * time_s, 1), "times ONNX Runtime": round(time_s / base, 1)} for call, time_s in times.items()]


def _keras_calls(model: keras.Model) -> dict[str, Callable[[], object]]:
    """Ways to run a model in Keras on noise."""
    import tensorflow

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
