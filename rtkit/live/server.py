"""The server of the live page."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import threading
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket
from uvicorn.protocols.http.h11_impl import H11Protocol

from rtkit.core.errors import DeviceError, InputError, RtkitError
from rtkit.core.host import host as plugins
from rtkit.live.catalogue import catalogue
from rtkit.live.client import Client
from rtkit.live.folder import Folder
from rtkit.live.guard import LOCAL_NAMES, Guard
from rtkit.live.metrics import as_text
from rtkit.live.session import Session
from rtkit.provided.views import find_views
from rtkit.signals.suffixes import SOUND

PAGE = Path(__file__).parent / "page"
#: Pages at a time, and connections of any kind.
MAX_PAGES, MAX_CONNECTIONS = 16, 128
#: Bytes of a WebSocket message.
MAX_MESSAGE_BYTES = 4 * 2**20
#: Time (s) in which a connection has to ask for something, and after which a page that does not answer is given up.
REQUEST_TIMEOUT_S, PING_TIMEOUT_S = 10.0, 15.0
#: What is served of a folder with views, and as what.
VIEW_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png"}
#: WebSocket close code: try again later (IANA).
TRY_AGAIN_LATER = 1013


class DeadlineProtocol(H11Protocol):
    """HTTP for those who ask: a connection that is opened and says nothing is closed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(REQUEST_TIMEOUT_S, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if self.cycle is None and self.transport.get_protocol() is self:  # no request yet, and no WebSocket either
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let a connection go."""
        self._deadline.cancel()
        super().connection_lost(exc)


class LiveServer:
    """Serves the page of one session.

    Parameters
    ----------
    folder : path
        Files below it may be named by a page.
    host : str
        Address to listen at. Any but this machine's own needs a token, which is made up and part of `url`.
    port : int
        0: any that is free.
    certificate, key : path, optional
        For HTTPS, without which browsers lend camera and microphone to pages of this machine only.

    Attributes
    ----------
    session : Session
        Its stream.
    url : str
        Where the page is.
    pages : int
        How many are connected.

    Raises
    ------
    InputError, DeviceError
        No such folder; the address cannot be listened at.
    """

    def __init__(
        self,
        folder: str | Path = ".",
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: str | Path | None = None,
        key: str | Path | None = None,
    ) -> None:
        self._views = find_views(plugins())
        for plugin, found in self._views.items():
            if found.error is not None:
                logging.getLogger("rtkit").warning("views of plug-in %s: %s", plugin, found.error)
        forms = {name: form for found in self._views.values() for name, form in found.forms.items()}
        self.session = Session(Folder(folder), forms)
        self.guard = Guard(self._app(), is_local(host))
        self.pages = 0
        self._socket = _listen(host, port)
        token = "" if self.guard.token is None else f"?token={self.guard.token}"
        name = host if ":" not in host else f"[{host}]"
        self.url = f"http{'' if certificate is None else 's'}://{name}:{self._socket.getsockname()[1]}/{token}"
        config = uvicorn.Config(
            self.guard,
            http=DeadlineProtocol,
            ws="websockets-sansio",
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_ping_interval=PING_TIMEOUT_S,
            ws_ping_timeout=PING_TIMEOUT_S,
            ws_per_message_deflate=False,  # pictures are compressed already, and it takes a page's time
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=1,
            log_level="error",
            server_header=False,
            lifespan="off",
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    def run(self) -> None:
        """Serve until interrupted."""
        try:
            self._server.run([self._socket])
        finally:
            self.session.close()

    def start(self) -> None:
        """Serve in a thread, until `close`."""
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="live page", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End what `start` began."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self.session.close()

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self._index),
                Route("/metrics", self._metrics),
                Route("/pipeline.toml", self._pipeline),
                Route("/recordings/{name}", self._recording),
                Route("/files/{name:path}", self._file),
                WebSocketRoute("/ws", self._page),
                Mount("/static", StaticFiles(directory=PAGE)),
                Route("/views/{plugin:path}/{name}", self._view),
            ],
            exception_handlers={RtkitError: self._not_found},
        )

    async def _index(self, request: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    async def _metrics(self, request: Request) -> Response:
        return PlainTextResponse(as_text(self.session, self.pages, self.guard.refused), media_type="text/plain; version=0.0.4")

    async def _pipeline(self, request: Request) -> Response:
        if self.session.request is None:
            raise InputError("no stream has been started")
        headers = {"content-disposition": 'attachment; filename="pipeline.toml"'}
        return PlainTextResponse(self.session.request.toml(), media_type="application/toml", headers=headers)

    async def _recording(self, request: Request) -> Response:
        name = request.path_params["name"]
        path = next((path for path in self.session.recordings() if path.name == name), None)
        if path is None:
            raise InputError("no such recording")
        return FileResponse(path, filename=name)

    async def _file(self, request: Request) -> Response:
        path = self.session.folder.find(request.path_params["name"])
        if not path.is_file() or not path.name.lower().endswith(SOUND):
            raise InputError(f"{path.name}: no sound file")
        return FileResponse(path)

    async def _view(self, request: Request) -> Response:
        """A file beside the views of a plug-in: a script, a style or a picture, and nothing else that may lie there."""
        plugin, name = request.path_params["plugin"], request.path_params["name"]
        folder = self._views[plugin].folder if plugin in self._views else None
        path = None if folder is None else next((path for path in folder.iterdir() if path.name == name), None)
        if path is None or path.suffix not in VIEW_TYPES or path.resolve().parent != folder or not path.is_file():
            raise InputError(f"{name}: no part of a view")
        return FileResponse(path, media_type=VIEW_TYPES[path.suffix])

    async def _not_found(self, request: Request, error: Exception) -> Response:
        return PlainTextResponse(self.session.folder.without_paths(str(error)) + "\n", 404)

    async def _page(self, page: WebSocket) -> None:
        if self.pages >= MAX_PAGES:
            self.guard.refused["pages"] += 1
            await page.close(TRY_AGAIN_LATER)
            return
        self.pages += 1
        try:
            await Client(page, self.session, await asyncio.to_thread(catalogue, self.session, self._views)).serve()
        finally:
            self.pages -= 1


def is_local(host: str) -> bool:
    """Whether nobody but this machine can connect to that address."""
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen()  # from here on a page can connect, and waits until it is served
    except (OSError, OverflowError) as error:
        raise DeviceError(f"live page: cannot listen at {host}, port {port}: {getattr(error, 'strerror', None) or error}") from None
    return made
