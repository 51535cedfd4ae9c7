"""The NARX identifier: 20 sigmoid units and a linear one on five regressors, for the Silverbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from export.data import Floats
from export.data.silverbox import RATE_HZ, read_silverbox
from export.pipeline.release import TensorInfo, TrainedModel
from export.pipeline.training import ResultCache, TrainingPlan, fit, make_deterministic, warm_up_cosine
from rtkit.models import Model

#: Past samples among the regressors: u[k], u[k-1], u[k-2], y[k-1], y[k-2].
ORDER = 2
REGRESSORS, HIDDEN_UNITS, PARAMETERS = 2 * ORDER + 1, 20, 141
EPOCHS, BATCH = 120, 128
#: The benchmark's split: training and validation, the last quarter of the multisines, the arrow-shaped noise.
TRAIN_ROWS, TEST_ROWS, ARROW_ROWS = slice(40650, 105712), slice(105712, 127400), slice(100, 40575)
VALIDATION_SHARE = 0.2
#: Measured samples with which a free run starts, after which errors count.
INITIAL_SAMPLES = 50


def build() -> keras.Model:
    """The network, not trained."""
    regressors = keras.Input((REGRESSORS,), name="regressors")
    hidden = keras.layers.Dense(HIDDEN_UNITS, activation="sigmoid", name="hidden")(regressors)
    return keras.Model(regressors, keras.layers.Dense(1, name="y")(hidden), name="narx")


def make(folder: Path, epochs: int | None, seed: int, work: Path) -> TrainedModel:
    """Train one-step prediction on the benchmark's training part, the last fifth of it to stop; judge one-step and free-run errors.

    Data: ``silverbox_SNLS80mV.mat``. See `export.recipes.Recipe.make`.
    """
    u, y, origin = read_silverbox(folder)
    rows, targets = regressors(u[TRAIN_ROWS], y[TRAIN_ROWS])
    cut = round((1 - VALIDATION_SHARE) * len(rows))
    scale = np.array([u[TRAIN_ROWS].std()] * (ORDER + 1) + [y[TRAIN_ROWS].std()] * ORDER, np.float32)
    learned, seen = _train(
        rows / scale, targets / scale[-1], cut, epochs or EPOCHS, seed, ResultCache(work, f"{origin.sha256} {epochs} {seed}")
    )
    model = _in_volts(learned, scale)
    low_high = tuple(float(edge) for edge in (rows.min(), rows.max()))
    return TrainedModel(
        name="narx",
        does="Predicts the next output of the Silverbox (an electronic Duffing oscillator) from its input and its last two outputs.",
        limits="For this device, at this sample rate, and for inputs as large as those that it was trained with.",
        licence="MIT, as the copy of the data; cite T. Wigren, J. Schoukens, ECC 2013",
        model=model,
        parameters=PARAMETERS,
        tensors={
            "regressors": TensorInfo("u[k], u[k-1], u[k-2], y[k-1], y[k-2]", "V", (low_high[0], low_high[1])),
            "y": TensorInfo("prediction of y[k]", "V"),
            "signal": TensorInfo("u and y, sample by sample; y[k] is not used for the prediction of y[k]", "V"),
        },
        examples=rows[:cut],
        form=stateful_form(model),
        sequences=np.stack((u[TEST_ROWS], y[TEST_ROWS]), axis=1)[: 16 * 256].reshape(16, 256, 2),
        score=lambda onnx: -_one_step(_runner(onnx), u[TRAIN_ROWS][cut:], y[TRAIN_ROWS][cut:]),
        margin=0.002,
        data=[origin],
        metrics=[
            row
            for name, part in (("multisine test", TEST_ROWS), ("arrow, with extrapolation", ARROW_ROWS))
            for row in _error_rows(model, name, u[part], y[part])
        ],
        rate=RATE_HZ,
        made_by={"epochs": seen, "train_rows": cut, "validation_rows": len(rows) - cut},
    )


def regressors(u: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Rows u[k], u[k-1], u[k-2], y[k-1], y[k-2], and the targets y[k]."""
    count = len(y)
    columns = [u[ORDER - lag : count - lag] for lag in range(ORDER + 1)] + [y[ORDER - lag : count - lag] for lag in range(1, ORDER + 1)]
    return np.stack(columns, axis=1).astype(np.float32), y[ORDER:]


