"""The core's own plug-in: the sources and sinks that come with rtkit, registered like a stranger's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtkit.hookspecs import hookimpl
from rtkit.signals.null import Null
from rtkit.signals.raw import RawInput, RawOutput
from rtkit.signals.sound import SUFFIXES, SoundFile, SoundFileSink
from rtkit.signals.synth import Synthetic


@hookimpl
def rtkit_register_sources(register: Callable[[str, type[Any]], None]) -> None:
    """Sound files, raw samples, synthetic signals."""
    for suffix in SUFFIXES:
        register(suffix, SoundFile)
    register("-", RawInput)
    register("synth", Synthetic)


@hookimpl
def rtkit_register_sinks(register: Callable[[str, type[Any]], None]) -> None:
    """Sound files, raw samples, nothing."""
    for suffix in SUFFIXES:
        register(suffix, SoundFileSink)
    register("-", RawOutput)
    register("null", Null)
