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
        Case, and largest difference relative to the largest output.

    Raises
    ------
    RtkitError
        A case is beyond the limit.
    """
    random = np.random.default_rng(0)
    varying = any(None in tensor.shape[1:] for tensor in model.inputs)
    rows: Rows = []
    for batch, size in product(BATCHES, ODD_SIZES if varying else (0,)):
        inputs = [_inputs(tensor, batch, size, examples, random) for tensor in model.inputs]
        expected = [np.asarray(value) for value in _listed(model(inputs if len(inputs) > 1 else inputs[0], training=False))]
        found = onnx.run({tensor.name: value for tensor, value in zip(model.inputs, inputs, strict=True)})
        case = f"batch {batch}" + (f", other sizes {size}" if varying else "")
        rows.append({"case": case, "difference": _difference(expected, found)})
    return _within(rows, limit)


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
    rows: Rows = []
    for size in blocks:
        found = [_stepped(step, sequence, size) for sequence in sequences]
        rows.append({"case": f"steps of {size} against one step over the sequence", "difference": _difference(together, found)})
        if whole is not None:
            expected = whole.run({whole.inputs[0].name: sequences})[0]
            last = np.stack([answers[-1] for answers in found])
            rows.append({"case": f"steps of {size} against the whole-sequence model", "difference": _difference([expected], [last])})
    return _within(rows, LIMIT)


def _stepped(step: Model, sequence: NDArray[np.float32], size: int) -> NDArray[Any]:
    """Answers ``[time, …]`` of a stateful model that takes `size` samples a step."""
    stepper = Stepper(step)
    name = stepper.outputs[0].name
    return np.concatenate([stepper(sequence[None, start : start + size])[name][0].copy() for start in range(0, len(sequence), size)])


def _inputs(tensor: Any, batch: int, size: int, examples: NDArray[Any] | None, random: np.random.Generator) -> NDArray[Any]:
    if examples is not None and None not in tensor.shape[1:]:
        return examples[:batch]
    shape = (batch, *(size if axis is None else axis for axis in tensor.shape[1:]))
    return random.standard_normal(shape).astype(tensor.dtype)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _difference(expected: list[NDArray[Any]], found: list[NDArray[Any]]) -> float:
    """Largest difference, relative to the largest value of each output."""
    pairs = zip(expected, found, strict=True)
    return max(float(np.abs(a - b).max() / max(np.abs(a).max(), np.finfo(np.float32).tiny)) for a, b in pairs)


def _within(rows: Rows, limit: float) -> Rows:
    for row in rows:
        if not row["difference"] <= limit:
            raise RtkitError(f"not the same as in Keras: {row['case']} differs by {row['difference']:.2g}, at most {limit:g} allowed")
    return rows
