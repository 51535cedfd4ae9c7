"""OpenCV, loaded at its first use and quiet."""

from __future__ import annotations

import os
from types import ModuleType


def opencv() -> ModuleType:
    """The module ``cv2``; neither it nor the FFmpeg inside prints warnings, as what matters of them becomes an error of ours."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
    import cv2

    return cv2
