"""The refiner of the residual echo suppressor: a dense layer, an LSTM over blocks of 8 ms, and by how much each band's gain should change.

It learns from simulated calls that went through the linear stage and the rule of `echo`: their gains, changed by its answer, should leave
the talker and the noise, the latter as much lower as the rule has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from rtkit_echo import refiner_kernel, suppressor_kernel
from rtkit_echo.fourier import plan
from rtkit_echo.linear import LinearStage, block_size
from rtkit_echo.refiner import FeatureExtractor
from rtkit_echo.suppressor import Suppressor, window

from export.data import Floats
from export.data.call_simulation import CALL_S, RATE_HZ, Call, Material, read_material, simulate_call
from export.pipeline.release import TensorInfo, TrainedModel
from export.pipeline.stateful import stateful
from export.pipeline.training import ResultCache, TrainingPlan, fit, make_deterministic, warm_up_cosine

#: Of the filter in front (s), as `echo` has it by default.
TAIL_S = 0.5
BLOCK_SAMPLES = block_size(RATE_HZ)
EXTRACTOR = FeatureExtractor(BLOCK_SAMPLES + 1)
BANDS = EXTRACTOR.bands
FEATURES = BANDS * refiner_kernel.RATIOS + refiner_kernel.EXTRAS
#: Units of the dense layer and of the LSTM.
WIDTH, UNITS = 96, 144
PARAMETERS = 159_104
#: Calls to learn from and to judge by, and blocks in a piece of one.
TRAINING_CALLS, HELD_OUT_CALLS, PIECE_BLOCKS = 1100, 60, 500
#: An epoch takes one piece in so many.
EPOCHS, BATCH, EPOCH_DIVISOR = 130, 32, 8
#: Epochs in which the learning rate rises.
WARM_UP_EPOCHS = 4
#: Loudness is about this power of the power.
LOUDNESS_EXPONENT = 0.2
#: What a difference of levels counts beside one of loudness.
LEVEL_WEIGHT = 0.001
MIN_POWER = 1e-9
#: Someone speaks at the near end where there should be so many times the noise.
SPEECH_TO_NOISE = 2.0


@dataclass(frozen=True, slots=True)
class SuppressorExamples:
    """What is learned from, all float16 ``[n, time, …]``.

    Parameters
    ----------
    features : ndarray
        What the network is told.
    judged : ndarray
        ``[…, 4 * bins + 2]``: logarithms of the odds of the rule's gains, of the powers of what the linear stage left, of what should be
        left of it and of the noise, and of the call's loudness; and whether it counts: not where everything passes in any case.
    """

    features: NDArray[np.float16]
    judged: NDArray[np.float16]


def build() -> keras.Model:
    """The network, not trained."""
    layers = keras.layers
    blocks = keras.Input((None, FEATURES), name="blocks")
    value = layers.Dense(WIDTH, activation="relu", name="dense")(blocks)
    value = layers.LSTM(UNITS, return_sequences=True, name="lstm")(value)
    return keras.Model(blocks, layers.Dense(BANDS, kernel_initializer="zeros", name="change")(value), name="echo_suppressor")


def describe_call(call: Call) -> tuple[Floats, Floats]:
    """Features and what is judged by, ``[time, …]``, of one call."""
    blocks, bins = len(call.near) // BLOCK_SAMPLES, BLOCK_SAMPLES + 1
    near, far, talker, noise = (
        signal[: blocks * BLOCK_SAMPLES].reshape(blocks, BLOCK_SAMPLES).astype(np.float32)
        for signal in (call.near, call.far, call.talker, call.noise)
    )
    suppressor = Suppressor(RATE_HZ, BLOCK_SAMPLES)
    spectra = suppressor.analyse(LinearStage(RATE_HZ, TAIL_S)(near, far[:, :, None]))
    wanted = talker + np.float32(suppressor_kernel.COMFORT_NOISE**0.5) * noise
    real, imaginary = (np.empty((blocks, bins, 2), np.float32) for _ in range(2))
    room = np.zeros((2 * BLOCK_SAMPLES, 2), np.float32)
    suppressor_kernel.analyse(
        wanted,
        wanted,
        window(BLOCK_SAMPLES),
        suppressor_kernel.suppressor_state(BLOCK_SAMPLES),
        real,
        imaginary,
        room,
        plan(BLOCK_SAMPLES, 2),
    )
    left, aim = (r[:, :, 0] ** 2 + i[:, :, 0] ** 2 for r, i in ((spectra.real, spectra.imaginary), (real, imaginary)))
    gain = np.clip(spectra.gain, refiner_kernel.ODDS_MARGIN, 1 - refiner_kernel.ODDS_MARGIN)
    loudest = np.broadcast_to(np.quantile(left.mean(axis=1), 0.95), (blocks, 1))
    judged = [np.log(gain / (1 - gain)), *(np.log(power + MIN_POWER) for power in (left, aim, spectra.noise, loudest))]
    opened = np.zeros((blocks, 1), np.float32)
    suppressor.open_gains(spectra.activity, opened)
    return EXTRACTOR(spectra), np.concatenate([*judged, 1 - opened], axis=1)


def describe_calls(material: Material, count: int, seed: int) -> SuppressorExamples:
    """Examples of so many calls, in pieces of `PIECE_BLOCKS` blocks."""
    features: list[NDArray[np.float16]] = []
    judged: list[NDArray[np.float16]] = []
    for number in range(count):
        call = simulate_call(material, np.random.default_rng([seed, number]))
        for found, parts in zip(describe_call(call), (features, judged), strict=True):
            pieces = len(found) // PIECE_BLOCKS
            parts.append(found[: pieces * PIECE_BLOCKS].reshape(pieces, PIECE_BLOCKS, -1).astype(np.float16))
    return SuppressorExamples(np.concatenate(features), np.concatenate(judged))


def cached(path: Path, make: Callable[[], SuppressorExamples]) -> SuppressorExamples:
    """What `make` gives, from the files at `path` if they are there: a run that was cut off does not simulate again."""
    names = [path.with_name(f"{path.name}-{field.name}.npy") for field in fields(SuppressorExamples)]
    if not all(name.is_file() for name in names):
        made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        for name, array in zip(names, (made.features, made.judged), strict=True):
            part = name.with_suffix(".part")
            with part.open("wb") as file:
                np.save(file, array)
            part.replace(name)
    return SuppressorExamples(*(np.load(name, mmap_mode="r") for name in names))


def _band_mixing() -> Floats:
    """The triangles as a matrix ``[bins, bands]``."""
    found = np.zeros((BLOCK_SAMPLES + 1, BANDS), np.float32)
    rows = np.arange(BLOCK_SAMPLES + 1)
    found[rows, EXTRACTOR.place] += 1 - EXTRACTOR.share
    found[rows, EXTRACTOR.place + 1] += EXTRACTOR.share
    return found


MIXING = _band_mixing()


def passed_powers(judged: Any, change: Any) -> tuple[Any, Any]:
    """Powers ``[…, bands]`` of what passes the changed gains, with comfort noise, and of what should."""
    ops, bins = keras.ops, BLOCK_SAMPLES + 1
    odds, left, aim, noise = (judged[..., part * bins : (part + 1) * bins] for part in range(4))
    squared = ops.square(ops.sigmoid(odds + ops.matmul(change, MIXING.T)))
    comfort = ops.maximum(suppressor_kernel.COMFORT_NOISE - squared, 0.0) * ops.exp(noise)
    return tuple(ops.matmul(power, MIXING) + MIN_POWER for power in (squared * ops.exp(left) + comfort, ops.exp(aim)))


def loss(judged: Any, change: Any) -> Any:
    """How far what passes is from what should, in loudness and level."""
    ops = keras.ops
    judged = ops.cast(judged, "float32")
    passed, wanted = passed_powers(judged, change)
    loudness = ops.power(passed, LOUDNESS_EXPONENT) - ops.power(wanted, LOUDNESS_EXPONENT)
    loudness = loudness * ops.exp(-LOUDNESS_EXPONENT * judged[..., -2:-1])
    level = ops.log(passed / wanted)
    return judged[..., -1] * ops.mean(ops.square(loudness) + LEVEL_WEIGHT * ops.square(ops.clip(level, -4.0, 4.0)), axis=-1)


def make(folder: Path, epochs: int | None, seed: int, work: Path) -> TrainedModel:
    """Train on simulated calls of some talkers in some rooms; judge on those of others.

    Data: as `export.data.call_simulation.read_material` wants it. See `export.recipes.Recipe.make`.
    """
    train, held, origin = read_material(folder)
    done = ResultCache(work, f"{origin.sha256} {seed}")
    made = done.folder / f"{origin.sha256[:8]}-{seed}"
    learned = cached(made / "learned", lambda: describe_calls(train, TRAINING_CALLS, 2 * seed))
    unseen = cached(made / "unseen", lambda: describe_calls(held, HELD_OUT_CALLS, 2 * seed + 1))
    model = _train(learned, epochs or EPOCHS, seed, done.folder / "network", origin.sha256)
    real = np.asarray(unseen.features[:16], np.float32)
    return TrainedModel(
        name="echo_suppressor",
        does=(
            "Says block by block how the gains of echo's residual echo suppressor should change in each of 32 bands, so that the talker "
            "passes and the echo does not."
        ),
        limits=(
            f"For the linear stage and the rule of `echo` that it learned with, at {RATE_HZ} Hz. Learned from read English speech of "
            "nine talkers, varied in pace, and rooms that are mostly made; not from music, nor from recordings of real calls."
        ),
        licence="CC BY 4.0 as the speech: credit LibriSpeech (V. Panayotov et al., ICASSP 2015)",
        model=model,
        parameters=PARAMETERS,
        tensors={
            "blocks": TensorInfo("blocks of 8 ms, each as rtkit_echo.refiner.FeatureExtractor gives it", "1", (-3.0, 3.0)),
            "change": TensorInfo("logarithm of a factor to the odds of the gain in each band", "1"),
        },
        examples=real,
        form=stateful(model),
        sequences=real,
        data=[origin],
        metrics=_metrics(model, unseen),
        rate=float(RATE_HZ),
        made_by={"epochs": epochs or EPOCHS, "calls": TRAINING_CALLS, "seconds_a_call": CALL_S},
    )


def _train(learned: SuppressorExamples, epochs: int, seed: int, work: Path, key: str) -> keras.Model:
    make_deterministic(seed)
    model = build()
    count = len(learned.features) // EPOCH_DIVISOR
    steps = max(1, count // BATCH)
    rate = warm_up_cosine(2e-3, epochs * steps, WARM_UP_EPOCHS * steps, start=1e-4, floor=0.02)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=1e-4, clipnorm=1.0), loss)

    def epoch(random: np.random.Generator) -> tuple[Floats, Floats]:
        chosen = random.permutation(len(learned.features))[:count]
        return np.asarray(learned.features[chosen], np.float32), np.asarray(learned.judged[chosen], np.float32)

    trained, _ = fit(model, epoch, None, TrainingPlan("echo_suppressor", epochs, BATCH, seed), work, key)
    return trained


def _metrics(model: keras.Model, unseen: SuppressorExamples) -> list[dict[str, Any]]:
    """The rule, and the rule refined, on calls of talkers and in rooms that were held out."""
    split = f"{HELD_OUT_CALLS} simulated calls of {CALL_S} s, of two talkers and two rooms that were held out"
    judged = np.asarray(unseen.judged, np.float32)
    rows: list[dict[str, Any]] = []
    for name, change in (("the rule alone", np.zeros((*judged.shape[:2], BANDS), np.float32)), ("refined", _predict(model, unseen))):
        passed, wanted = (np.asarray(power) for power in passed_powers(judged, change))
        speaks = np.sum(wanted, axis=-1) > SPEECH_TO_NOISE * np.sum(_noise_power(judged), axis=-1)
        counts = judged[..., -1] > 0
        off = 10 * np.log10(passed / wanted)
        echo = 10 * np.log10(np.sum(passed[counts & ~speaks]) / np.sum(wanted[counts & ~speaks]))
        figures = {
            "what passes against what should, nobody at the near end": (echo, "dB"),
            "difference of levels of bands, talker": (np.sqrt(np.mean(np.square(off[counts & speaks]))), "dB"),
            "loss": (np.mean(loss(judged, change)), "1"),
        }
        rows += [
            {"metric": metric, "value": round(float(value), 5), "unit": unit, "split": f"{name}; {split}"}
            for metric, (value, unit) in figures.items()
        ]
    return rows


def _predict(model: keras.Model, unseen: SuppressorExamples) -> Floats:
    answers: Floats = model.predict(np.asarray(unseen.features, np.float32), batch_size=BATCH, verbose=0)
    return answers


def _noise_power(judged: Floats) -> Floats:
    """Power ``[…, bands]`` of the noise."""
    powers: Floats = np.exp(judged[..., 3 * (BLOCK_SAMPLES + 1) : 4 * (BLOCK_SAMPLES + 1)]) @ MIXING
    return powers
