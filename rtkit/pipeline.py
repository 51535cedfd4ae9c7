"""Pipelines written down as TOML: the arguments of `rtkit run`, by the same names."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rtkit.errors import InputError

#: Each key and the types that it takes.
KEYS: dict[str, tuple[type, ...]] = {
    "source": (str,),
    "steps": (list,),
    "to": (list, str),
    "far": (str,),
    "realtime": (bool,),
    "seconds": (int, float),
    "rate": (int, float),
    "channels": (int,),
    "block": (int,),
    "latency": (int, float),
    "format": (str,),
    "reconnect": (int, float),
    "report": (str,),
    "events": (str,),
    "load_state": (str,),
    "save_state": (str,),
    "save_model": (str,),
    "fps": (int, float),
    "size": (str,),
    "threads": (int,),
}


def read_pipeline(path: str | Path) -> dict[str, Any]:
    """Read a pipeline.

    Each step is a string (``"adaline:tail_ms=64"``) or a table (``{processor = "adaline", tail_ms = 64}``); relative paths are
    taken from the current folder, as on the command line.

    Returns
    -------
    dict
        By the keys of `KEYS`; steps as ``name:key=value,…``.

    Raises
    ------
    InputError
        Not TOML, an unknown key, or a value of another type.
    """
    try:
        with Path(path).open("rb") as file:
            found = tomllib.load(file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML: {error}") from None
    for key, value in found.items():
        if key not in KEYS:
            raise InputError(f"{path}: no key {key!r}; known: {', '.join(KEYS)}")
        if not isinstance(value, KEYS[key]) or (isinstance(value, bool) and bool not in KEYS[key]):
            raise InputError(f"{path}: {key} = {value!r}; expected {' or '.join(kind.__name__ for kind in KEYS[key])}")
    if "source" not in found:
        raise InputError(f"{path}: key 'source' is missing")
    if isinstance(found.get("to"), str):
        found["to"] = [found["to"]]
    if not all(isinstance(sink, str) for sink in found.get("to", [])):
        raise InputError(f"{path}: to = {found['to']!r}; expected a list of names")
    found["steps"] = [_step(path, number, step) for number, step in enumerate(found.get("steps", []), 1)]
    return found


def _step(path: str | Path, number: int, step: object) -> str:
    if isinstance(step, str):
        return step
    if isinstance(step, dict) and isinstance(step.get("processor"), str):
        values = ",".join(f"{key}={value}" for key, value in step.items() if key != "processor")
        return f"{step['processor']}:{values}" if values else step["processor"]
    raise InputError(f'{path}: step {number} is {step!r}; expected "name:key=value" or {{processor = "name", key = value}}')


def write_pipeline(settings: Mapping[str, Any]) -> str:
    """A pipeline as TOML, such that `read_pipeline` gives the same stream.

    Parameters
    ----------
    settings : dict
        By the keys of `KEYS`; each step as a dict with ``processor`` and its parameters, of which None stands for none.
    """
    lines = [f"{key} = {_value(value)}" for key, value in settings.items() if key != "steps"]
    for step in settings.get("steps", []):
        lines += ["", "[[steps]]", *(f"{key} = {_value(value)}" for key, value in step.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """A value as TOML has it, whose strings are like JSON's, but for one character."""
    if isinstance(value, float):
        return str(value)  # where inf and nan are called as in TOML
    return json.dumps("none" if value is None else value, ensure_ascii=False).replace("\x7f", "\\u007f")
