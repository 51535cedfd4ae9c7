"""The plug-in of audio devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtkit.core.hookspecs import hookimpl

if TYPE_CHECKING:
    from rtkit.core.hookspecs import Register


@hookimpl
def rtkit_register_sources(register: Register) -> None:
    """Microphones and the monitor of the speaker."""
    register("mic", "rtkit.audio.capture:Microphone")
    register("speaker-monitor", "rtkit.audio.capture:SpeakerMonitor")


@hookimpl
def rtkit_register_sinks(register: Register) -> None:
    """The speaker."""
    register("speaker", "rtkit.audio.playback:Speaker")
