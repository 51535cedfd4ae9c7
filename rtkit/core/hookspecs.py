"""The hooks of rtkit: what a plug-in may provide, and what it may observe."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import pluggy

if TYPE_CHECKING:
    import typer

    from rtkit.core.items import Event
    from rtkit.core.report import Report
    from rtkit.core.stream import Stream

#: Takes a name, and a class or a reference ``"module:Class"`` that is imported at its first use.
Register: TypeAlias = "Callable[[str, type[Any] | str], None]"

PROJECT = "rtkit"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def rtkit_register_processors(register: Register) -> None:
    """Register processors: ``register("gain", Gain)``, or ``register("gain", "my_plugin.gain:Gain")``, which loads at its first use."""


@hookspec
def rtkit_register_sources(register: Register) -> None:
    """Register sources under a kind (``"mic"``, written ``mic`` or ``mic:REST``), a suffix (``".wav"``), a scheme (``"rtsp://"``), or
    ``"/"`` for folders.

    The class is called with the text after ``kind:``, or the path, or the URL, and with the `rtkit.Options`. Two of one name may
    stand side by side if they read different formats (`Source.formats`).
    """


@hookspec
def rtkit_register_sinks(register: Register) -> None:
    """Register sinks, in the same manner as sources. Two of one name may stand side by side if they take different kinds of format."""


@hookspec
def rtkit_register_views(register: Callable[..., None]) -> None:
    """Register views of the live page: ``register("beat", "views/strip.js")``.

    The first argument is the kind of an event or the name of a processor: the page shows the view while a stream has such a processor,
    and once it has found such an event. Several may share a view. The second is the path of an ES module whose default export is the
    view (see `docs/plugins.md`), relative to the folder of the plug-in's module. The views of a plug-in lie in one folder, whose
    scripts, styles and pictures are served under one address, so that they may import and show each other. A third argument `form`
    says how the view has to get the signals: ``"trace"`` (samples) or ``"sound"`` (envelopes and spectra); without it by their rate.
    """


@hookspec
def rtkit_list_devices() -> list[dict[str, Any]]:  # type: ignore[empty-body]
    """List the devices that are there now, for `rtkit devices` and for the live page. Only what is found quickly.

    Returns
    -------
    list of dict
        One a device. ``source``: what `rtkit run` takes, such as ``"mic:3"``, or None for a device that gives nothing, as a loudspeaker.
        ``name``: what people call it. ``group``: the heading that it is listed under. ``gives``: ``"samples"``, ``"frames"`` or None.
        ``far``: whether it takes a far end beside it (bool). What else is worth telling comes behind; all devices of a group have the
        same keys, which are the columns of the table.
    """


@hookspec
def rtkit_register_commands(app: typer.Typer) -> None:
    """Add commands to the command line. Heavy imports belong in the commands: this is called whatever the user asks for."""


@hookspec
def rtkit_stream_created(stream: Stream) -> None:
    """A stream was made, with its `settings`; it is not open. Here a plug-in may add sinks, or what is to be done `at_end`.

    Raises
    ------
    RtkitError
        The stream cannot do what its settings ask of the plug-in.
    """


@hookspec
def rtkit_stream_started(stream: Stream) -> None:
    """A stream has opened its source, steps and sinks; the first item comes next."""


@hookspec
def rtkit_event(stream: Stream, event: Event) -> None:
    """A processor of the stream emitted an event. Called in the stream's thread: be quick."""


@hookspec
def rtkit_stream_stopped(stream: Stream, report: Report) -> None:
    """The stream has ended, well or not, and its sinks are closed."""
