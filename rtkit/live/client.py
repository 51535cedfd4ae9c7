"""One page: what it says is heeded within limits, and it is told what is new as fast as it reads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from time import monotonic
from typing import Any

import msgspec
import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect

from rtkit.core.errors import RtkitError
from rtkit.core.items import Frame
from rtkit.live import messages
from rtkit.live.browser import BrowserCamera, BrowserMicrophone
from rtkit.live.encoder import SignalEncoder, packet
from rtkit.live.request import StreamRequest
from rtkit.live.session import Session
from rtkit.live.tap import StreamTap
from rtkit.video.opencv import opencv
from rtkit.video.size import fit

#: Time (s) between two updates of a page, and between two reports.
UPDATE_S, REPORT_S = 1 / 30, 0.5
#: Messages and bytes a second that a page may send; a camera of 30 frames and a microphone need a third of it.
MAX_MESSAGES_PER_S, MAX_BYTES_PER_S = 400, 16 * 2**20
#: Bytes of a text message.
MAX_TEXT_BYTES = 2**16
#: WebSocket close codes: the server goes away; the page sends too much (RFC 6455, 7.4.1).
GOING_AWAY, POLICY_VIOLATION = 1001, 1008
#: Quality of the JPEG files that a page gets, and their largest side (pixels).
JPEG_QUALITY, MAX_SIDE_PX = 80, 1280


class Client:
    """A page and its WebSocket.

    Parameters
    ----------
    socket : WebSocket
        Not accepted yet.
    session : Session
        The stream that it sees and steers.
    catalogue : dict
        What it is told first.
    """

    def __init__(self, socket: WebSocket, session: Session, catalogue: dict[str, Any]) -> None:
        self._socket = socket
        self._session = session
        self._catalogue = catalogue
        self._loop = asyncio.get_running_loop()
        self._fresh = asyncio.Event()
        self._fresh.set()  # the state goes out at once
        self._woken = False  # so that a fast stream does not wake the loop for every block
        self._changed = True
        self._told = session.run if session.state == "ended" else 0  # number of the stream that the page knows of
        self._listening = False
        self._code = GOING_AWAY  # what the connection is closed with
        self._feed: Feed | None = None

    async def serve(self) -> None:
        """Talk to the page until it goes away."""
        await self._socket.accept()
        self._session.listeners.append(self._change)
        writing = asyncio.create_task(self._write())
        reading = asyncio.create_task(self._read())
        try:
            await asyncio.wait((writing, reading), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._session.listeners.remove(self._change)
            for task in (writing, reading):
                task.cancel()
            for error in await asyncio.gather(writing, reading, return_exceptions=True):
                if isinstance(error, Exception) and not isinstance(error, WebSocketDisconnect):
                    logging.getLogger("rtkit").error("a page was given up", exc_info=error)
            self._follow(None)
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it is closed already
                await self._socket.close(self._code)

    # What the page says

    async def _read(self) -> None:
        count, size, second = 0, 0, monotonic()
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            content = message.get("text") or message.get("bytes") or b""
            if monotonic() - second > 1:
                count, size, second = 0, 0, monotonic()
            count, size = count + 1, size + len(content)
            if count > MAX_MESSAGES_PER_S or size > MAX_BYTES_PER_S or (isinstance(content, str) and len(content) > MAX_TEXT_BYTES):
                await self._send({"is": "refused", "why": "too much at once; this connection is closed"})
                self._code = POLICY_VIOLATION
                return
            try:
                if isinstance(content, str):
                    await self._handle(messages.read(content))
                else:
                    self._take(*messages.read_binary(content))
            except RtkitError as error:
                await self._send({"is": "refused", "why": self._session.folder.without_paths(str(error))})

    async def _handle(self, message: messages.AnyMessage) -> None:
        session = self._session
        match message:
            case messages.Start():
                await asyncio.to_thread(session.start, message)
            case messages.Describe():
                request = await asyncio.to_thread(StreamRequest.checked, message, session.folder)
                await self._send({"is": "toml", "text": request.toml()})
            case messages.Pause() | messages.Resume():
                session.pause(isinstance(message, messages.Pause))
            case messages.Stop():
                await asyncio.to_thread(session.stop)
            case messages.Set():
                await asyncio.to_thread(session.set, message)
            case messages.Record():
                await asyncio.to_thread(session.record, message.on)
            case messages.Listen():
                self._listening = message.on

    def _take(self, kind: int, index: int, content: bytes) -> None:
        self._session.feed(index, content, BrowserCamera if kind == messages.FRAME else BrowserMicrophone)

    # What the page is told

    def _change(self) -> None:
        """The state has changed; called by any thread."""
        self._changed = True
        self._loop.call_soon_threadsafe(self._fresh.set)

    def _wake(self) -> None:
        """There is something new; called by the stream's thread."""
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._fresh.set)

    async def _write(self) -> None:
        await self._send(self._catalogue)
        reported = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._fresh.wait(), REPORT_S)
            self._fresh.clear()
            self._woken = False
            begun = monotonic()
            changed, self._changed = self._changed, False
            ended = changed and self._session.state == "ended"
            if changed:
                self._follow(self._session.tap)
            if changed and not (ended and self._told == self._session.run):
                state = await asyncio.to_thread(self._session.describe)
                self._told = state["run"]  # a stream that was over at once is told as running first: its formats go before its samples
                await self._send(state | {"state": "running"} if ended else state)
            if self._feed is not None:
                self._feed.listening = self._listening
                for message in await asyncio.to_thread(self._feed.new_messages):
                    await self._socket.send_bytes(message) if isinstance(message, bytes) else await self._send(message)
            if self._session.report is not None and (ended or begun - reported > REPORT_S):
                reported = begun
                await self._send({"is": "report", "report": self._session.describe_report()})
            if ended:  # after all that was found on the way
                await self._send(await asyncio.to_thread(self._session.describe))
            if self._feed is None or not self._feed.tap.every_frame:
                await asyncio.sleep(max(0.0, begun + UPDATE_S - monotonic()))

    def _follow(self, tap: StreamTap | None) -> None:
        """Look at this stream from now on."""
        if self._feed is not None and self._feed.tap is not tap:
            self._feed.tap.watchers.pop(self, None)
            self._feed = None
        if tap is not None and tap.output_spec is not None and self._feed is None:
            self._feed = Feed(tap)
            tap.watchers[self] = self._wake

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send_text(msgspec.json.encode(message, enc_hook=str).decode())


