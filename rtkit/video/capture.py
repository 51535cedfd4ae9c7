"""Opening what OpenCV reads: video files, cameras, network streams."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

from rtkit.video.opencv import opencv

#: Timeouts of a network camera: to answer, and to send the next frame before its reader gives up.
OPEN_TIMEOUT_S, READ_TIMEOUT_S = 5.0, 3.0
#: Frame rate assumed where a device or file does not tell its own.
DEFAULT_FRAME_RATE_HZ = 25.0
#: From this width on, most USB cameras reach their full rate only with compressed frames.
MJPEG_MIN_WIDTH_PX = 1280
#: FFmpeg options against buffering before the first frame; by default the latency of RTSP is 0.6 to 0.9 s.
LOW_DELAY_OPTIONS = "fflags;nobuffer|flags;low_delay"

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
            if size[0] >= MJPEG_MIN_WIDTH_PX:
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
    options = f"rtsp_transport;tcp|{LOW_DELAY_OPTIONS}" if url.lower().startswith("rtsp") else LOW_DELAY_OPTIONS
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(1e3 * OPEN_TIMEOUT_S), cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(1e3 * READ_TIMEOUT_S)]
    with _setting("OPENCV_FFMPEG_CAPTURE_OPTIONS", options):  # FFmpeg reads it while it opens, and at no other time
        return cv2.VideoCapture(url, cv2.CAP_FFMPEG, timeouts)


def frame_rate(capture: Any) -> float:
    """Frame rate (Hz) of an open capture, or the default where it tells none that is plausible."""
    fps = float(capture.get(opencv().CAP_PROP_FPS))
    return fps if 0 < fps <= 1000 else DEFAULT_FRAME_RATE_HZ


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
