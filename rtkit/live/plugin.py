"""The plug-in of the live page: its command."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from rtkit.core.errors import DeviceError
from rtkit.core.extras import not_installed
from rtkit.core.hookspecs import hookimpl

if TYPE_CHECKING:
    from rtkit.core.stream import Stream
    from rtkit.live.server import LiveServer

PORT = 8765
#: Time (s) that pages get to hear that their stream has ended.
GOODBYE_S = 0.5

_servers: dict[int, LiveServer] = {}  # by stream


@hookimpl
def rtkit_register_commands(app: typer.Typer) -> None:
    """Add ``rtkit live``."""
    app.command("live")(live)


def live(
    folder: Annotated[str, typer.Argument(help="The page may read files below this folder, and no others.")] = ".",
    host: Annotated[str, typer.Option(help="Address to listen at; any but this machine's own makes a token necessary.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0: any that is free.", min=0, max=65535)] = PORT,
    certificate: Annotated[str | None, typer.Option(help="Certificate (PEM) for HTTPS.")] = None,
    key: Annotated[str | None, typer.Option(help="Its key (PEM).")] = None,
    browser: Annotated[bool, typer.Option("--open", help="Open the page in this machine's browser.")] = False,
) -> None:
    """See and steer a stream in the browser, with the browser's camera and microphone if so wished."""
    server = serve(folder, host, port, certificate, key)
    if browser:
        import webbrowser

        webbrowser.open(server.url)
    server.run()


def serve(folder: str, host: str, port: int, certificate: str | None = None, key: str | None = None) -> LiveServer:
    """Make a server and say where its page is.

    Raises
    ------
    UsageError
        The libraries that it needs are not installed.
    """
    try:
        from rtkit.live.server import LiveServer
    except ModuleNotFoundError as error:
        raise not_installed(error, "the live page") from None
    server = LiveServer(folder, host, port, certificate, key)
    print(f"rtkit: the page is at {server.url}", file=sys.stderr, flush=True)
    return server


@hookimpl
def rtkit_stream_created(stream: Stream) -> None:
    """If the stream is to be viewed: show it on a page, at the usual port or, if that is taken, at another one."""
    if not stream.settings.get("view"):
        return
    try:
        server = serve(".", "127.0.0.1", PORT)
    except DeviceError:
        server = serve(".", "127.0.0.1", 0)
    server.session.attach(stream)
    server.start()
    _servers[id(stream)] = server


@hookimpl
def rtkit_stream_stopped(stream: Stream) -> None:
    """Tell the pages that the stream has ended, and close the server."""
    server = _servers.pop(id(stream), None)
    if server is None:
        return
    server.session.ended()
    if server.pages:
        time.sleep(GOODBYE_S)
    server.close()
