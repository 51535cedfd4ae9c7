"""The proof that an ONNX file does what its Keras model does, and its stateful form what the whole sequence does."""

from __future__ import annotations

from itertools import product
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from rtkit.errors import RtkitError
from rtkit.onnx import Model, Stepper

#: Largest difference, relative to the largest output, that float32 may show.
LIMIT = 1e-5
BATCHES = (1, 2, 3, 7, 32)
#: Tried for every other size that may vary.
ODD_SIZES = (1, 17, 141)

Rows = list[dict[str, Any]]
#: Outputs of the one and of the other.
Pair = tuple[list[NDArray[Any]], list[NDArray[Any]]]


def against_keras(model: keras.Model, onnx: Model, examples: NDArray[Any] | None = None, limit: float = LIMIT) -> Rows:
    """Run the same inputs through Keras and ONNX Runtime, for each size of batch and odd sizes of whatever else may vary.

    Parameters
    ----------
    model : keras.Model
        The origin.
    onnx : Model
        What was made of it.
    examples : ndarray, optional
        Real inputs ``[n, …]`` of a model with one input; noise where there are none or the size varies.
    limit : float
        Largest relative difference that is accepted.

    Returns
    -------
    list of dict
        Case, and largest difference relative to the largest value of that output in all cases: a probability that happens to be
        small in all of a batch is no measure.

    Raises
    ------
    RtkitError
        A case is beyond the limit.
    """
    random = np.random.default_rng(0)
    varying = any(None in tensor.shape[1:] for tensor in model.inputs)
    pairs: dict[str, Pair] = {}
    for batch, size in product(BATCHES, ODD_SIZES if varying else (0,)):
        inputs = [_inputs(tensor, batch, size, examples, random) for tensor in model.inputs]
        expected = [np.asarray(value) for value in _listed(model(inputs if len(inputs) > 1 else inputs[0], training=False))]
        found = onnx.run({tensor.name: value for tensor, value in zip(model.inputs, inputs, strict=True)})
        pairs[f"batch {batch}" + (f", other sizes {size}" if varying else "")] = expected, found
    return _judged(pairs, limit)


def of_steps(step: Model, sequences: NDArray[np.float32], whole: Model | None, blocks: tuple[int, ...] = (1, 7, 36)) -> Rows:
    """Step through sequences in blocks: the answers must be those of one step over all, and the last that of the whole-sequence model.

    Parameters
    ----------
    step : Model
        The stateful form.
    sequences : ndarray
        ``[n, time, features]``.
    whole : Model, optional
        The model itself, if it takes sequences and answers at their end.
    blocks : tuple of int
        Samples in a step.

    Raises
    ------
    RtkitError
        As `against_keras`.
    """
    together = [_stepped(step, sequence, len(sequence)) for sequence in sequences]
    pairs: dict[str, Pair] = {}
    for size in blocks:
        found = [_stepped(step, sequence, size) for sequence in sequences]
        pairs[f"steps of {size} against one step over the sequence"] = [np.stack(together)], [np.stack(found)]
        if whole is not None:
            expected = whole.run({whole.inputs[0].name: sequences})[0]
            pairs[f"steps of {size} against the whole-sequence model"] = [expected], [np.stack([answers[-1] for answers in found])]
    return _judged(pairs, LIMIT)


def _stepped(step: Model, sequence: NDArray[np.float32], size: int) -> NDArray[Any]:
    """Answers ``[time, …]`` of a stateful model that takes `size` samples a step."""
    stepper = Stepper(step)
    name = stepper.outputs[0].name
    return np.concatenate([stepper(sequence[None, start : start + size])[name][0].copy() for start in range(0, len(sequence), size)])


def _inputs(tensor: Any, batch: int, size: int, examples: NDArray[Any] | None, random: np.random.Generator) -> NDArray[Any]:
    if examples is not None and None not in tensor.shape[1:]:
        return examples[random.permutation(len(examples))[:batch]]
    shape = (batch, *(size if axis is None else axis for axis in tensor.shape[1:]))
    return random.standard_normal(shape).astype(tensor.dtype)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _judged(pairs: dict[str, Pair], limit: float) -> Rows:
    """The difference of each case, relative to the largest value of each output in all cases."""
    outputs = range(len(next(iter(pairs.values()))[0]))
    scales = [max(float(np.abs(expected[k]).max()) for expected, _ in pairs.values()) for k in outputs]
    rows: Rows = []
    for case, (expected, found) in pairs.items():
        worst = max(float(np.abs(expected[k] - found[k]).max()) / max(scales[k], float(np.finfo(np.float32).tiny)) for k in outputs)
        rows.append({"case": case, "difference": worst})
        if not worst <= limit:
            raise RtkitError(f"not the same as in Keras: {case} differs by {worst:.2g} of the largest output, at most {limit:g} allowed")
    return rows