class Feed:
    """What one page has not seen yet of one stream.

    Parameters
    ----------
    tap : StreamTap
        What there is to see.

    Attributes
    ----------
    listening : bool
        The page wants to hear the processed sound, too.
    """

    def __init__(self, tap: StreamTap) -> None:
        self.tap = tap
        self.listening = False
        self._encoder = SignalEncoder(tap)
        self._seen = 0  # number of the newest event
        self._shown: Frame | None = None
        self._heard: int | None = None

    def new_messages(self) -> list[bytes | dict[str, Any]]:
        """Messages for the page; takes some milliseconds, so not in the loop."""
        if self.tap.paused:
            return []
        found: list[bytes | dict[str, Any]] = []
        self._seen, events, skipped = self.tap.events(self._seen)
        frame = self.tap.frame
        self.tap.fetched = True
        if frame is not None and frame is not self._shown:
            self._shown = frame
            found.append(_as_packet(frame))
        sound = self._sound() if self.listening else None
        if not self.listening:
            self._heard = None
        found += [message for message in (self._encoder.samples(), sound) if message is not None]
        if events:
            found.append({"is": "events", "events": events, "skipped": skipped})
        return found

    def _sound(self) -> bytes | None:
        out = self.tap.output_history
        if out is None:
            return None
        if self._heard is None:
            self._heard = out.end
        start, data = out.read(self._heard, len(out))
        if not len(data):
            return None
        self._heard = start + len(data)
        header = {"is": "audio", "start": start, "rate": out.spec.rate, "channels": data.shape[1]}
        return packet(header, np.nan_to_num(data).astype("<f4").data)


def _as_packet(frame: Frame) -> bytes:
    cv2 = opencv()
    height, width = frame.image.shape[:2]
    scale = min(1.0, MAX_SIDE_PX / max(width, height))
    image = fit(frame.image, max(1, round(scale * width)), max(1, round(scale * height)))
    _, jpeg = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
    return packet({"is": "frame", "index": frame.index, "time": frame.time, "width": width, "height": height}, jpeg.tobytes())
