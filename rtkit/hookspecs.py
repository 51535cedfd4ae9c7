"""The hooks of rtkit: what a plug-in may provide, and what it may observe."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import pluggy

from rtkit.items import Event

if TYPE_CHECKING:
    import typer

    from rtkit.processor import Processor
    from rtkit.report import Report
    from rtkit.sink import Sink
    from rtkit.source import Source
    from rtkit.stream import Stream

    Register: TypeAlias = Callable[[str, type[Any]], None]

PROJECT = "rtkit"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def rtkit_register_processors(register: Callable[[str, type[Processor[Any, Any]]], None]) -> None:
    """Register processors: ``register("gain", Gain)``. The class stays light to import; heavy imports belong in `open`."""


@hookspec
def rtkit_register_sources(register: Callable[[str, type[Source]], None]) -> None:
    """Register sources under a kind (``"mic"``, written ``mic`` or ``mic:REST``), a suffix (``".wav"``), a scheme (``"rtsp://"``), or
    ``"/"`` for folders.

    The class is called with the text after ``kind:``, or the path, or the URL, and with the `rtkit.source.Options`.
    """


@hookspec
def rtkit_register_sinks(register: Callable[[str, type[Sink]], None]) -> None:
    """Register sinks, in the same manner as sources. Two of one name may stand side by side if they take different formats."""


@hookspec
def rtkit_register_commands(app: typer.Typer) -> None:
    """Add commands to the command line."""


@hookspec
def rtkit_stream_started(stream: Stream) -> None:
    """A stream has opened its source, steps and sinks; the first item comes next."""


@hookspec
def rtkit_event(stream: Stream, event: Event) -> None:
    """A processor of the stream emitted an event. Called in the stream's thread: be quick."""


@hookspec
def rtkit_stream_stopped(stream: Stream, report: Report) -> None:
    """The stream has ended, well or not, and its sinks are closed."""
