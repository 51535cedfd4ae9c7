"""Opening what OpenCV reads: video files, cameras, network streams."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

from rtkit.video.opencv import opencv

#: Time (s) that a network camera may take to answer, and to send the next frame before its reader gives up.
OPEN_PATIENCE, READ_PATIENCE = 5.0, 3.0
#: Frames a second taken for granted where a device or file does not say.
USUAL_FPS = 25.0
#: From this width on, most USB cameras reach their full rate only with compressed frames.
WIDE = 1280
#: What keeps FFmpeg from collecting frames before it hands on the first one; by default RTSP comes 0.6 to 0.9 s late.
LOW_DELAY = "fflags;nobuffer|flags;low_delay"

_environment = threading.Lock()


def open_video(path: str) -> Any:
    """A capture of a video file; check ``isOpened()``."""
    cv2 = opencv()
    return cv2.VideoCapture(path, cv2.CAP_FFMPEG)


def open_camera(target: int | str, size: tuple[int, int] | None, fps: float | None) -> Any:
    """A capture of a camera by its number or path, asked for a size (pixels) and rate (Hz); it may choose others."""
    cv2 = opencv()
    capture = cv2.VideoCapture(target, cv2.CAP_V4L2 if os.name == "posix" and os.path.exists("/sys/class/video4linux") else cv2.CAP_ANY)
    if capture.isOpened():
        if size is not None:
            if size[0] >= WIDE:
                capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        if fps is not None:
            capture.set(cv2.CAP_PROP_FPS, fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


def open_network(url: str) -> Any:
    """A capture of a network camera, opened for low delay unless the user's ``OPENCV_FFMPEG_CAPTURE_OPTIONS`` says otherwise."""
    cv2 = opencv()
    options = f"rtsp_transport;tcp|{LOW_DELAY}" if url.lower().startswith("rtsp") else LOW_DELAY
    patience = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(1e3 * OPEN_PATIENCE), cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(1e3 * READ_PATIENCE)]
    with _setting("OPENCV_FFMPEG_CAPTURE_OPTIONS", options):  # FFmpeg reads it while it opens, and at no other time
        return cv2.VideoCapture(url, cv2.CAP_FFMPEG, patience)


def frame_rate(capture: Any) -> float:
    """Frames a second (Hz) of an open capture, or the usual number where it says none that can be."""
    fps = float(capture.get(opencv().CAP_PROP_FPS))
    return fps if 0 < fps <= 1000 else USUAL_FPS


@contextlib.contextmanager
def _setting(name: str, value: str) -> Iterator[None]:
    with _environment:
        given = os.environ.get(name)
        os.environ.setdefault(name, value)
        try:
            yield
        finally:
            if given is None:
                os.environ.pop(name, None)
