"""The proof that an ONNX file does what its Keras model does, and its stateful form what the whole sequence does."""

from __future__ import annotations

from itertools import product
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import RtkitError
from rtkit.models import Model, Stepper
from rtkit.onnx.card import Proof

#: Largest difference, relative to the largest output, that float32 may show; and for a recurrent network on noise, which drives it harder
#: than anything that it was trained on, so that rounding grows on its way.
MAX_DIFFERENCE, MAX_DIFFERENCE_ON_NOISE = 1e-5, 1e-4
BATCHES = (1, 2, 3, 7, 32)
#: Tried for every other size that may vary; a model need not take the small ones, nor those that it cannot halve.
ODD_SIZES = (1, 17, 141, 160)

Array = NDArray[Any]
#: Outputs of the one and of the other.
Pair = tuple[list[Array], list[Array]]


def against_keras(
    model: keras.Model,
    onnx: Model,
    examples: Array | None = None,
    limit: float = MAX_DIFFERENCE,
    batches: tuple[int, ...] = BATCHES,
    sizes: tuple[int, ...] = ODD_SIZES,
) -> list[Proof]:
    """Run the same inputs through Keras and ONNX Runtime, for each size of batch and odd sizes of whatever else may vary.

    Parameters
    ----------
    model : keras.Model
        The origin.
    onnx : Model
        What was made of it.
    examples : ndarray, optional
        Real inputs ``[n, …]`` of a model with one input, cut or repeated where the size varies; noise where there are none.
    limit : float
        Largest relative difference that is accepted.
    batches, sizes : tuple of int
        Tried for the batch, and for whatever else may vary.

    Returns
    -------
    list of Proof
        The largest difference of each case, relative to the largest value of that output in all cases: a probability that happens to be
        small in all of a batch is no measure.

    Raises
    ------
    RtkitError
        A case is beyond the limit, or Keras itself takes none of the sizes.
    """
    random = np.random.default_rng(0)
    varying = any(None in tensor.shape[1:] for tensor in model.inputs)
    batches = batches if model.inputs[0].shape[0] is None else (int(model.inputs[0].shape[0]),)
    pairs: dict[str, Pair] = {}
    for batch, size in product(batches, sizes if varying else (0,)):
        inputs = [_input(tensor, batch, size, examples, random) for tensor in model.inputs]
        try:
            expected = _keras(model, inputs)
        except Exception:  # too small for a network of this kind
            continue
        if not all(one.size for one in expected):
            continue
        pairs[f"batch {batch}" + (f", other sizes {size}" if varying else "")] = expected, _onnx(model, onnx, inputs)
    return _judged(pairs, onnx, limit)


def stateful_against_keras(form: keras.Model, step: Model, sequences: Array, limit: float = MAX_DIFFERENCE) -> list[Proof]:
    """The same for a stateful form, on pieces of sequences ``[n, time, features]`` and small states."""
    random = np.random.default_rng(0)
    pairs: dict[str, Pair] = {}
    for batch, size in product(BATCHES, ODD_SIZES):
        piece = sequences[random.integers(0, len(sequences), batch), :size]
        states = [0.1 * random.standard_normal((batch, *tensor.shape[1:])).astype(np.float32) for tensor in form.inputs[1:]]
        inputs = [piece, *states]
        pairs[f"stateful, batch {batch}, {piece.shape[1]} samples"] = _keras(form, inputs), _onnx(form, step, inputs)
    return _judged(pairs, step, limit)


def of_steps(
    step: Model, sequences: Array, whole: Model | None, limit: float = MAX_DIFFERENCE, blocks: tuple[int, ...] = (1, 7, 36)
) -> list[Proof]:
    """Step through sequences in blocks: the answers must be those of one step over all, and those of the whole-sequence model.

    Parameters
    ----------
    step : Model
        The stateful form.
    sequences : ndarray
        ``[n, time, features]``.
    whole : Model, optional
        The model itself, if it takes sequences; it answers sample by sample or at the end.
    limit : float
        Largest relative difference that is accepted.
    blocks : tuple of int
        Samples in a step.

    Raises
    ------
    RtkitError
        As `against_keras`.
    """
    together = np.stack([_stepped(step, sequence, len(sequence)) for sequence in sequences])
    pairs: dict[str, Pair] = {}
    for size in blocks:
        found = np.stack([_stepped(step, sequence, size) for sequence in sequences])
        pairs[f"steps of {size} against one step over the sequence"] = [together], [found]
        if whole is not None:
            expected = np.concatenate([whole.run({whole.inputs[0].name: sequence[None]})[0] for sequence in sequences])
            pairs[f"steps of {size} against the whole-sequence model"] = (
                [expected],
                [found if expected.ndim == found.ndim else found[:, -1]],
            )
    return _judged(pairs, step, limit)


def noise(step: Model, whole: Model) -> Array:
    """Sequences of noise for a stateful form, where there is nothing real, as long as the whole model takes them."""
    features = Stepper(step).input.shape[-1]
    length = next((size for size in whole.inputs[0].shape[1:2] if isinstance(size, int)), 60)
    return np.random.default_rng(1).standard_normal((4, length, int(features))).astype(np.float32)


def _stepped(step: Model, sequence: Array, size: int) -> Array:
    """Answers ``[time, …]`` of a stateful model that takes `size` samples a step."""
    stepper = Stepper(step)
    name = stepper.outputs[0].name
    return np.concatenate([stepper(sequence[None, start : start + size])[name][0].copy() for start in range(0, len(sequence), size)])


def _input(tensor: Any, batch: int, size: int, examples: Array | None, random: np.random.Generator) -> Array:
    if examples is not None:
        chosen = examples[random.permutation(len(examples))[:batch]]
        for axis, length in enumerate(tensor.shape[1:], 1):
            if length is None:
                chosen = chosen.take(range(size), axis=axis, mode="wrap")
        return chosen
    shape = (batch, *(size if axis is None else axis for axis in tensor.shape[1:]))
    if np.dtype(tensor.dtype).kind in "iub":
        return random.integers(0, 2, shape).astype(tensor.dtype)  # every vocabulary has a 0 and a 1
    return random.standard_normal(shape).astype(tensor.dtype)


def _keras(model: keras.Model, inputs: list[Array]) -> list[Array]:
    value = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(one) for one in (value if isinstance(value, list | tuple) else [value])]


def _onnx(model: keras.Model, onnx: Model, inputs: list[Array]) -> list[Array]:
    return onnx.run({tensor.name: value for tensor, value in zip(model.inputs, inputs, strict=True)})


def _judged(pairs: dict[str, Pair], model: Model, limit: float) -> list[Proof]:
    """The difference of each case, relative to the largest value of each output in all cases of the kind."""
    if not pairs:
        raise RtkitError(f"{model.path.name}: Keras runs the model on none of the sizes {', '.join(map(str, ODD_SIZES))}")
    outputs = range(len(next(iter(pairs.values()))[0]))
    scales = [max(float(np.abs(expected[k].astype(float)).max()) for expected, _ in pairs.values()) for k in outputs]
    proofs: list[Proof] = []
    for case, (expected, found) in pairs.items():
        differences = [float(np.abs(expected[k].astype(float) - found[k].astype(float)).max()) for k in outputs]
        worst = max(difference / (scale or 1.0) for difference, scale in zip(differences, scales, strict=True))
        proofs.append(Proof(case, worst))
        if not worst <= limit:
            raise RtkitError(
                f"{model.path.name} is not the model in Keras: {case} differs by {worst:.2g} of the largest output, not {limit:g}"
            )
    return proofs
