"""The browser's camera and microphone as sources: what a page sends over its WebSocket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np

from rtkit.core.errors import DeviceError, InputError
from rtkit.core.items import Block, Frame, FrameSpec, Image, SampleSpec
from rtkit.core.source import Source
from rtkit.handover.latest import LatestFrame
from rtkit.handover.ring import Ring
from rtkit.video.opencv import opencv
from rtkit.video.size import fit

#: Time (s) that the page gets for the first item, and in which a page that went away may come back.
FIRST_ITEM_TIMEOUT_S, RETURN_TIMEOUT_S = 20.0, 10.0
#: Time (s) after which a reader looks again whether it was stopped.
POLL_S = 0.5
#: Frames a second (Hz) that a page is asked for.
FRAME_RATE_HZ = 30.0
#: Largest side of a frame (pixels).
MAX_SIDE_PX = 1920
#: Rates (Hz) of an AudioContext, and seconds of samples that may wait.
RATES_HZ, BUFFER_S = (8000.0, 192000.0), 2.0
#: Samples of a block (s).
BLOCK_S = 0.016
CHANNELS = ("near", "far")


class BrowserCamera(Source):
    """Frames that a page sends: the newest each time, those that are damaged counted and left out.

    Attributes
    ----------
    answered : int
        Index, as the page counts, of the frame that was handed on last.
    """

    name = "browser:camera"
    live = True
    gives = "frames"

    def __init__(self) -> None:
        self._newest = LatestFrame()
        self._stopping = threading.Event()
        self._damaged = 0
        self._size = (0, 0)
        self._first: Frame | None = None

    def put(self, index: int, jpeg: bytes) -> None:
        """Take a frame from the page; its picture is decoded by the stream, when it is its turn."""
        data: Image = np.frombuffer(jpeg, np.uint8)
        self._newest.put(Frame(data, index, perf_counter()))

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> FrameSpec:
        """Wait for the first frame.

        Raises
        ------
        DeviceError
            None came.
        """
        self._first = self._next(FIRST_ITEM_TIMEOUT_S)
        if self._first is None:
            raise DeviceError(f"{self.name}: no picture came from the page within {FIRST_ITEM_TIMEOUT_S:g} s")
        self._begin = self._first.time
        height, width = self._first.image.shape[:2]
        self._size = (width, height)
        return FrameSpec(width, height, FRAME_RATE_HZ)

    def __iter__(self) -> Iterator[Frame]:
        """The newest frame each time.

        Raises
        ------
        DeviceError
            The page went away and did not come back.
        """
        frame = self._first
        while frame is not None:
            frame.time -= self._begin
            frame.image = fit(frame.image, *self._size)
            yield frame
            frame = self._next(RETURN_TIMEOUT_S)
        if not self._stopping.is_set():
            raise DeviceError(f"{self.name}: no picture came from the page for {RETURN_TIMEOUT_S:g} s")

    def _next(self, timeout: float) -> Frame | None:
        until = perf_counter() + timeout
        while not self._stopping.is_set() and perf_counter() < until:
            frame = self._newest.take(POLL_S)
            if frame is None:
                continue
            try:
                frame.image = decode(frame.image)
            except InputError:
                self._damaged += 1
                continue
            return frame
        return None

    def stop(self) -> None:
        """End the iteration."""
        self._stopping.set()
        self._newest.close()

    def counts(self) -> dict[str, int]:
        """``captured`` frames handed on, ``skipped`` and ``damaged`` ones."""
        return {"captured": self._newest.taken - self._damaged, "skipped": self._newest.skipped, "damaged": self._damaged}

    def delays(self) -> dict[str, float]:
        """Seconds ``waiting`` for the stream, mean over the frames."""
        return {"waiting": self._newest.delay}


class BrowserMicrophone(Source):
    """What a page hears and plays, as channels ``near`` and ``far``; both come from one clock, sample by sample.

    Parameters
    ----------
    rate : float
        Of the page's AudioContext (Hz).

    Raises
    ------
    InputError
        No such rate.
    """

    name = "browser:microphone"
    live = True
    gives = "samples"

    def __init__(self, rate: float) -> None:
        if not RATES_HZ[0] <= rate <= RATES_HZ[1]:
            raise InputError(f"{self.name}: rate {rate:g} Hz; expected {RATES_HZ[0]:g} to {RATES_HZ[1]:g} Hz")
        self._spec = SampleSpec(rate, CHANNELS)
        self._size = max(1, round(BLOCK_S * rate))
        self._ring = Ring(round(BUFFER_S * rate), len(CHANNELS))
        self._expected = 0  # index of the next sample, as the page counts
        self._captured = 0
        self._stopping = threading.Event()

    def put(self, index: int, samples: bytes) -> None:
        """Take samples from the page, the first of which has this index; what is missing in between is counted.

        Raises
        ------
        InputError
            Not whole samples of two channels.
        """
        if len(samples) % (4 * len(CHANNELS)):
            raise InputError(f"{self.name}: {len(samples)} bytes; expected float32 samples of {len(CHANNELS)} channels")
        data = np.frombuffer(samples, "<f4").reshape(-1, len(CHANNELS))
        missing = index - self._expected
        if 0 < missing <= BUFFER_S * self._spec.rate:
            self._ring.gap(missing)
        self._expected = index + len(data)
        self._ring.write(data)

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """The format."""
        return self._spec

    def __iter__(self) -> Iterator[Block]:
        """Blocks as they come.

        Raises
        ------
        DeviceError
            The page went away and did not come back.
        """
        timeout = FIRST_ITEM_TIMEOUT_S
        heard = perf_counter()
        while not self._stopping.is_set():
            data = self._ring.read(self._size, POLL_S)
            if len(data):
                heard, timeout = perf_counter(), RETURN_TIMEOUT_S
                self._captured += len(data)
                yield Block(data, self._ring.position - len(data), self._spec.rate, self._spec.channels)
            elif perf_counter() - heard > timeout and not self._stopping.is_set():
                raise DeviceError(f"{self.name}: no sound came from the page for {timeout:g} s")

    def stop(self) -> None:
        """End the iteration."""
        self._stopping.set()
        self._ring.close()

    def counts(self) -> dict[str, int]:
        """``captured`` samples handed on, ``lost`` on the way, ``overrun`` because they were read too late."""
        return {"captured": self._captured, "lost": self._ring.gaps, "overrun": self._ring.overrun}


def decode(data: Image) -> Image:
    """The picture of a JPEG file ``[bytes]``, looked at before it is decoded: a few bytes can promise a huge picture.

    Raises
    ------
    InputError
        Damaged, not JPEG, or larger than `MAX_SIDE_PX` a side.
    """
    width, height = jpeg_size(data.tobytes())
    if not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX):
        raise InputError(f"browser:camera: a frame of {width} x {height}; expected a JPEG of at most {MAX_SIDE_PX} a side")
    cv2 = opencv()
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if image is None:
        raise InputError("browser:camera: a damaged frame; expected JPEG")
    decoded: Image = np.asarray(image, np.uint8)
    return decoded


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height (pixels) that the frame header of a JPEG file tells (ITU-T T.81, B.2.2); zeros if there is none."""
    at = 2 if data[:2] == b"\xff\xd8" else len(data)
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + length
    return 0, 0
