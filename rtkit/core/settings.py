"""A run, described once: the command line, pipeline files, `Stream`, and the table in the README are made from `Settings`."""

from __future__ import annotations

import json
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, TypedDict

from rtkit.core.errors import InputError, UsageError
from rtkit.core.parameters import Parameter, Range, parameter_of
from rtkit.core.source import Options, Source


class Settings(TypedDict, total=False):
    """What may be said of a run beside its source, its steps, and its sinks: each with its meaning, unit and range."""

    far: Annotated[str | Source | None, "The far end: a file (played, if the source is a microphone), mic:DEVICE, speaker-monitor."]
    realtime: Annotated[bool, "Play a file as if it were a live device."]
    seconds: Annotated[float | None, Range(0), "End after this much stream time (s)."]
    rate: Annotated[float | None, Range(1), "Samples a second (Hz), of devices, arrays, tables and raw samples."]
    channels: Annotated[int | None, Range(1, 32), "Channels, of devices and raw samples."]
    block: Annotated[int | None, Range(1), "Samples in a block."]
    latency: Annotated[float | None, Range(0), "Buffering asked of audio devices (s)."]
    format: Annotated[str | None, "Layout of raw samples (s16le, f32le, …) or raw frames (y4m, bgr24, …)."]
    fps: Annotated[float | None, Range(0.001, 1000), "Most frames a second (Hz); the rate of pictures, arrays and raw frames."]
    size: Annotated[str | None, "Size of frames (pixels), 640x480: asked of a camera; others are fitted into it, undistorted."]
    threads: Annotated[int | None, Range(1, 64), "Frames processed at once, each in a thread, in order (1)."]
    reconnect: Annotated[float | None, Range(0), "Time (s) for which a lost device is retried (30)."]
    report: Annotated[str | Path | None, "Write the report to this file (JSON)."]
    events: Annotated[str | Path | None, "Write the events to this file (JSON lines)."]
    load_state: Annotated[str | Path | None, "Start from the state in this file (npz)."]
    save_state: Annotated[str | Path | None, "Leave what the steps learned in this file (npz)."]
    save_model: Annotated[str | Path | None, "Leave what a step learned, as an ONNX model, in this folder."]
    view: Annotated[bool, "Show the stream on a page in the browser, to be watched and steered."]


def described() -> tuple[Parameter, ...]:
    """Each setting as a parameter: name, type, range and meaning."""
    hints = typing.get_type_hints(Settings, include_extras=True)
    return tuple(parameter_of("settings", name, hint, None) for name, hint in hints.items())


def check_settings(values: Mapping[str, Any]) -> Settings:
    """Settings of the right types; None is as good as not given, and zero is a value.

    Raises
    ------
    UsageError
        A setting that does not exist, or a value that does not fit.
    """
    known = {parameter.name: parameter for parameter in described()}
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"no setting is called {name!r}; known: {', '.join(known)}")
        if value is not None:
            found[name] = value if isinstance(value, Source) else known[name].convert(value, "settings")
    return typing.cast(Settings, found)


def options_of(settings: Settings, base: Options | None = None) -> Options:
    """What sources and sinks are told: `base`, and before it what the settings say."""
    names = {one.name for one in fields(Options)}
    given: dict[str, Any] = {name: value for name, value in settings.items() if name in names}
    return replace(base or Options(), **given)


def read_pipeline(path: str | Path) -> dict[str, Any]:
    """Read a pipeline: a TOML file with the keys ``source``, ``steps``, ``to``, and those of `Settings`.

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
