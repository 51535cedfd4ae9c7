"""The ECG plug-in: `ecg` finds and classifies heartbeats as they come; ECG files and streams are sources, annotations and strips sinks."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from rtkit import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtkit import Register


@hookimpl
def rtkit_register_processors(register: Register) -> None:
    """The monitor."""
    register("ecg", "rtkit_ecg.monitor:Ecg")


@hookimpl
def rtkit_register_sources(register: Register) -> None:
    """WFDB records, EDF files, Lab Streaming Layer."""
    register(".hea", "rtkit_ecg.wfdb_record:WfdbRecord")
    for suffix in (".edf", ".bdf"):
        register(suffix, "rtkit_ecg.edf:EdfFile")
    register("lsl", "rtkit_ecg.lsl:LslStream")


@hookimpl
def rtkit_list_devices() -> list[dict[str, Any]]:
    """Lab Streaming Layer, where it is installed; which streams there are takes seconds to find, and is found by the source."""
    if importlib.util.find_spec("pylsl") is None:
        return []
    return [{"source": "lsl", "name": "First ECG of Lab Streaming Layer", "group": "network streams", "gives": "samples", "far": False}]


@hookimpl
def rtkit_register_views(register: Callable[..., None]) -> None:
    """The strip chart."""
    for name in ("ecg", "beat", "rhythm", "quality"):
        register(name, "views/strip.js", form="trace")


@hookimpl
def rtkit_register_sinks(register: Register) -> None:
    """Annotations, strip charts on paper and in the terminal."""
    register(".atr", "rtkit_ecg.annotations:AnnotationFile")
    register(".ann.csv", "rtkit_ecg.annotations:AnnotationTable")
    for suffix in (".png", ".pdf", ".svg"):
        register(suffix, "rtkit_ecg.strip:StripChart")
    register("chart", "rtkit_ecg.terminal:TerminalChart")


def demo(folder: str) -> list[str]:
    """Watch the heart of the shipped excerpt; see `rtkit_ecg.demo`."""
    from rtkit_ecg.demo import run

    return run(folder)
