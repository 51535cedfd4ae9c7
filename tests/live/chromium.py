"""A real browser without a screen, whose camera and microphone play files."""

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import fftconvolve

FLAGS = [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


@contextmanager
def browser(camera: Path | None = None, microphone: Path | None = None):
    """Chromium; skips where it is not installed."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    flags = list(FLAGS)
    if camera is not None:
        flags.append(f"--use-file-for-fake-video-capture={camera}")
    if microphone is not None:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, headless=True, args=flags)
        yield made
        made.close()


def as_camera(video: Path, folder: Path) -> Path:
    """A video as frames that the browser's camera plays; skips without FFmpeg."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("no FFmpeg on this machine")
    out = folder / "camera.mjpeg"
    picture = ["-vf", "scale=640:480,fps=30", "-t", "5", "-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj420p"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", video, *picture, out], check=True)
    return out


def as_call(far: Path, room: Path, folder: Path) -> tuple[Path, Path]:
    """A second of speech to be played over and over, and its echo in a measured room as the microphone hears it then.

    The two begin at different times, so that the delay is unknown; as they repeat, it is less than the second.
    """
    speech, rate = soundfile.read(far)
    speech = speech[3 * rate : 4 * rate]
    echo = fftconvolve(np.tile(speech, 3), soundfile.read(room)[0])[2 * rate : 3 * rate]
    noise = np.random.default_rng(0).normal(0, 1e-4, 100 * rate)  # at its end the browser would make a gap
    played, heard = folder / "played.wav", folder / "heard.wav"
    soundfile.write(played, speech, rate)
    soundfile.write(heard, np.tile(0.3 * echo * np.std(speech) / np.std(echo), 100) + noise, rate)
    return played, heard
