"""A window that shows frames."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from pathlib import Path

from rtkit.core.errors import DeviceError, StopStream
from rtkit.core.items import Frame, FrameSpec, Image, Item, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Options
from rtkit.video.opencv import opencv
from rtkit.video.stills import write_picture

#: Largest side of the window at the beginning; it can be made larger by hand.
INITIAL_MAX_SIDE_PX = 1280
END_KEYS, PAUSE_KEY, SAVE_KEY = (ord("q"), 27), ord(" "), ord("s")
#: Polling interval of the keys while the window is paused.
KEY_POLL_MS = 50


class Window(Sink):
    """A window: ``q`` (or Escape, or closing it) ends the stream, ``space`` pauses, ``s`` saves the frame as a PNG file here.

    While it is paused, a file waits; a live source goes on unseen, and the window shows the newest frame afterwards.

    Parameters
    ----------
    title : str
        Its title; rtkit if empty.
    options : Options
        None holds.
    """

    takes = (FrameSpec,)

    def __init__(self, title: str, options: Options) -> None:
        self.name = f"window:{title}" if title else "window"
        self._title = title or "rtkit"
        self._paused = False

    def open(self, spec: Spec) -> None:
        """Open the window.

        Raises
        ------
        DeviceError
            There is no screen, or this OpenCV was built without windows.
        """
        assert isinstance(spec, FrameSpec)
        if not _has_screen():
            raise DeviceError(f"{self.name}: no screen to open a window on; write to a file instead, as in --to out.mp4")
        cv2 = opencv()
        os.environ.setdefault("QT_LOGGING_RULES", "*=false")  # it misses fonts that it does not need
        try:
            cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        except cv2.error:
            raise DeviceError(f"{self.name}: this OpenCV has no windows; install opencv-python and not its headless form") from None
        scale = min(1.0, INITIAL_MAX_SIDE_PX / max(spec.width, spec.height))
        cv2.resizeWindow(self._title, round(scale * spec.width), round(scale * spec.height))

    def write(self, item: Item) -> None:
        """Show one frame and handle a pressed key; raises StopStream when the user ends the stream."""
        assert isinstance(item, Frame)
        if not self._paused:
            opencv().imshow(self._title, item.image)
        self._handle_key(item.image, 1)
        while self._paused and not self.live:
            self._handle_key(item.image, KEY_POLL_MS)

    def _handle_key(self, image: Image, wait_ms: int) -> None:
        cv2 = opencv()
        key = cv2.waitKey(wait_ms) & 0xFF
        if key in END_KEYS or cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
            raise StopStream
        if key == PAUSE_KEY:
            self._paused = not self._paused
        elif key == SAVE_KEY:
            write_picture(_free_name(), image)

    def close(self) -> None:
        """Close the window."""
        cv2 = opencv()
        try:
            cv2.destroyWindow(self._title)
            cv2.waitKey(1)  # or it stays on the screen until the process ends
        except cv2.error:  # closed by the user
            pass


def _free_name() -> str:
    number = 1
    while Path(name := f"rtkit-{number:04d}.png").exists():
        number += 1
    return name


def _has_screen() -> bool:
    """Whether a window can be opened. Qt would end the whole process if not."""
    if not sys.platform.startswith("linux"):
        return True
    if os.environ.get("WAYLAND_DISPLAY"):
        return True
    if not os.environ.get("DISPLAY"):
        return False
    library = ctypes.util.find_library("X11")
    if library is None:
        return True
    x11 = ctypes.CDLL(library)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = x11.XOpenDisplay(None)
    if display:
        x11.XCloseDisplay(ctypes.c_void_p(display))
    return bool(display)
