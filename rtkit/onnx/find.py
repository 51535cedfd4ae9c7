"""Where models are: a file, a folder, or a name among the models that plug-ins bring in their folder `models`."""

from __future__ import annotations

from pathlib import Path

from rtkit.core.errors import InputError
from rtkit.core.host import host
from rtkit.onnx.card import CARD_FILE

#: The file of a model in its folder.
MODEL_FILE = "model.onnx"
#: Its stateful form, if it has one.
STEP_FILE = "step.onnx"


def shipped() -> dict[str, Path]:
    """Folders of the models that come with plug-ins, by name: each subfolder of a plug-in's `models` that holds a card."""
    found: dict[str, Path] = {}
    for plugin in host().manager.get_plugins():
        file = getattr(plugin, "__file__", None)
        for card in sorted(Path(file).parent.glob(f"models/*/{CARD_FILE}")) if file else ():
            found.setdefault(card.parent.name, card.parent)
    return found


def qualified_model_name(family: str, name: str) -> str:
    """The full name of a shipped model that a processor calls by a short one: ``designed`` of ``colorize`` is ``colorize_designed``."""
    full = f"{family}_{name}"
    return full if full in shipped() else name


def find(name: str) -> Path:
    """The ONNX file of a model.

    Parameters
    ----------
    name : str
        The name of a shipped model, an ONNX file, or a folder that holds ``model.onnx``; its stateful form as ``NAME/step`` or
        ``FOLDER/step``. A folder of your own that has the name of a shipped model is ``./NAME``.

    Raises
    ------
    InputError
        Nothing of that name.
    """
    models = shipped()
    folder, _, form = name.rpartition("/") if name.endswith("/step") else (name, "", "model")
    place = models.get(folder, Path(folder))
    for path in (place, place / f"{form}.onnx") if form == "model" else (place / STEP_FILE,):
        if name and _is_file(path):
            return path
    raise InputError(
        f"{name!r}: no such model; expected an ONNX file, a folder with {MODEL_FILE}, or one of: {', '.join(sorted(models)) or 'none'}"
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, or a folder that may not be entered
        return False
