"""The plug-in of cameras, videos, pictures and windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtkit.endpoints import FOLDER
from rtkit.hookspecs import hookimpl
from rtkit.video import files, movie, stills
from rtkit.video.camera import SCHEMES, Camera, NetworkCamera
from rtkit.video.pipe import FramePipeSink
from rtkit.video.virtual import VirtualCamera
from rtkit.video.window import Window


@hookimpl
def rtkit_register_sources(register: Callable[[str, type[Any]], None]) -> None:
    """Cameras here and in the network, videos, pictures and folders of them."""
    register("camera", Camera)
    for scheme in SCHEMES:
        register(scheme, NetworkCamera)
    for suffix in files.SUFFIXES:
        register(suffix, files.VideoFile)
    for suffix in (*stills.SUFFIXES, FOLDER):
        register(suffix, stills.Pictures)


@hookimpl
def rtkit_list_devices() -> list[dict[str, Any]]:
    """The cameras of this machine."""
    from rtkit.video.table import cameras

    return [camera | {"group": "cameras", "gives": "frames", "far": False} for camera in cameras()]


@hookimpl
def rtkit_register_sinks(register: Callable[[str, type[Any]], None]) -> None:
    """A window, videos, pictures, standard output, a virtual camera."""
    register("window", Window)
    for suffix in movie.SUFFIXES:
        register(suffix, movie.Movie)
    for suffix in stills.SUFFIXES:
        register(suffix, stills.PictureFiles)
    register("-", FramePipeSink)
    register("vcam", VirtualCamera)
