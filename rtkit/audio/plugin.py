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
def rtkit_list_devices() -> list[dict[str, Any]]:
    """All audio devices, inputs by what records from them, and in front of them the usual ones."""
    from rtkit.audio.table import devices

    found = [
        {
            "source": f"mic:{device['number']}" if device["inputs"] else None,
            "group": "audio devices",
            "gives": "samples" if device["inputs"] else None,
            "far": device["inputs"] > 0,
        }
        | device
        for device in devices()
    ]
    if not any(device["gives"] for device in found):
        return found
    usual = {"group": "usual audio devices", "gives": "samples", "far": True}
    return [
        {"source": "mic", "name": "Microphone"} | usual,
        {"source": "speaker-monitor", "name": "Loudspeakers (monitor)"} | usual,
        *found,
    ]


@hookimpl
def rtkit_register_sinks(register: Callable[[str, type[Any]], None]) -> None:
    """The speaker."""
    register("speaker", Speaker)
