"""The release of a model: from a trained Keras model to a folder with checked ONNX files and their card."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from export.data.origin import Origin
from export.pipeline import quantisation, verification
from export.pipeline.conversion import OPSET, convert
from rtkit.core.errors import RtkitError
from rtkit.models import Card, Model, Tensor, load
from rtkit.onnx import timing
from rtkit.onnx.card import File, Normalisation, Proof, describe, publish
from rtkit.onnx.find import MODEL_FILE, STEP_FILE

#: Largest file (bytes) that may be shipped.
MAX_FILE_BYTES = 25_000_000
_VERSIONS = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "numpy")


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """What a card says about an input or output: meaning, unit, range."""

    meaning: str
    unit: str = ""
    range: tuple[float, float] | None = None


@dataclass(slots=True)
class TrainedModel:
    """A trained model, and all that its card should say.

    Parameters
    ----------
    name, does, limits, licence : str
        As on the card.
    model : keras.Model
        What was trained; one input.
    parameters : int
        How many it must have, with its parts.
    tensors : dict of str to TensorInfo
        About inputs and outputs, by name.
    examples : ndarray
        Real inputs ``[n, …]`` from the training split, as the model takes them.
    form : tuple, optional
        Its stateful form: a model, and the names of its states; see `export.pipeline.stateful`.
    parts : dict of str to keras.Model
        Further files of the model, such as ``decoder.onnx``, and what stands in each; proven with noise.
    sequences : ndarray, optional
        Real sequences ``[n, time, features]`` for the proof of the stateful form.
    score : callable, optional
        Figure of merit of an ONNX model on the validation split, higher is better, for quantisation; none is tried without.
    margin : float
        How much of it a quantised variant may lose.
    data : list of Origin
        What it learned from.
    metrics : list of dict
        As on the card.
    normalisation : Normalisation
        What a runner has to do to the input.
    labels : tuple of str
        Names of classes.
    rate : float, optional
        Sample rate (Hz), if it matters.
    made_by : dict
        Command, seed, epochs and the like.
    """

    name: str
    does: str
    model: keras.Model
    parameters: int
    tensors: dict[str, TensorInfo]
    examples: NDArray[Any] | None
    limits: str = ""
    licence: str = ""
    form: tuple[keras.Model, dict[str, str]] | None = None
    parts: dict[str, keras.Model] = field(default_factory=dict)
    sequences: NDArray[np.float32] | None = None
    score: Callable[[Model], float] | None = None
    margin: float = 0.0
    data: list[Origin] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    normalisation: Normalisation = field(default_factory=Normalisation)
    labels: tuple[str, ...] = ()
    rate: float | None = None
    made_by: dict[str, Any] = field(default_factory=dict)


def release(trained: TrainedModel, out: Path) -> Card:
    """Convert, verify, quantise, time, and write model and card into the folder `out`; nothing is written unless all of it is right.

    Raises
    ------
    RtkitError
        The wrong number of parameters, a difference from Keras beyond 1e-5, or a file that is too large to ship.
    """
    count = sum(model.count_params() for model in (trained.model, *trained.parts.values()))
    if count != trained.parameters:
        raise RtkitError(f"{trained.name}: {count} parameters; expected {trained.parameters}")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        card = _build_files(trained, scratch)
        publish(card, scratch, out)
        for stale in {MODEL_FILE, STEP_FILE} - set(card.files):
            (out / stale).unlink(missing_ok=True)
    load(out / MODEL_FILE)
    return card


def _build_files(trained: TrainedModel, folder: Path) -> Card:
    proofs, latency, states = _convert_whole(trained, folder), list[dict[str, Any]](), {MODEL_FILE: dict[str, str]()}
    if trained.form is not None:
        form, states[STEP_FILE] = trained.form
        proofs += _convert_form(trained, form, states[STEP_FILE], folder)
        latency = timing.of_steps(load(folder / STEP_FILE))
    for file, part in trained.parts.items():
        convert(part, folder / file)
        proofs += [Proof(f"{file}, {proof.case}", proof.difference) for proof in verification.against_keras(part, load(folder / file))]
        states[file] = {}
        latency += timing.of_model(load(folder / file))
    table: list[dict[str, Any]] = []
    if trained.score is not None and trained.examples is not None:
        chosen, table = quantisation.best(folder / MODEL_FILE, trained.examples, trained.score, trained.margin, folder)
        chosen.replace(folder / MODEL_FILE)
    latency = timing.of_model(load(folder / MODEL_FILE)) + latency
    card = Card(
        format=1,
        name=trained.name,
        does=trained.does,
        limits=trained.limits,
        licence=trained.licence,
        files={file: _describe(folder / file, trained.tensors, pairs) for file, pairs in states.items()},
        normalisation=trained.normalisation,
        labels=trained.labels,
        rate=trained.rate,
        parameters=trained.parameters,
        data=[dataclasses.asdict(origin) for origin in trained.data],
        metrics=trained.metrics,
        verification=proofs,
        quantisation=table,
        latency=latency,
        made_by=trained.made_by | {"opset": OPSET, "versions": {name: importlib.metadata.version(name) for name in _VERSIONS}},
    )
    for file, described in card.files.items():
        if described.bytes > MAX_FILE_BYTES:
            raise RtkitError(f"{trained.name}: {file} has {described.bytes} bytes; at most {MAX_FILE_BYTES} may be shipped")
    return card


def _convert_whole(trained: TrainedModel, folder: Path) -> list[Proof]:
    convert(trained.model, folder / MODEL_FILE)
    on_noise = trained.examples is None and trained.form is not None
    limit = verification.MAX_DIFFERENCE_ON_NOISE if on_noise else verification.MAX_DIFFERENCE
    return verification.against_keras(trained.model, load(folder / MODEL_FILE), trained.examples, limit)


def _convert_form(trained: TrainedModel, form: keras.Model, states: dict[str, str], folder: Path) -> list[Proof]:
    whole = load(folder / MODEL_FILE)
    convert(form, folder / STEP_FILE, [whole.outputs[0].name, *states.values()])
    step = load(folder / STEP_FILE)
    sequences, limit = trained.sequences, verification.MAX_DIFFERENCE
    if sequences is None:
        sequences, limit = verification.noise(step, whole), verification.MAX_DIFFERENCE_ON_NOISE
    takes_sequences = len(whole.inputs[0].shape) == sequences.ndim
    proofs = verification.stateful_against_keras(form, step, sequences, limit)
    return proofs + verification.of_steps(step, sequences, whole if takes_sequences else None, limit)


def _describe(path: Path, infos: dict[str, TensorInfo], states: dict[str, str]) -> File:
    """A file as it stands on the card."""
    model = load(path)

    def described(tensor: Tensor) -> Tensor:
        default = TensorInfo("state, 0 at the start" if tensor.name in states else "next state")
        info = infos.get(tensor.name, default if states else TensorInfo(""))
        return Tensor(tensor.name, tensor.dtype, tensor.shape, info.meaning, info.unit, info.range)

    inputs, outputs = (tuple(map(described, tensors)) for tensors in (model.inputs, model.outputs))
    return describe(path, inputs, outputs, states)
