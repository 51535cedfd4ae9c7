"""A user's own Keras file through the same pipeline: converted, verified, timed, with a card; and its stateful form, if it has one."""

from __future__ import annotations

import re
from pathlib import Path

import keras

from export.data.origin import sha256
from export.pipeline.release import TrainedModel, release
from export.pipeline.stateful import is_recurrent, stateful
from rtkit.core.errors import InputError, RtkitError
from rtkit.models import Card


def convert_file(path: Path, out: Path) -> Card:
    """Convert a ``.keras`` (or ``.h5``) file into the folder `out`.

    Raises
    ------
    InputError
        No such file, not one of Keras, one with code of its own (which is not run), or a model with several inputs.
    RtkitError
        ONNX Runtime and Keras differ.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a model saved by Keras (model.save('FILE.keras'))")
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # many kinds
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{path}: Keras does not load this: {type(error).__name__}: {reason}") from None
    if not getattr(model, "built", False) or len(getattr(model, "inputs", None) or ()) != 1:
        raise InputError(f"{path}: expected a model that is built, with one input")
    form = None
    if is_recurrent(model):
        try:
            form = stateful(model)
        except InputError as error:
            print(f"{path}: no stateful form: {error}")
    try:
        return release(_as_trained(path, model, form), out)
    except RtkitError:
        raise
    except Exception as error:  # many kinds: layers that tf2onnx does not know, inputs that nothing can be drawn for
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{path}: cannot be converted: {type(error).__name__}: {reason}") from None


def _as_trained(path: Path, model: keras.Model, form: tuple[keras.Model, dict[str, str]] | None) -> TrainedModel:
    return TrainedModel(
        name=re.sub(r"\W+", "-", path.stem),
        does=f"Converted from {path.name} ({', '.join(type(layer).__name__ for layer in model.layers)[:200]}).",
        model=model,
        parameters=model.count_params(),
        tensors={},
        examples=None,
        form=form,
        made_by={"command": f"python -m export convert {path.name}", "keras_sha256": sha256(path)},
    )
