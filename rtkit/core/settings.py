"""A run, described once: the command line, pipeline files, `Stream`, the live page and the table in the README are made from `Settings`."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, TypedDict

from rtkit.core.errors import UsageError
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
