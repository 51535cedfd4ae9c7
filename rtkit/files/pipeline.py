"""Pipelines written down as TOML, by the names of `rtkit.core.settings`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rtkit.core.errors import InputError, UsageError
from rtkit.core.settings import described


def read_pipeline(path: str | Path) -> dict[str, Any]:
    """Read a pipeline: a TOML file with the keys ``source``, ``steps``, ``to``, and those of `rtkit.Settings`.

    Each step is a string (``"adaline:tail_ms=64"``) or a table (``{processor = "adaline", tail_ms = 64}``); relative paths are
    taken from the current folder, as on the command line.

    Returns
    -------
    dict
        By these keys; steps as ``name:key=value,…``.

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
    known = {parameter.name: parameter for parameter in described()}
    for key, value in found.items():
        if key in known:
            kind = (float, int) if known[key].type is float else (known[key].type,)
            if not isinstance(value, kind) or (isinstance(value, bool) and known[key].type is not bool):
                raise InputError(f"{path}: {key} = {value!r}; expected {known[key].expects()}")
            try:
                known[key].convert(value, str(path))
            except UsageError as error:
                raise InputError(str(error)) from None
        elif key not in ("source", "steps", "to"):
            raise InputError(f"{path}: no key {key!r}; known: {', '.join(['source', 'steps', 'to', *known])}")
    if not isinstance(found.get("source"), str):
        raise InputError(f"{path}: key 'source' is missing, or no text")
    to, steps = found.get("to", []), found.get("steps", [])
    found["to"] = [to] if isinstance(to, str) else to
    if not isinstance(found["to"], list) or not all(isinstance(sink, str) for sink in found["to"]):
        raise InputError(f"{path}: to = {to!r}; expected a list of names")
    if not isinstance(steps, list):
        raise InputError(f"{path}: steps = {steps!r}; expected a list of processors")
    found["steps"] = [_step(path, number, step) for number, step in enumerate(steps, 1)]
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
        By the keys of `read_pipeline`; each step as a dict with ``processor`` and its parameters, of which None stands for none.
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
