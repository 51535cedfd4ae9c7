"""The CAM plug-in: `cam` draws what a network sees in a frame, and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtkit.hookspecs import hookimpl
from rtkit_cam.cam import Cam


@hookimpl
def rtkit_register_processors(register: Callable[[str, type[Any]], None]) -> None:
    """The overlay."""
    register("cam", Cam)


def demo(folder: str) -> list[str]:
    """Look at the shipped clip; see `rtkit_cam.demo`."""
    from rtkit_cam.demo import run

    return run(folder)
