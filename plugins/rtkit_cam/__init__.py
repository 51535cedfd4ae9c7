"""The CAM plug-in: `cam` draws what a network sees in a frame, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtkit import hookimpl

if TYPE_CHECKING:
    from rtkit import Register


@hookimpl
def rtkit_register_processors(register: Register) -> None:
    """The overlay."""
    register("cam", "rtkit_cam.cam:Cam")


def demo(folder: str) -> list[str]:
    """Look at the shipped clip; see `rtkit_cam.demo`."""
    from rtkit_cam.demo import run

    return run(folder)
