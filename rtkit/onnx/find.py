"""Where models are: a file, a folder, or a name among the models that plug-ins bring in their folder `models`."""

from __future__ import annotations

from pathlib import Path

from rtkit.errors import InputError
from rtkit.onnx.card import NAME
from rtkit.plugins import host

#: The file of a model in its folder.
MODEL = "model.onnx"
#: Its stateful form, if it has one.
STEP = "step.onnx"


def shipped() -> dict[str, Path]:
    """Folders of the models that come with plug-ins, by name: each subfolder of a plug-in's `models` that holds a card."""
    found: dict[str, Path] = {}
    for plugin in host().manager.get_plugins():
        file = getattr(plugin, "__file__", None)
        for card in sorted(Path(file).parent.glob(f"models/*/{NAME}")) if file else ():
            found.setdefault(card.parent.name, card.parent)
    return found


def find(name: str) -> Path:
    """The ONNX file of a model.

    Parameters
    ----------
    name : str
        An ONNX file, a folder that holds ``model.onnx``, the name of a shipped model, or its stateful form as ``NAME/step``.

    Raises
    ------
    InputError
        Nothing of that name.
    """
    path = Path(name)
    if path.is_file():
        return path
    if (path / MODEL).is_file():
        return path / MODEL
    models = shipped()
    folder, _, form = name.partition("/")
    if folder in models and form in ("", "model", "step"):
        chosen = models[folder] / (STEP if form == "step" else MODEL)
        if chosen.is_file():
            return chosen
        raise InputError(f"{name}: the model {folder} has no file {chosen.name}")
    raise InputError(
        f"{name}: no such model; expected an ONNX file, a folder with {MODEL}, or one of: {', '.join(sorted(models)) or 'none'}"
    )
