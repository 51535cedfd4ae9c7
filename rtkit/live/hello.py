"""What a page is told first: what there is to choose from."""

from __future__ import annotations

import math
from importlib.metadata import version
from typing import Any

from rtkit.cli import listing
from rtkit.core.errors import RtkitError
from rtkit.core.host import host
from rtkit.core.parameters import Parameter, parameters_of
from rtkit.core.processor import FrameProcessor
from rtkit.live.browser import BrowserCamera, BrowserMicrophone
from rtkit.live.session import Session
from rtkit.signals.suffixes import SOUND
from rtkit.video import suffixes

#: What there is to try without a device.
SYNTHETIC = ("noise", "sine", "square", "plant")


def hello(session: Session) -> dict[str, Any]:
    """The first message to a page; takes a while, as it asks for devices."""
    return {
        "is": "hello",
        "version": version("rtkit"),
        "processors": [_processor(name) for name in host().processors],
        "sources": [*_browser(), *_devices(), *_files(session.folder.sources())],
        "files": session.folder.sounds(),
        "attached": session.attached,
    }


def _processor(name: str) -> dict[str, Any]:
    cls = host().processors[name]
    takes = "frames" if issubclass(cls, FrameProcessor) else "samples"
    return {"name": name, "summary": listing.summary(name), "takes": takes, "parameters": [_parameter(p) for p in parameters_of(cls)]}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "type": parameter.type.__name__,
        "default": parameter.default,
        "required": parameter.required,
        "optional": parameter.optional,
        "low": parameter.low if math.isfinite(parameter.low) else None,
        "high": parameter.high if math.isfinite(parameter.high) else None,
        "choices": parameter.choices,
        "expects": parameter.expects(),
        "doc": parameter.doc,
        "live": parameter.live,
    }


def _source(group: str, name: str, label: str, gives: str, far: bool = False) -> dict[str, Any]:
    return {"group": group, "name": name, "label": label, "gives": gives, "far": far}


def _browser() -> list[dict[str, Any]]:
    return [
        _source("browser", BrowserCamera.name, "This browser's camera", "frames"),
        _source("browser", BrowserMicrophone.name, "This browser's microphone", "samples"),
    ]


def _devices() -> list[dict[str, Any]]:
    from rtkit.audio.table import devices
    from rtkit.video.table import cameras

    found = []
    try:
        inputs = [device for device in devices() if device["inputs"] > 0]
    except RtkitError:  # no sound system here
        inputs = []
    if inputs:
        found.append(_source("devices", "mic", "Microphone of the server", "samples", far=True))
    for device in inputs:
        found.append(_source("devices", f"mic:{device['number']}", f"{device['name']} (server)", "samples", far=True))
    for camera in cameras():
        found.append(_source("devices", camera["source"], f"{camera['name']} (server)", "frames"))
    return found + [_source("devices", f"synth:{kind}", f"Synthetic {kind}", "samples") for kind in SYNTHETIC]


def _files(names: list[str]) -> list[dict[str, Any]]:
    pictures = (*suffixes.VIDEO, *suffixes.PICTURE)
    return [
        _source("files", name, name, "frames" if name.lower().endswith(pictures) else "samples", name.lower().endswith(SOUND))
        for name in names
    ]
