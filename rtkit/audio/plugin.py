"""The plug-in of audio devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtkit.core.hookspecs import hookimpl

if TYPE_CHECKING:
    from rtkit.core.hookspecs import Register


@hookimpl
def rtkit_register_sources(register: Register) -> None:
    """Microphones and the monitor of the speaker."""
    register("mic", "rtkit.audio.capture:Microphone")
    register("speaker-monitor", "rtkit.audio.capture:SpeakerMonitor")


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
def rtkit_register_sinks(register: Register) -> None:
    """The speaker."""
    register("speaker", "rtkit.audio.playback:Speaker")
