"""Who may talk to the live page, and what a browser may do with it."""

from __future__ import annotations

import hmac
import secrets
from collections import Counter
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Names of this machine for itself; another name in a request means that a strange page had it resolved to here (DNS rebinding).
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
#: WebSocket close code for a violated policy (RFC 6455, 7.4.1).
POLICY_VIOLATION = 1008


class Guard:
    """Middleware that refuses strangers: by the name they call this machine, by the page they come from, by their token.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    local : bool
        Only this machine can connect: it must then be called by one of its own names, and no token is needed.

    Attributes
    ----------
    token : str or None
        What has to be in the address (``?token=``), in the cookie that the page then gets, or in ``Authorization: Bearer``.
    refused : Counter
        Refusals, by reason.
    """

    def __init__(self, app: ASGIApp, local: bool) -> None:
        self._app = app
        self._local = local
        self.token = None if local else secrets.token_urlsafe(24)
        self.refused: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or hand it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        reason = self._reason(headers, scope, asked)
        if reason is not None:
            self.refused[reason] += 1
            await _refuse(scope, receive, send, reason)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = MutableHeaders(scope=message)
                for name, value in policy(headers.get("host", "")).items():
                    added[name] = value
                if self.token is not None and asked:
                    added.append("set-cookie", f"{_cookie(scope)}={self.token}; HttpOnly; SameSite=Strict; Path=/")
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _reason(self, headers: Headers, scope: Scope, asked: str) -> str | None:
        """Why to refuse a request, or None."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._local and _name(f"//{host}") not in LOCAL_NAMES:
            return "host"
        # Browsers say where the page comes from that opens a WebSocket or sends a form; whatever else connects is no browser.
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return "origin"
        if self.token is not None:
            shown = asked or _from_cookie(headers, scope) or headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(shown.encode(), self.token.encode()):
                return "token"
        return None


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _cookie(scope: Scope) -> str:
    """Browsers share cookies between the ports of a machine, so the port is a part of the name."""
    return f"rtkit_{(scope.get('server') or ('', 0))[1]}"


def _from_cookie(headers: Headers, scope: Scope) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(_cookie(scope))
    except CookieError:
        return ""
    return "" if found is None else found.value


async def _refuse(scope: Scope, receive: Receive, send: Send, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": reason})  # before it is accepted: the answer is 403
        return
    words = {"host": "this page answers to localhost only", "origin": "asked from a strange page", "token": "token missing or wrong"}
    await PlainTextResponse(f"refused: {words[reason]}\n", 403)(scope, receive, send)


def policy(host: str) -> dict[str, str]:
    """Headers that tell a browser to load nothing from elsewhere, and to show the page nowhere else."""
    socket = f"ws://{host} wss://{host}" if host and all(letter not in host for letter in " ;,'\"") else ""
    return {
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
            f"worker-src 'self'; connect-src 'self' {socket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(self), microphone=(self)",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cache-control": "no-cache",
    }
