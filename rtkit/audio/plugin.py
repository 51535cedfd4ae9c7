"""The plug-in of the live audio devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtkit.audio.capture import Microphone, SpeakerMonitor
from rtkit.audio.playback import Speaker
from rtkit.hookspecs import hookimpl


@hookimpl
def rtkit_register_sources(register: Callable[[str, type[Any]], None]) -> None:
    """Microphones and the monitor of the speaker."""
    register("mic", Microphone)
    register("speaker-monitor", SpeakerMonitor)


@hookimpl
def rtkit_register_sinks(register: Callable[[str, type[Any]], None]) -> None:
    """The speaker."""
    register("speaker", Speaker)
