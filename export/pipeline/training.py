"""Training: epoch by epoch, the same for the same seed, with early stopping, and resumed where it was cut off."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

Array = NDArray[Any]
#: Of Keras, which has no types.
LearningRateSchedule = Any
#: Inputs and targets, and perhaps a weight for each.
Examples = tuple[Array, Array] | tuple[Array, Array, Array]
#: What lies beside a checkpoint's weights: `Checkpoint`.
CHECKPOINT_FILE = "notes.json"


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How to train.

    Parameters
    ----------
    title : str
        For the progress bar.
    epochs : int
        At most so many.
    batch : int
        Examples in a step.
    seed : int
        Of everything that is random.
    patience : int, optional
        Stop after so many epochs without a better loss on the validation split, and take the best. A training that comes to its planned
        end keeps the last: its step size has come down, and the best of many noisy losses is often an accident.
    """

    title: str
    epochs: int
    batch: int
    seed: int
    patience: int | None = None


@dataclass(slots=True)
class Checkpoint:
    """How far a training has come: what a checkpoint says beside the weights; `losses` of each epoch, in training and validation."""

    key: str
    epoch: int = 0
    best: float = float("inf")
    best_epoch: int = 0
    losses: list[tuple[float, float | None]] = field(default_factory=list)


class ResultCache:
    """Results of trainings that are done, in a file of the work folder: a run that was cut off does not train them again.

    Parameters
    ----------
    work : Path
        The folder.
    key : str
        What the results depend on; those of another key are not used.
    """

    def __init__(self, work: Path, key: str) -> None:
        #: Where the training that is under way keeps its checkpoints.
        self.folder = work / "training"
        self._path = work / "finished.json"
        self._key = key
        try:
            kept = json.loads(self._path.read_text())
        except (OSError, ValueError):  # none yet, or cut off
            kept = {}
        self._results: dict[str, float] = kept.get("results", {}) if kept.get("key") == key else {}

    @staticmethod
    def clear(work: Path) -> None:
        """Remove what trainings left in a work folder, and the folder, if nothing else is in it."""
        shutil.rmtree(work / "training", ignore_errors=True)
        (work / "finished.json").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            work.rmdir()

    def once(self, name: str, run: Callable[[], float]) -> float:
        """The result of `run`, from the file if it is there."""
        if name not in self._results:
            self._results[name] = run()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part = self._path.with_suffix(".part")
            part.write_text(json.dumps({"key": self._key, "results": self._results}))
            part.replace(self._path)
        return self._results[name]


def warm_up_cosine(
    peak: float, total_steps: int, warm_up_steps: int = 0, *, start: float = 0.0, floor: float = 0.0
) -> LearningRateSchedule:
    """A learning rate that rises in a line from `start` to `peak`, then falls as half a cosine (I. Loshchilov, F. Hutter: SGDR, 2017).

    Parameters
    ----------
    peak : float
        Largest learning rate.
    total_steps : int
        Steps of the whole training, warm-up included.
    warm_up_steps : int
        Of these, steps of the rise; with none the training begins at the peak.
    start : float
        Learning rate of the first step of the warm-up.
    floor : float
        Learning rate at the end, as a share of the peak.
    """
    schedule = keras.optimizers.schedules.CosineDecay
    if warm_up_steps == 0:
        return schedule(peak, total_steps, alpha=floor)
    decay_steps = max(total_steps - warm_up_steps, 1)
    return schedule(start, decay_steps, alpha=floor, warmup_target=peak, warmup_steps=warm_up_steps)


def make_deterministic(seed: int) -> None:
    """Start everything random from `seed`, and have TensorFlow do the same sums in the same order each time."""
    import tensorflow

    tensorflow.get_logger().setLevel("ERROR")  # it complains of each new model that it has to trace it
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()


