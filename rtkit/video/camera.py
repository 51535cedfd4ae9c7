"""Cameras, at this machine and in the network, as live sources."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np

from rtkit.core.errors import DeviceError, InputError, UsageError
from rtkit.core.items import Frame, FrameSpec, Image
from rtkit.core.source import Options, Source
from rtkit.handover.latest import LatestFrame
from rtkit.video.capture import frame_rate, open_camera, open_network
from rtkit.video.opencv import opencv
from rtkit.video.rate import FrameRateLimiter
from rtkit.video.size import fit, parse_size

log = logging.getLogger("rtkit.video")

#: Watchdog: without a frame for this time, or this many mean frame intervals if that is longer, a camera counts as stalled; some send
#: less than a frame a second.
STALL_TIMEOUT_S, STALL_INTERVALS = 0.8, 3.0
#: Backoff: pause before a lost camera is first tried again; doubled each time, up to the second number.
FIRST_RETRY_PAUSE_S, MAX_RETRY_PAUSE_S = 0.5, 4.0
#: Time for a reader to come back from a blocked read before its thread is abandoned.
CLOSE_TIMEOUT_S = 2.0


class Camera(Source):
    """A camera of this machine. Hands on the newest frame, never one twice, and counts what it skipped.

    A thread of its own reads, so that the driver never holds back an old frame; if frames stay away, the camera is opened again.

    Parameters
    ----------
    target : str
        Number of the camera, 0 if empty, or the path of its device.
    options : Options
        `size` and `fps` (the camera's own) and `reconnect` hold.
    """

    live = True
    gives = "frames"
    open_to_pages = True

    def __init__(self, target: str, options: Options) -> None:
        self.name = f"camera:{target}" if target else "camera"
        if target and not target.isdecimal() and "/" not in target:
            raise UsageError(f"{self.name}: expected a number, as camera:0, or the path of a device")
        self._target: int | str = target if "/" in target else int(target or 0)
        self._requested_size = parse_size(options.size)
        self._fps = options.fps
        self._reconnect = options.reconnect
        self._latest = LatestFrame()
        self._stopping = threading.Event()
        self._reader: threading.Thread | None = None
        self._reading = False  # whether the reader is inside a read, and not opening the camera
        self._index = self._stalls = self._reconnects = 0
        self._captured = 0
        self._origin = 0.0

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> FrameSpec:
        """Open the camera and wait for its first frame.

        Raises
        ------
        DeviceError
            There is no such camera, it is in use, or it sends nothing.
        """
        capture = self._connect()
        image: Any = capture.read()[1] if capture.isOpened() else None
        if image is None:
            capture.release()
            raise DeviceError(f"{self.name}: {self._not_found_reason()}")
        fps = frame_rate(capture)
        self._size: tuple[int, int] = self._requested_size or (image.shape[1], image.shape[0])
        self._interval = 1 / fps
        self._origin = perf_counter()
        self._deliver(image, self._origin)
        self._start(capture)
        return FrameSpec(*self._size, min(fps, self._fps or fps))

    def __iter__(self) -> Iterator[Frame]:
        """The newest frame each time, its time (s) that of its arrival.

        Raises
        ------
        DeviceError
            The camera went away and stayed away.
        """
        due, last, stalled = FrameRateLimiter(self._fps), perf_counter(), False
        while not self._stopping.is_set():
            frame = self._latest.take(max(STALL_TIMEOUT_S, STALL_INTERVALS * self._interval))
            if frame is not None:
                self._reconnects += stalled
                last, stalled = perf_counter(), False
                if due(frame.time):
                    self._captured += 1
                    yield frame
            elif not self._stopping.is_set():
                if not stalled:
                    stalled, self._stalls = True, self._stalls + 1
                    log.warning("%s: no frame for %.1f s; trying again for %g s", self.name, perf_counter() - last, self._reconnect)
                    if self._reading:  # the read may block for good: abandon its thread
                        self._start(None)
                if perf_counter() - last > self._reconnect:
                    raise DeviceError(f"{self.name}: gave no frame for {perf_counter() - last:.0f} s")

    def stop(self) -> None:
        """End the iteration."""
        self._stopping.set()
        self._latest.close()

    def close(self) -> None:
        """Close the camera; never hangs, whatever it does."""
        self._stopping.set()
        if self._reader is not None:
            self._reader.join(CLOSE_TIMEOUT_S)

    def counts(self) -> dict[str, int]:
        """``captured`` frames handed on, ``skipped`` ones, ``stalls`` and ``reconnects``."""
        return {
            "captured": self._captured,
            "skipped": self._latest.skipped,
            "stalls": self._stalls,
            "reconnects": self._reconnects,
        }

    def delays(self) -> dict[str, float]:
        """Seconds ``waiting`` for the stream, mean over the frames."""
        return {"waiting": self._latest.delay}

    def _connect(self) -> Any:
        """A capture of the camera, open or not."""
        return open_camera(self._target, self._requested_size, self._fps)

    def _not_found_reason(self) -> str:
        return "no such camera, or another program uses it; rtkit devices lists those that are there"

    # -- the reader's thread ---------------------------------------------------------------------------------------------------

    def _start(self, capture: Any) -> None:
        """Begin to read in a new thread, which takes the place of the one before."""
        self._reading = False
        self._reader = threading.Thread(target=self._read, args=(capture,), name=f"read {self.name}", daemon=True)
        self._reader.start()

    def _read(self, capture: Any) -> None:
        try:
            self._read_and_reconnect(capture)
        except BaseException as error:
            self._latest.close(error)

    def _read_and_reconnect(self, capture: Any) -> None:
        """Read, and reconnect with exponential backoff whenever the connection is lost."""
        pause = FIRST_RETRY_PAUSE_S
        while self._is_current():
            if capture is None:
                capture = self._connect()
            if not capture.isOpened():
                capture = None
                self._stopping.wait(pause)
                pause = min(2 * pause, MAX_RETRY_PAUSE_S)
                continue
            count = self._read_frames(capture)
            capture.release()
            capture = None
            if count:
                pause = FIRST_RETRY_PAUSE_S
            else:
                self._stopping.wait(pause)
        if capture is not None:
            capture.release()

    def _read_frames(self, capture: Any) -> int:
        """Read frames until the connection ends; gives their number."""
        count, before = 0, perf_counter()
        self._reading = True
        while True:
            read, image = capture.read()
            now = perf_counter()
            if not self._is_current():
                return count
            if not read:
                self._reading = False
                return count
            if count:
                self._interval += 0.1 * (now - before - self._interval)
            count, before = count + 1, now
            self._deliver(image, now)

    def _is_current(self) -> bool:
        return not self._stopping.is_set() and threading.current_thread() is self._reader

    def _deliver(self, image: Image, now: float) -> None:
        self._latest.put(Frame(fit(image, *self._size), self._index, now - self._origin))
        self._index += 1


class NetworkCamera(Camera):
    """A camera in the network: MJPEG over HTTP, RTSP, or what else FFmpeg receives, opened for low delay.

    Parameters
    ----------
    url : str
        Where it sends; a password in it is shown nowhere.
    options : Options
        As for `Camera`.
    """

    open_to_pages = False  # named by an address

    def __init__(self, url: str, options: Options) -> None:
        super().__init__("", options)
        self._url = url
        self.name = re.sub(r"//[^/@]*@", "//", url)

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> FrameSpec:
        """Open the stream and wait for its first frame.

        Raises
        ------
        DeviceError
            Nothing answers there, or it is no video.
        """
        return super().open(dtype)

    def _connect(self) -> Any:
        capture = open_network(self._url)
        frames = capture.get(opencv().CAP_PROP_FRAME_COUNT) if capture.isOpened() else 0
        if frames > 0:
            capture.release()
            raise InputError(f"{self.name}: a video of {frames:.0f} frames and no camera; download it and give the file")
        return capture

    def _not_found_reason(self) -> str:
        return "no video comes from there; expected a camera that sends MJPEG, H.264 or the like"
