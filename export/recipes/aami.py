"""The AAMI classifier: dense layers on what is known of each beat, an LSTM across beats, and the five classes N, S, V, F, Q (MIT-BIH).

The network is the mean of three, which are trained apart and then written as one chain of layers with three blocks each. Patients are
few, so each epoch takes them as other recordings might have them: see `augment`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from rtkit_ecg.beats import FEATURES

from export.data.ecg_augmentation import DescribedBeats, augment, describe_record
from export.data.mitdb import AAMI_SYMBOLS, read_mitdb
from export.pipeline.release import TensorInfo, TrainedModel
from export.pipeline.stateful import stateful
from export.pipeline.training import Examples, ResultCache, TrainingPlan, fit, make_deterministic, warm_up_cosine

#: Units of the dense layers and the LSTM of each of the networks whose mean is taken.
WIDTHS, UNITS, MEMBERS = (64, 48), 32, 3
PARAMETERS = 160_181
EPOCHS, WARM_UP_EPOCHS, BATCH = 14, 2, 24
#: Beats in a piece that is trained on, and the first of a piece that is no start, which count less: the network lacks its past.
PIECE_BEATS, UNSURE_BEATS, UNSURE_WEIGHT = 96, 4, 0.3
#: Variants of each record; an epoch takes one at random.
VARIANTS = 16
FOLDS = 5
#: Places of kernel, recurrent kernel and bias of the LSTM among the weights: behind kernel and bias of each dense layer.
LSTM_WEIGHTS = range(2 * len(WIDTHS), 2 * len(WIDTHS) + 3)
LABELS = tuple(AAMI_SYMBOLS)
#: What each class counts in all, whatever its number of beats: a choice that makes false S and missed S about as many.
CLASS_SHARES = np.array([0.6, 0.12, 0.28, 0.02, 0.01])
#: A normal beat that comes early (features of `rtkit_ecg.beats_kernel`: 4 log of RR by its slow mean) counts more: the others are easy.
EARLY_LOG_RR, EARLY_WEIGHT = -0.5, 2.0
EARLY_FEATURE = 144
#: Largest weight of one beat.
MAX_WEIGHT = 40.0
NOISE_DEVIATION = 0.2
#: By how much each class is preferred in the end, chosen on the unseen folds among a few values for V and S: V and S are found as often as
#: is wanted, for one percent point less positive predictivity of V.
CLASS_PREFERENCE = np.array([1, 1, 1.5, 1, 1])

Outcome = tuple[NDArray[np.int64], NDArray[np.int64]]


def build(members: int = MEMBERS, dropout: float = 0.0) -> keras.Model:
    """The network, not trained. Dropout has no parameters, and does nothing but in training."""
    layers = keras.layers
    value = beats = keras.Input((None, FEATURES), name="beats")
    for place, width in enumerate(WIDTHS):
        value = layers.Dense(members * width, activation="relu", name=f"dense_{place}")(value)
        if dropout:
            value = layers.Dropout(dropout)(value)
    value = layers.LSTM(members * UNITS, return_sequences=True, name="lstm")(value)
    if dropout:
        value = layers.Dropout(dropout)(value)
    return keras.Model(beats, layers.Dense(len(LABELS), activation="softmax", name="p")(value), name="aami")


def make(folder: Path, epochs: int | None, seed: int, work: Path) -> TrainedModel:
    """Judge the training on patients that it never saw, fold by fold; train what is shipped on all of them.

    Nothing is held back to stop a training: with 22 patients, of whom 7 have most of the S beats, each one counts, and the number of
    epochs is the same in all folds.

    Data: the records `export.data.mitdb.DS1`. See `export.recipes.Recipe.make`.
    """
    records, origin = read_mitdb(folder)
    recorded = [describe_record(record, np.random.default_rng([seed, place])) for place, record in enumerate(records)]
    varied = [
        [beats, *(augment(record, np.random.default_rng([seed, place, number])) for number in range(VARIANTS))]
        for place, (record, beats) in enumerate(zip(records, recorded, strict=True))
    ]
    done = ResultCache(work, origin.sha256)
    train = functools.partial(_train, epochs=epochs or EPOCHS, seed=seed, folder=done.folder, key=origin.sha256)
    outcomes: list[Outcome] = []
    for fold in range(FOLDS):
        model = train([one for place, one in enumerate(varied) if place % FOLDS != fold], title=f"fold {fold + 1} of {FOLDS}")
        outcomes += [(beats.classes, _predicted_classes(model, beats)) for beats in recorded[fold::FOLDS]]
    names = [record.name for fold in range(FOLDS) for record in records[fold::FOLDS]]
    model = train(varied, title="the model to ship")
    sequences = np.stack([beats.features[:200] for beats in recorded])
    return TrainedModel(
        name="aami",
        does=(
            "Says of each heartbeat which class it has after ANSI/AAMI EC57: N normal, S supraventricular ectopic, V ventricular ectopic, "
            "F fusion of both, Q unclassified; from the beat, the patient's earlier beats and the rhythm so far."
        ),
        limits=(
            "Not a medical device. Trained on half-hour records of 22 patients, so S, of which few patients have many, is uncertain: "
            "missed where runs of S come in a wide QRS complex, and falsely found in atrial fibrillation; aberrant S looks like V. "
            "F is called V or N, and Q is hardly ever said. Paced beats are unknown to it. The first beats of a signal are less certain."
        ),
        licence="ODC-BY 1.0 as the data: credit the MIT-BIH Arrhythmia Database and PhysioNet",
        model=model,
        parameters=PARAMETERS,
        tensors={
            "beats": TensorInfo("beats in order, each as rtkit_ecg.beats.BeatContext describes it", "1", (-6.0, 6.0)),
            "p": TensorInfo("probability of each class", "1", (0.0, 1.0)),
        },
        examples=None,
        form=stateful(model),
        sequences=sequences,
        data=[origin],
        metrics=_metrics(outcomes, names),
        labels=LABELS,
        made_by={"epochs": epochs or EPOCHS, "train_beats": sum(len(beats.classes) for beats in recorded), "networks": MEMBERS},
    )


def _train(patients: list[list[DescribedBeats]], epochs: int, seed: int, folder: Path, key: str, title: str) -> keras.Model:
    """Train the networks one after another on the variants of these patients; give their mean as one."""
    members = []
    for member in range(MEMBERS):
        number = seed * MEMBERS + member
        make_deterministic(number)
        model = build(1, dropout=0.25)
        plan = TrainingPlan(f"{title}, network {member + 1} of {MEMBERS}", epochs, BATCH, number)
        examples = _examples(patients)
        steps = -(-len(examples(np.random.default_rng(0))[0]) // BATCH)
        rate = warm_up_cosine(2e-3, epochs * steps, WARM_UP_EPOCHS * steps, start=1e-5, floor=0.01)
        model.compile(keras.optimizers.AdamW(rate, weight_decay=1e-3, clipnorm=1.0), "sparse_categorical_crossentropy")
        # a folder for each: those that are done are taken from it by a run that goes on
        model, _ = fit(model, examples, None, plan, folder / plan.title.replace(" ", "-"), key)
        members.append(model.get_weights())
    together = build()
    *weights, bias = _block_weights(members)
    together.set_weights([*weights, bias + np.log(CLASS_PREFERENCE).astype(np.float32)])
    return together


def _block_weights(members: Sequence[Sequence[NDArray[np.float32]]]) -> list[NDArray[np.float32]]:
    """Weights of one network that holds those of all members as blocks, and gives the mean of their answers before the softmax."""
    count = len(members)
    together: list[NDArray[np.float32]] = []
    for place, parts in enumerate(zip(*members, strict=True)):
        gates = 4 if place in LSTM_WEIGHTS else 1
        is_output = place > LSTM_WEIGHTS[-1]
        if parts[0].ndim == 1:
            joined = np.mean(parts, axis=0) if is_output else _join_by_gate([part[None] for part in parts], gates, shared=True)[0]
        elif is_output:
            joined = np.concatenate(parts) / count
        else:
            joined = _join_by_gate(parts, gates, shared=place == 0)
        together.append(joined.astype(np.float32))
    return together


def _join_by_gate(parts: Sequence[NDArray[np.float32]], gates: int, shared: bool) -> NDArray[np.float32]:
    """Matrices as blocks of a large one: side by side if they share their input, else along the diagonal; each gate by itself."""
    rows = sum(len(part) for part in parts)
    blocks = []
    for gate in range(gates):
        columns = []
        start = 0
        for part in parts:
            width = part.shape[1] // gates
            own = part[:, gate * width : (gate + 1) * width]
            if not shared:
                own = np.pad(own, ((start, rows - start - len(part)), (0, 0)))
                start += len(part)
            columns.append(own)
        blocks.append(np.concatenate(columns, axis=1))
    return np.concatenate(blocks, axis=1)


def _examples(patients: list[list[DescribedBeats]]) -> Callable[[np.random.Generator], Examples]:
    """What gives an epoch: of each patient one variant, in pieces, in random order."""
    numbers = np.array([np.mean([np.bincount(one.classes, minlength=len(LABELS)) for one in variants], axis=0) for variants in patients])
    # of the share of its class, a patient has the square root of what it has of the beats: none dominates
    portions = np.sqrt(numbers)
    portions /= np.maximum(portions.sum(axis=0), 1e-9)
    each = np.minimum(CLASS_SHARES * portions / np.maximum(numbers, 1e-9) * numbers.sum(), MAX_WEIGHT)

    def examples(random: np.random.Generator) -> Examples:
        pieces = []
        for variants, weights in zip(patients, each, strict=True):
            one = variants[random.integers(len(variants))]
            pieces += _pieces(one, weights, int(random.integers(PIECE_BEATS)))
        order = random.permutation(len(pieces))
        features, classes, weights = (np.stack([pieces[place][part] for place in order]) for part in range(3))
        features += NOISE_DEVIATION * random.standard_normal(features.shape, dtype=np.float32)
        return features, classes, weights

    return examples


def _pieces(beats: DescribedBeats, weights: NDArray[np.float64], offset: int) -> list[tuple[NDArray[Any], ...]]:
    """Pieces of one length, the first and last filled up with beats that do not count."""
    weight = weights[beats.classes]
    weight[(beats.classes == 0) & (beats.features[:, EARLY_FEATURE] < EARLY_LOG_RR)] *= EARLY_WEIGHT
    pieces: list[tuple[NDArray[Any], ...]] = []
    for start in range(offset - PIECE_BEATS, len(weight), PIECE_BEATS):
        rows = slice(max(start, 0), min(start + PIECE_BEATS, len(weight)))
        rest = (0, PIECE_BEATS - (rows.stop - rows.start))
        if rest[1] > PIECE_BEATS - 16:
            continue
        counted = np.pad(weight[rows], rest)
        if rows.start > 0:
            counted[:UNSURE_BEATS] *= UNSURE_WEIGHT
        pieces.append((np.pad(beats.features[rows], (rest, (0, 0))), np.pad(beats.classes[rows], rest), counted.astype(np.float32)))
    return pieces


def _predicted_classes(model: keras.Model, beats: DescribedBeats) -> NDArray[np.int64]:
    """The most probable class of each beat of a record, heard from its start."""
    answers: NDArray[np.int64] = model.predict(beats.features[None], verbose=0)[0].argmax(axis=1)
    return answers


def _metrics(outcomes: list[Outcome], names: list[str]) -> list[dict[str, Any]]:
    """Figures of all beats together; and of each record how many beats of each class were called what."""
    true, said = (np.concatenate(parts) for parts in zip(*outcomes, strict=True))
    split = (
        f"{FOLDS} folds by patient, {len(names)} patients, beats of all unseen folds together; "
        "one number, the preference for V, was chosen on them"
    )
    rows: list[dict[str, Any]] = []
    for place, label in enumerate(LABELS):
        both = int(np.sum((true == place) & (said == place)))
        there, called = int(np.sum(true == place)), int(np.sum(said == place))
        for name, value in (("sensitivity", both / max(1, there)), ("positive predictivity", both / max(1, called))):
            rows.append({"metric": f"{label} {name}", "value": round(100 * value, 2), "unit": "%", "split": split, "beats": there})
    counted = (said == LABELS.index("V")) & ~np.isin(true, (LABELS.index("F"), LABELS.index("Q")))
    right = float(np.mean(true[counted] == LABELS.index("V"))) if counted.any() else 0.0
    row = {"metric": "V positive predictivity, F and Q not counted, as EC57 has it", "value": round(100 * right, 2), "unit": "%"}
    rows.append(row | {"split": split, "beats": int(counted.sum())})
    both, there, called = (int(np.sum(which)) for which in ((true > 0) & (said > 0), true > 0, said > 0))
    rows.append({"metric": "abnormal F1", "value": round(2 * both / (there + called), 4), "unit": "1", "split": split, "beats": len(true)})
    counts = {
        name: np.bincount(len(LABELS) * one + two, minlength=25).reshape(5, 5).tolist()
        for name, (one, two) in zip(names, outcomes, strict=True)
    }
    rows.append(
        {"metric": "accuracy", "value": round(float(100 * np.mean(true == said)), 2), "unit": "%", "split": split, "records": counts}
    )
    return rows
