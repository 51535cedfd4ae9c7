"""The plug-in of cameras, videos, pictures and windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtkit.core.hookspecs import hookimpl
from rtkit.video import suffixes

if TYPE_CHECKING:
    from rtkit.core.hookspecs import Register
    from rtkit.core.stream import Stream

_blas: dict[int, Any] = {}  # limits of BLAS threads, by stream


@hookimpl
def rtkit_register_sources(register: Register) -> None:
    """Cameras here and in the network, videos, pictures and folders of them, frames on standard input."""
    register("camera", "rtkit.video.camera:Camera")
    for scheme in suffixes.SCHEMES:
        register(scheme, "rtkit.video.camera:NetworkCamera")
    for suffix in suffixes.VIDEO:
        register(suffix, "rtkit.video.files:VideoFile")
    for suffix in (*suffixes.PICTURE, "/"):
        register(suffix, "rtkit.video.stills:Pictures")
    register("-", "rtkit.video.pipe:FramePipe")


@hookimpl
def rtkit_list_devices() -> list[dict[str, Any]]:
    """The cameras of this machine."""
    from rtkit.video.table import cameras

    return [camera | {"group": "cameras", "gives": "frames", "far": False} for camera in cameras()]


@hookimpl
def rtkit_register_sinks(register: Register) -> None:
    """A window, videos, pictures, standard output, a virtual camera."""
    register("window", "rtkit.video.window:Window")
    for suffix in suffixes.MOVIE:
        register(suffix, "rtkit.video.movie:Movie")
    for suffix in suffixes.PICTURE:
        register(suffix, "rtkit.video.stills:PictureFiles")
    register("-", "rtkit.video.pipe:FramePipeSink")
    register("vcam", "rtkit.video.virtual:VirtualCamera")


@hookimpl
def rtkit_stream_created(stream: Stream) -> None:
    """Frames in threads, if the settings ask for it."""
    threads = stream.settings.get("threads") or 1
    if threads > 1:
        from rtkit.handover.parallel import ParallelSteps

        stream.runner = ParallelSteps(stream.chain, threads)


@hookimpl
def rtkit_stream_started(stream: Stream) -> None:
    """One BLAS thread while frames have threads of their own: more would slow each other down."""
    if stream.runner is not None:
        from threadpoolctl import threadpool_limits

        _blas[id(stream)] = threadpool_limits(1, "blas")


@hookimpl
def rtkit_stream_stopped(stream: Stream) -> None:
    """As many BLAS threads as before."""
    if id(stream) in _blas:
        _blas.pop(id(stream)).restore_original_limits()
