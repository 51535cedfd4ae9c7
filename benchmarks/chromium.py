"""Chromium without a screen, whose camera and microphone play files: for what is measured, tested and pictured of the live page."""

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

FLAGS = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)


def find_chromium() -> str | None:
    """Where Chromium is, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def launched(camera: Path | None = None, microphone: Path | None = None):
    """Chromium as playwright's `Browser`, closed afterwards."""
    from playwright.sync_api import sync_playwright

    flags = list(FLAGS)
    if camera is not None:
        flags.append(f"--use-file-for-fake-video-capture={camera}")
    if microphone is not None:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), headless=True, args=flags)
        yield browser
        browser.close()


def as_camera(video: Path, folder: Path, start_s: float = 0.0, seconds: float = 5.0) -> Path:
    """A part of a video as frames that the browser's camera plays over and over; needs FFmpeg."""
    out = folder / "camera.mjpeg"
    picture = ["-vf", "scale=640:480,fps=30", "-t", str(seconds), "-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj420p"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-ss", str(start_s), "-i", video, *picture, out], check=True)
    return out