def fit(
    model: keras.Model,
    examples: Callable[[np.random.Generator], Examples],
    validation: tuple[Array, Array] | None,
    plan: TrainingPlan,
    work: Path,
    key: str = "",
) -> tuple[keras.Model, int]:
    """Train a compiled model.

    Parameters
    ----------
    model : keras.Model
        Compiled.
    examples : callable
        Gives the inputs and targets (and weights) of an epoch, in the order in which they are taken, from a generator that depends on seed
        and epoch alone; so a training that was cut off goes on as if it had not been.
    validation : tuple of ndarray, optional
        Inputs and targets of the split that stops it.
    plan : TrainingPlan
        How to train.
    work : Path
        Folder for checkpoints. The last one stays: what follows the training may fail and be run again.
    key : str
        What the training depends on beside the plan: a checkpoint of another key is not taken up.

    Returns
    -------
    model : keras.Model
        Trained; perhaps not the object that was given.
    epochs : int
        How many epochs its weights have seen.
    """
    key = f"{plan} {key}"
    model, checkpoint = _resume(model, work, key)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}  {task.fields[loss]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task(plan.title, total=plan.epochs, completed=checkpoint.epoch, loss="")
        while checkpoint.epoch < plan.epochs and not _should_stop(checkpoint, plan):
            _reseed(model, plan.seed, checkpoint.epoch)
            x, y, *weight = examples(np.random.default_rng([plan.seed, checkpoint.epoch]))
            settings = {"batch_size": plan.batch, "shuffle": False, "verbose": 0, "sample_weight": weight[0] if weight else None}
            loss = model.fit(x, y, **settings).history["loss"][-1]
            shown, judged = f"loss {loss:.4f}", None
            checkpoint.epoch += 1
            if validation is not None:
                judged = float(model.evaluate(*validation, batch_size=512, verbose=0, return_dict=True)["loss"])
                shown += f", validation {judged:.4f}"
                if judged < checkpoint.best:
                    checkpoint.best, checkpoint.best_epoch = judged, checkpoint.epoch
                    model.save_weights(work / "best.weights.h5")
            checkpoint.losses.append((float(loss), judged))
            _save_checkpoint(model, work, checkpoint)
            progress.update(task, completed=checkpoint.epoch, loss=shown)
    seen = checkpoint.epoch
    if _should_stop(checkpoint, plan):
        model.load_weights(work / "best.weights.h5")
        seen = checkpoint.best_epoch
    return model, seen


def losses_of(work: Path) -> list[tuple[float, float | None]]:
    """The losses of each epoch, in training and validation, of a training whose last checkpoint is in `work`."""
    return Checkpoint(**json.loads((work / CHECKPOINT_FILE).read_text())).losses


def _reseed(model: keras.Model, seed: int, epoch: int) -> None:
    """Start the layers' own random numbers (dropout) from seed and epoch: a checkpoint does not keep them."""
    for layer in model.layers:
        if hasattr(layer, "seed_generator"):
            layer.seed_generator.state.assign([seed, epoch])


def _should_stop(checkpoint: Checkpoint, plan: TrainingPlan) -> bool:
    return plan.patience is not None and checkpoint.epoch - checkpoint.best_epoch >= plan.patience and checkpoint.best_epoch > 0


def _save_checkpoint(model: keras.Model, work: Path, checkpoint: Checkpoint) -> None:
    """Keep weights and optimiser; the file of notes comes last, and names the other by its epoch."""
    model.save(work / f"epoch-{checkpoint.epoch}.keras")
    notes = work / f"{CHECKPOINT_FILE}.part"
    notes.write_text(json.dumps(asdict(checkpoint)))
    notes.replace(work / CHECKPOINT_FILE)
    (work / f"epoch-{checkpoint.epoch - 1}.keras").unlink(missing_ok=True)


def _resume(model: keras.Model, work: Path, key: str) -> tuple[keras.Model, Checkpoint]:
    notes = work / CHECKPOINT_FILE
    if notes.is_file():
        checkpoint = Checkpoint(**json.loads(notes.read_text()))
        if checkpoint.key == key:
            return keras.models.load_model(work / f"epoch-{checkpoint.epoch}.keras"), checkpoint
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    return model, Checkpoint(key)
