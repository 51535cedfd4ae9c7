"""The catalogue: what a page is told first, which is what there is to choose from."""

from __future__ import annotations

import inspect
import logging
import math
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from rtkit.core.host import host
from rtkit.core.parameters import Parameter, parameters_of
from rtkit.core.processor import FrameProcessor
from rtkit.core.source import Source
from rtkit.live.browser import BrowserCamera, BrowserMicrophone
from rtkit.live.request import may_name
from rtkit.live.session import Session
from rtkit.provided.devices import list_devices
from rtkit.provided.views import PluginViews
from rtkit.signals.suffixes import SOUND

log = logging.getLogger("rtkit")


def catalogue(session: Session, views: dict[str, PluginViews]) -> dict[str, Any]:
    """The first message to a page; takes a while, as it asks for devices."""
    return {
        "is": "hello",
        "version": version("rtkit"),
        "processors": [processor for name in host().processors if (processor := _processor(name)) is not None],
        "sources": [*_browser(), *_devices(), *_files(session)],
        "files": session.folder.sounds(),
        "views": [view for plugin, found in views.items() for view in _views(plugin, found)],
        "attached": session.attached,
    }


def _processor(name: str) -> dict[str, Any] | None:
    try:
        cls = host().processors[name]
    except Exception as error:  # of a plug-in whose class does not load; the others are offered
        log.warning("processor %s cannot be offered: %s", name, error)
        return None
    takes = "frames" if issubclass(cls, FrameProcessor) else "samples"
    summary = (inspect.getdoc(cls) or "").partition("\n")[0]
    return {"name": name, "summary": summary, "takes": takes, "parameters": [_parameter(p) for p in parameters_of(cls)]}


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


def _source(group: str, name: str, label: str, cls: type[Source], far: bool = False) -> dict[str, Any]:
    return {"group": group, "name": name, "label": label, "gives": cls.gives or "either", "live": cls.live, "far": far}


def _browser() -> list[dict[str, Any]]:
    return [
        _source("browser", BrowserCamera.name, "This browser's camera", BrowserCamera),
        _source("browser", BrowserMicrophone.name, "This browser's microphone", BrowserMicrophone),
    ]


def _devices() -> list[dict[str, Any]]:
    """The devices that a page may ask for, live ones first."""
    devices, problems = list_devices(host())
    for problem in problems:  # at each page: no more than a note
        log.info("%s", problem)
    names = [(device["source"], device["name"], device["far"]) for device in devices if device["source"] and may_name(device["source"])]
    found = [_source("devices", source, name, host().sources[source.partition(":")[0]], far) for source, name, far in names]
    return sorted(found, key=lambda source: not source["live"])


def _files(session: Session) -> list[dict[str, Any]]:
    return [_source("files", name, name, _class_of(name), far=name.lower().endswith(SOUND)) for name in session.folder.sources()]


def _class_of(file: str) -> type[Source]:
    """What reads a file: of the suffixes that its name ends with, the longest decides."""
    suffix = max((name for name in host().sources if name.startswith(".") and file.lower().endswith(name)), key=len)
    try:
        return host().sources[suffix]
    except Exception as error:  # likewise
        log.warning("what a file %s gives is not known: %s", suffix, error)
        return Source


def _views(plugin: str, views: PluginViews) -> list[dict[str, Any]]:
    folder = f"/views/{quote(plugin, safe=':/')}"
    return [{"plugin": plugin, "module": f"{folder}/{quote(module)}", "wants": names} for module, names in views.modules.items()]
