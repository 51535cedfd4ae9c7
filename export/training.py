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
#: Inputs and targets, and perhaps a weight for each.
Examples = tuple[Array, Array] | tuple[Array, Array, Array]
#: What lies beside a checkpoint's weights: `Progressed`.
NOTES = "notes.json"


@dataclass(frozen=True, slots=True)
class Plan:
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
class Progressed:
    """How far a training has come: what a checkpoint says beside the weights; `losses` of each epoch, in training and validation."""

    key: str
    epoch: int = 0
    best: float = float("inf")
    best_epoch: int = 0
    losses: list[tuple[float, float | None]] = field(default_factory=list)


class Finished:
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
    plan: Plan,
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
    plan : Plan
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
    model, at = _resume(model, work, key)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}  {task.fields[loss]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task(plan.title, total=plan.epochs, completed=at.epoch, loss="")
        while at.epoch < plan.epochs and not _stale(at, plan):
            _reseed(model, plan.seed, at.epoch)
            x, y, *weight = examples(np.random.default_rng([plan.seed, at.epoch]))
            settings = {"batch_size": plan.batch, "shuffle": False, "verbose": 0, "sample_weight": weight[0] if weight else None}
            loss = model.fit(x, y, **settings).history["loss"][-1]
            shown, judged = f"loss {loss:.4f}", None
            at.epoch += 1
            if validation is not None:
                judged = float(model.evaluate(*validation, batch_size=512, verbose=0, return_dict=True)["loss"])
                shown += f", validation {judged:.4f}"
                if judged < at.best:
                    at.best, at.best_epoch = judged, at.epoch
                    model.save_weights(work / "best.weights.h5")
            at.losses.append((float(loss), judged))
            _checkpoint(model, work, at)
            progress.update(task, completed=at.epoch, loss=shown)
    seen = at.epoch
    if _stale(at, plan):
        model.load_weights(work / "best.weights.h5")
        seen = at.best_epoch
    return model, seen


def losses(work: Path) -> list[tuple[float, float | None]]:
    """The losses of each epoch, in training and validation, of a training whose last checkpoint is in `work`."""
    return Progressed(**json.loads((work / NOTES).read_text())).losses


def _reseed(model: keras.Model, seed: int, epoch: int) -> None:
    """Start the layers' own random numbers (dropout) from seed and epoch: a checkpoint does not keep them."""
    for layer in model.layers:
        if hasattr(layer, "seed_generator"):
            layer.seed_generator.state.assign([seed, epoch])


def _stale(at: Progressed, plan: Plan) -> bool:
    return plan.patience is not None and at.epoch - at.best_epoch >= plan.patience and at.best_epoch > 0


def _checkpoint(model: keras.Model, work: Path, at: Progressed) -> None:
    """Keep weights and optimiser; the file of notes comes last, and names the other by its epoch."""
    model.save(work / f"epoch-{at.epoch}.keras")
    notes = work / f"{NOTES}.part"
    notes.write_text(json.dumps(asdict(at)))
    notes.replace(work / NOTES)
    (work / f"epoch-{at.epoch - 1}.keras").unlink(missing_ok=True)


def _resume(model: keras.Model, work: Path, key: str) -> tuple[keras.Model, Progressed]:
    notes = work / NOTES
    if notes.is_file():
        at = Progressed(**json.loads(notes.read_text()))
        if at.key == key:
            return keras.models.load_model(work / f"epoch-{at.epoch}.keras"), at
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    return model, Progressed(key)
