"""The plug-in of the live page: its command."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from rtkit.errors import DeviceError, UsageError
from rtkit.hookspecs import hookimpl

if TYPE_CHECKING:
    from rtkit.live.server import LiveServer
    from rtkit.stream import Stream

PORT = 8765
#: Time (s) that pages get to hear that their stream has ended.
GOODBYE_S = 0.5


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
        raise UsageError(f"the live page needs {error.name}: pip install 'rtkit[live]'") from None
    server = LiveServer(folder, host, port, certificate, key)
    print(f"rtkit: the page is at {server.url}", file=sys.stderr, flush=True)
    return server


@contextlib.contextmanager
def viewed(stream: Stream) -> Iterator[None]:
    """Show a stream that runs inside the ``with`` on a page."""
    server = show(stream)
    try:
        yield
    finally:
        hide(server)


def show(stream: Stream) -> LiveServer:
    """Show a stream that does not run yet on a page, at the usual port or, if that is taken, at another one."""
    try:
        server = serve(".", "127.0.0.1", PORT)
    except DeviceError:
        server = serve(".", "127.0.0.1", 0)
    server.session.attach(stream)
    server.start()
    return server


def hide(server: LiveServer) -> None:
    """Close the page of a stream that has ended, when those who look on have heard of the end."""
    server.session.ended()
    if server.pages:
        time.sleep(GOODBYE_S)
    server.close()
