"""The plug-in of sampled signals: files, tables, pipes, and the clock that plays a file as if it were a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtkit.core.hookspecs import hookimpl
from rtkit.signals.suffixes import SOUND

if TYPE_CHECKING:
    from rtkit.core.hookspecs import Register


@hookimpl
def rtkit_register_processors(register: Register) -> None:
    """What changes the rate between steps."""
    register("resample", "rtkit.signals.resample:Resampler")


@hookimpl
def rtkit_register_sources(register: Register) -> None:
    """Sound files, tables, standard input, synthetic signals, files in real time, arrays and iterables of the caller."""
    for suffix in SOUND:
        register(suffix, "rtkit.signals.sound:SoundFile")
    register(".csv", "rtkit.signals.table:CsvFile")
    register(".npy", "rtkit.signals.table:NpyFile")
    register("-", "rtkit.signals.raw:RawInput")
    register("<choice>", "rtkit.signals.standard_input:StandardInput")
    register("synth", "rtkit.signals.synth:Synthetic")
    register("realtime", "rtkit.handover.pacing:Realtime")
    register("<array>", "rtkit.arrays.memory:ArraySource")
    register("<iterable>", "rtkit.arrays.memory:IterableSource")


@hookimpl
def rtkit_list_devices() -> list[dict[str, Any]]:
    """What there is to try without a device."""
    from rtkit.signals.synth import KINDS

    same = {"group": "synthetic signals", "gives": "samples", "far": False}
    return [{"source": f"synth:{kind}", "name": f"Synthetic {kind}"} | same for kind in KINDS]


@hookimpl
def rtkit_register_sinks(register: Register) -> None:
    """Sound files, tables, events as JSON lines, raw samples, functions of the caller, nothing."""
    for suffix in SOUND:
        register(suffix, "rtkit.signals.sound:SoundFileSink")
    register(".csv", "rtkit.signals.table:CsvSink")
    register(".jsonl", "rtkit.signals.event_lines:EventLines")
    register("-", "rtkit.signals.raw:RawOutput")
    register("null", "rtkit.signals.null:Null")
    register("<function>", "rtkit.arrays.memory:FunctionSink")
