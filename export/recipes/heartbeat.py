"""The heartbeat classifier: LSTM 50 and one sigmoid unit on a beat of 140 samples, normal or abnormal (ECG5000)."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from export.data import Floats
from export.data.ecg5000 import OFFICIAL_BEATS, SAMPLES, read_ecg5000
from export.pipeline.release import TensorInfo, TrainedModel
from export.pipeline.stateful import stateful
from export.pipeline.training import ResultCache, TrainingPlan, fit, make_deterministic, warm_up_cosine
from rtkit.models import Model
from rtkit.onnx.card import Normalisation

PARAMETERS = 10_451
#: Epochs of the model as it was designed, and of the improved training.
DESIGNED_EPOCHS, EPOCHS = 10, 40
#: Beats in a step: few where there are only 500, or 10 epochs are too few steps.
DESIGNED_BATCH, BATCH = 8, 32
FOLDS, REPEATS = 5, 3
#: Share of the beats that is held back to stop the training.
VALIDATION_SHARE = 0.1
#: What an abnormal beat counts against a normal one: fewer, and more often missed than falsely found.
ABNORMAL_WEIGHT = 2.0


def build(dropout: float = 0.0) -> keras.Model:
    """The network, not trained. Dropout has no parameters, and does nothing but in training."""
    layers = keras.layers
    beat = keras.Input((SAMPLES, 1), name="beat")
    last = layers.LSTM(50, name="lstm")(beat)
    if dropout:
        last = layers.Dropout(dropout)(last)
    return keras.Model(beat, layers.Dense(1, activation="sigmoid", name="p")(last), name="heartbeat")


def make(folder: Path, epochs: int | None, seed: int, work: Path) -> TrainedModel:
    """Train as designed on the official split; judge the improved training by cross-validation; train what is shipped.

    Data: ``ecg.csv``. See `export.recipes.Recipe.make`.
    """
    beats, abnormal, origin = read_ecg5000(folder)
    done = ResultCache(work, f"{origin.sha256} {epochs} {seed}")
    metrics = [_designed(beats, abnormal, epochs or DESIGNED_EPOCHS, seed, done), _folds(beats, abnormal, epochs or EPOCHS, seed, done)]
    split = Split.of(np.arange(len(beats)), abnormal, seed)
    model, seen = _improved(beats, abnormal, split, epochs or EPOCHS, seed, done, "the model to ship")
    held = beats[split.held], abnormal[split.held]
    metrics.append(_confusion_row("the shipped model on its validation split, which stopped it", model, *held))
    return TrainedModel(
        name="heartbeat",
        does=(
            f"Says of one heartbeat ({SAMPLES} samples from one R peak to the next, zero mean and unit variance) "
            "how probable it is that it is abnormal."
        ),
        limits="Not a medical device. All training beats are of one patient with heart failure: of other people it says little.",
        licence="ODC-BY 1.0 as the data: credit ECG5000 (UCR archive) and PhysioNet",
        model=_without_dropout(model),
        parameters=PARAMETERS,
        tensors={
            "beat": TensorInfo("one heartbeat", "standard deviations", (float(beats.min()), float(beats.max()))),
            "p": TensorInfo("probability that the beat is abnormal", "1", (0.0, 1.0)),
        },
        examples=beats[split.trained, :, None],
        form=stateful(_without_dropout(model)),
        sequences=beats[split.held[:32], :, None],
        score=lambda onnx: _accuracy(_onnx_answers(onnx, held[0]), held[1]),
        margin=0.25,
        data=[origin],
        metrics=metrics,
        normalisation=Normalisation("zscore"),
        labels=("normal", "abnormal"),
        made_by={"epochs": seen, "train_beats": len(split.trained), "validation_beats": len(split.held)},
    )


@dataclass(frozen=True, slots=True)
class Split:
    """Rows that train, and rows held back to stop the training."""

    trained: NDArray[np.intp]
    held: NDArray[np.intp]

    @classmethod
    def of(cls, rows: NDArray[np.intp], abnormal: Floats, seed: int) -> Split:
        """A split with the same share of abnormal beats on both sides."""
        from sklearn.model_selection import train_test_split

        trained, held = train_test_split(rows, test_size=VALIDATION_SHARE, random_state=seed, stratify=abnormal[rows])
        return cls(np.sort(trained), np.sort(held))


def _designed(beats: Floats, abnormal: Floats, epochs: int, seed: int, done: ResultCache) -> dict[str, Any]:
    """Accuracy of the model as it was designed: Adam, 10 epochs, 500 training beats; the median of some seeds."""

    def run(number: int) -> float:
        make_deterministic(number)
        model = build()
        model.compile("adam", "binary_crossentropy")

        def examples(random: np.random.Generator) -> tuple[Floats, Floats]:
            order = random.permutation(OFFICIAL_BEATS)
            return beats[order, :, None], abnormal[order]

        plan = TrainingPlan(f"as designed, seed {number}", epochs, DESIGNED_BATCH, number)
        model, _ = fit(model, examples, None, plan, done.folder)
        return _accuracy(_keras_answers(model, beats[OFFICIAL_BEATS:]), abnormal[OFFICIAL_BEATS:])

    found = [done.once(f"designed {number}", functools.partial(run, number)) for number in range(seed, seed + 5)]
    rest = len(beats) - OFFICIAL_BEATS
    how = f"{epochs} epochs on the first {OFFICIAL_BEATS} beats, batch {DESIGNED_BATCH}"
    split = f"official: {how}, tested on the other {rest}; median of 5 seeds"
    return _accuracy_row(found, split, rest)


def _folds(beats: Floats, abnormal: Floats, epochs: int, seed: int, done: ResultCache) -> dict[str, Any]:
    """Accuracy of the improved training on beats that it never saw, neither for training nor for stopping."""
    from sklearn.model_selection import StratifiedKFold

    def run(rows: NDArray[np.intp], test: NDArray[np.intp], place: int) -> float:
        split, title = Split.of(rows, abnormal, seed + place), f"fold {place + 1} of {FOLDS * REPEATS}"
        model, _ = _improved(beats, abnormal, split, epochs, seed + place, done, title)
        return _accuracy(_keras_answers(model, beats[test]), abnormal[test])

    found = []
    for repeat in range(REPEATS):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed + repeat).split(beats, abnormal)
        for number, (rows, test) in enumerate(folds):
            place = FOLDS * repeat + number
            found.append(done.once(f"fold {place}", functools.partial(run, rows, test, place)))
    split = (
        f"{FOLDS} folds x {REPEATS} seeds, each with {VALIDATION_SHARE:.0%} of its training part for stopping; mean over the unseen folds"
    )
    return _accuracy_row(found, split, len(beats), float(np.mean(found)))


def _improved(
    beats: Floats, abnormal: Floats, split: Split, epochs: int, seed: int, done: ResultCache, title: str
) -> tuple[keras.Model, int]:
    """Train with beats that are shifted, stretched, scaled and noisy, dropout, and a learning rate that warms up."""
    make_deterministic(seed)
    model = build(dropout=0.3)
    steps = -(-len(split.trained) // BATCH)
    warm_up = min(3, max(epochs - 1, 1)) * steps
    rate = warm_up_cosine(4e-3, epochs * steps, warm_up, start=1e-4)
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), "binary_crossentropy")

    def examples(random: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        order = random.permutation(split.trained)
        weight = np.where(abnormal[order] > 0, ABNORMAL_WEIGHT, 1).astype(np.float32)
        return augment(beats[order], random)[..., None], abnormal[order], weight

    rows = hashlib.sha256(split.trained.tobytes()).hexdigest()
    validation = beats[split.held, :, None], abnormal[split.held]
    return fit(model, examples, validation, TrainingPlan(title, epochs, BATCH, seed, patience=20), done.folder, rows)


def augment(beats: Floats, random: np.random.Generator) -> Floats:
    """Beats ``[n, 140]`` as another recording would have them.

    Shifted by up to 4 samples, stretched by up to 4 %, with another gain (8 %), an offset and noise (0.05).
    """
    count, length = beats.shape
    stretch, shift = 1 + random.uniform(-0.04, 0.04, (count, 1)), random.uniform(-4, 4, (count, 1))
    at = np.clip((np.arange(length) - length / 2) * stretch + length / 2 + shift, 0, length - 1)
    low = np.minimum(at.astype(int), length - 2)
    rows = np.arange(count)[:, None]
    moved = beats[rows, low] * (1 - (at - low)) + beats[rows, low + 1] * (at - low)
    gain, offset = (scale * random.standard_normal((count, 1)) for scale in (0.08, 0.05))
    changed = moved * (1 + gain) + offset + 0.05 * random.standard_normal(beats.shape)
    return np.asarray(changed, np.float32)


def _without_dropout(model: keras.Model) -> keras.Model:
    plain = build()
    plain.set_weights(model.get_weights())
    return plain


def _keras_answers(model: keras.Model, beats: Floats) -> Floats:
    answers: Floats = model.predict(beats[..., None], batch_size=512, verbose=0)[:, 0]
    return answers


def _onnx_answers(model: Model, beats: Floats) -> Floats:
    """Of an ONNX model, one beat at a time as in use: a quantised one may answer otherwise in a batch."""
    name = model.inputs[0].name
    return np.array([model.run({name: beat[None, :, None]})[0].item() for beat in beats], np.float32)


def _accuracy(answers: Floats, abnormal: Floats) -> float:
    """Per cent of beats that are called right."""
    return float(100 * np.mean((answers >= 0.5) == (abnormal > 0.5)))


def _accuracy_row(found: list[float], split: str, count: int, value: float | None = None) -> dict[str, Any]:
    shown = float(np.median(found)) if value is None else value
    return {
        "metric": "accuracy",
        "value": round(shown, 3),
        "unit": "%",
        "split": split,
        "beats": count,
        "each": [round(one, 2) for one in found],
    }


def _confusion_row(split: str, model: keras.Model, beats: Floats, abnormal: Floats) -> dict[str, Any]:
    answers, sick = _keras_answers(model, beats) >= 0.5, abnormal > 0.5
    return {
        "metric": "accuracy",
        "value": round(float(100 * np.mean(answers == sick)), 3),
        "unit": "%",
        "split": split,
        "beats": len(beats),
        "sensitivity": round(float(100 * np.mean(answers[sick])), 2),
        "positive_predictivity": round(float(100 * np.mean(sick[answers])), 2),
    }