def stateful_form(model: keras.Model) -> tuple[keras.Model, dict[str, str]]:
    """The stateful form: u and y of any number of samples, and the last two of them as the state."""
    signal = keras.Input((None, 2), name="signal")
    past = keras.Input((ORDER, 2), name="past")
    line = keras.layers.Concatenate(axis=1)([past, signal])
    # lag 0 of y is not among them: a prediction does not see what it predicts
    lags = [(0, lag) for lag in range(ORDER + 1)] + [(1, lag) for lag in range(1, ORDER + 1)]
    columns = [line[:, ORDER - lag : -lag or None, channel : channel + 1] for channel, lag in lags]
    rows = keras.layers.Concatenate(axis=2)(columns)
    out = model.get_layer("y")(model.get_layer("hidden")(rows))
    rest = keras.layers.Reshape((ORDER, 2))(line[:, -ORDER:])
    return keras.Model([signal, past], [out, rest]), {"past": "past_out"}


def _train(rows: Floats, targets: Floats, cut: int, epochs: int, seed: int, done: ResultCache) -> tuple[keras.Model, int]:
    make_deterministic(seed)
    model = build()
    rate = warm_up_cosine(1e-2, epochs * -(-cut // BATCH), floor=1e-3)
    model.compile(keras.optimizers.Adam(rate), "mse")

    def examples(random: np.random.Generator) -> tuple[Floats, Floats]:
        order = random.permutation(cut)
        return rows[order], targets[order, None]

    return fit(model, examples, (rows[cut:], targets[cut:, None]), TrainingPlan("narx", epochs, BATCH, seed, patience=40), done.folder)


def _in_volts(learned: keras.Model, scale: Floats) -> keras.Model:
    """The same network with the scaling of its inputs and output in its weights."""
    first, bias, second, offset = learned.get_weights()
    model = build()
    model.set_weights([first / scale[:, None], bias, second * scale[-1], offset * scale[-1]])
    return model


def _runner(model: Model) -> Any:
    name = model.inputs[0].name
    return lambda rows: model.run({name: rows})[0][:, 0]


def _one_step(predict: Any, u: Floats, y: Floats) -> float:
    """Root mean square of the one-step error (mV), after the initial samples."""
    rows, targets = regressors(u, y)
    error = (predict(rows) - targets)[INITIAL_SAMPLES - ORDER :]
    return float(1e3 * np.sqrt(np.mean(np.square(error, dtype=np.float64))))


def _free_run(model: keras.Model, u: Floats, y: Floats) -> float:
    """Root mean square error (mV) when the network is fed its own outputs; infinite if it diverges."""
    first, bias, second, offset = (weight.astype(np.float64) for weight in model.get_weights())
    out = y.astype(np.float64)
    for k in range(INITIAL_SAMPLES, len(y)):
        row = np.concatenate((u[k - ORDER : k + 1][::-1], out[k - ORDER : k][::-1]))
        out[k] = (1 / (1 + np.exp(-(row @ first + bias)))) @ second[:, 0] + offset[0]
        if not abs(out[k]) < 1e6:
            return float("inf")
    return float(1e3 * np.sqrt(np.mean(np.square(out - y)[INITIAL_SAMPLES:])))


def _error_rows(model: keras.Model, split: str, u: Floats, y: Floats) -> list[dict[str, Any]]:
    one = _one_step(lambda rows: model.predict(rows, batch_size=4096, verbose=0)[:, 0], u, y)
    figures = (("one-step RMSE", one), ("free-run RMSE", _free_run(model, u, y)))
    return [
        {"metric": name, "value": round(value, 4), "unit": "mV", "split": split, "samples": len(y) - INITIAL_SAMPLES}
        for name, value in figures
    ]
