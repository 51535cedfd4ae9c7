"""The core's own plug-in: the sources and sinks that come with rtkit, registered like a stranger's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtkit.hookspecs import hookimpl
from rtkit.pipes import StandardInput
from rtkit.signals.jsonl import EventLines
from rtkit.signals.null import Null
from rtkit.signals.raw import RawOutput
from rtkit.signals.sound import SUFFIXES, SoundFile, SoundFileSink
from rtkit.signals.synth import KINDS, Synthetic
from rtkit.signals.table import CsvFile, CsvSink, NpyFile


@hookimpl
def rtkit_register_sources(register: Callable[[str, type[Any]], None]) -> None:
    """Sound files, tables, standard input, synthetic signals."""
    for suffix in SUFFIXES:
        register(suffix, SoundFile)
    register(".csv", CsvFile)
    register(".npy", NpyFile)
    register("-", StandardInput)
    register("synth", Synthetic)


@hookimpl
def rtkit_list_devices() -> list[dict[str, Any]]:
    """What there is to try without a device."""
    same = {"group": "synthetic signals", "gives": "samples", "far": False}
    return [{"source": f"synth:{kind}", "name": f"Synthetic {kind}"} | same for kind in KINDS]


@hookimpl
def rtkit_register_sinks(register: Callable[[str, type[Any]], None]) -> None:
    """Sound files, tables, events as JSON lines, raw samples, nothing."""
    for suffix in SUFFIXES:
        register(suffix, SoundFileSink)
    register(".csv", CsvSink)
    register(".jsonl", EventLines)
    register("-", RawOutput)
    register("null", Null)
