"""The ECG plug-in: `ecg` finds and classifies heartbeats as they come; ECG files and streams are sources, annotations and strips sinks."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

from rtkit.hookspecs import hookimpl
from rtkit_ecg.annotations import AnnotationFile, AnnotationTable
from rtkit_ecg.edf import EdfFile
from rtkit_ecg.lsl import LslStream
from rtkit_ecg.monitor import Ecg
from rtkit_ecg.strip import StripChart
from rtkit_ecg.terminal import TerminalChart
from rtkit_ecg.wfdb_record import WfdbRecord


@hookimpl
def rtkit_register_processors(register: Callable[[str, type[Any]], None]) -> None:
    """The monitor."""
    register("ecg", Ecg)


@hookimpl
def rtkit_register_sources(register: Callable[[str, type[Any]], None]) -> None:
    """WFDB records, EDF files, Lab Streaming Layer."""
    register(".hea", WfdbRecord)
    for suffix in (".edf", ".bdf"):
        register(suffix, EdfFile)
    register("lsl", LslStream)


@hookimpl
def rtkit_list_devices() -> list[dict[str, Any]]:
    """Lab Streaming Layer, where it is installed; which streams there are takes seconds to find, and is found by the source."""
    if importlib.util.find_spec("pylsl") is None:
        return []
    return [{"source": "lsl", "name": "First ECG of Lab Streaming Layer", "group": "network streams", "gives": "samples", "far": False}]


@hookimpl
def rtkit_register_views(register: Callable[[str, str], None]) -> None:
    """The strip chart."""
    for name in ("ecg", "beat", "rhythm", "quality"):
        register(name, "views/strip.js")


@hookimpl
def rtkit_register_sinks(register: Callable[[str, type[Any]], None]) -> None:
    """Annotations, strip charts on paper and in the terminal."""
    register(".atr", AnnotationFile)
    register(".ann.csv", AnnotationTable)
    for suffix in (".png", ".pdf", ".svg"):
        register(suffix, StripChart)
    register("chart", TerminalChart)


def demo(folder: str) -> list[str]:
    """Watch the heart of the shipped excerpt; see `rtkit_ecg.demo`."""
    from rtkit_ecg.demo import run

    return run(folder)
