"""The window, on a screen that is not there (Xvfb), and the virtual camera."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtkit import DeviceError, Options, Stream, UsageError
from rtkit.video.virtual import VirtualCamera
from tests.video.clips import CLIP, Numbers, Seen

MISSING = [program for program in ("Xvfb", "import", "xdotool") if not shutil.which(program)]


class Screen:
    """A screen in memory: what is on it, and keys for it."""

    def __init__(self):
        reading, writing = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1024x768x24", "-nolisten", "tcp"],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with os.fdopen(reading) as file:
            self.environment = {**os.environ, "DISPLAY": f":{file.readline().strip()}", "HOME": "/tmp"}
        self.environment.pop("WAYLAND_DISPLAY", None)

    def picture(self, path: Path):
        subprocess.run(["import", "-window", "root", str(path)], env=self.environment, check=True, timeout=30)
        return cv2.imread(str(path))

    def press(self, key):
        subprocess.run(["xdotool", "search", "--name", "rtkit", "key", key], env=self.environment, check=True, timeout=30)

    def wait_for_window(self):
        """Wait until the window is there."""
        command = ["xdotool", "search", "--sync", "--onlyvisible", "--name", "rtkit"]
        subprocess.run(command, env=self.environment, check=True, timeout=30, stdout=subprocess.DEVNULL)

    def wait_for(self, path, holds, seconds=30):
        """A picture of the screen as soon as it holds; taken only when the window is there, as `import` grabs the server, and a window
        that is mapped meanwhile may stay black."""
        self.wait_for_window()
        time.sleep(1)
        deadline = time.monotonic() + seconds
        while not holds(picture := self.picture(path)):
            assert time.monotonic() < deadline, "it never showed"
            time.sleep(0.1)
        return picture

    def close(self):
        self.server.kill()
        self.server.wait()


@pytest.fixture
def screen():
    if MISSING:
        pytest.skip(f"needs the programs {', '.join(MISSING)} (Debian: xvfb, imagemagick, xdotool)")
    made = Screen()
    yield made
    made.close()


def start(screen, folder, *arguments):
    command = [sys.executable, "-m", "rtkit", "run", str(CLIP), "--to", "window", "--report", "report.json", *arguments]
    return subprocess.Popen(command, cwd=folder, env=screen.environment, stderr=subprocess.PIPE, text=True)


def is_lit(picture):
    """Whether the light wall of the clip is on the dark screen."""
    return (picture.mean(axis=2) > 100).mean() > 0.15


def test_frames_are_shown_and_keys_are_heeded(screen, tmp_path):
    process = start(screen, tmp_path, "--realtime")
    try:
        shown = screen.wait_for(tmp_path / "screen.png", is_lit)
        lit = np.argwhere(shown.mean(axis=2) > 100)
        size = lit.max(axis=0) - lit.min(axis=0) + 1
        assert size[0] >= 300, size
        assert size[1] >= 550, size
        screen.press("s")
        deadline = time.monotonic() + 10
        while not (tmp_path / "rtkit-0001.png").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert cv2.imread(str(tmp_path / "rtkit-0001.png")).shape == (360, 640, 3)
        screen.press("q")
        assert process.wait(20) == 0, process.stderr.read()
    finally:
        process.kill()
    errors = process.stderr.read()
    assert "QFont" not in errors
    assert "qt." not in errors.lower()


def test_space_pauses_a_file_and_goes_on(screen, tmp_path):
    process = start(screen, tmp_path, "--to", "shots/%04d.jpg")
    try:
        screen.wait_for_window()
        screen.press("space")
        time.sleep(0.5)
        count = len(list(tmp_path.glob("shots/*.jpg")))
        time.sleep(0.7)
        assert len(list(tmp_path.glob("shots/*.jpg"))) == count < 360
        screen.press("space")
        assert process.wait(60) == 0
        assert len(list(tmp_path.glob("shots/*.jpg"))) == 360
    finally:
        process.kill()


def test_closing_the_window_ends_the_stream(screen, tmp_path):
    process = start(screen, tmp_path, "--realtime")
    try:
        screen.wait_for(tmp_path / "screen.png", is_lit)
        subprocess.run(["xdotool", "search", "--name", "rtkit", "windowclose"], env=screen.environment, check=True, timeout=30)
        assert process.wait(20) == 0
    finally:
        process.kill()


@pytest.mark.parametrize("display", ["", ":987"])
def test_without_a_screen_one_line_says_so(cli, display):
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = cli("run", CLIP, "--to", "window", "-q", env=environment | ({"DISPLAY": display} if display else {}))
    assert done.returncode == 4
    assert done.stderr.startswith("rtkit: window: no screen")
    assert len(done.stderr.splitlines()) == 1


def test_a_virtual_camera_gets_every_frame(monkeypatch):
    pyvirtualcam = pytest.importorskip("pyvirtualcam")
    sent = []

    class Loopback:
        """A driver in memory, in the form that pyvirtualcam asks for."""

        def __init__(self, width, height, fps, fourcc, device, **options):
            self.size = width, height

        def device(self):
            return "loopback"

        def native_format(self):
            return pyvirtualcam.PixelFormat.BGR

        def send(self, frame):
            sent.append(np.array(frame).reshape(-1))

        def close(self):
            sent.append(None)

    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {"memory": Loopback})
    seen = Seen()
    Stream(Numbers(5), to=["vcam", seen]).run()
    assert [None if frame is None else len(frame) for frame in sent] == [192 * 64 * 3] * 5 + [None]


def test_without_a_virtual_camera_one_line_says_so(monkeypatch):
    pyvirtualcam = pytest.importorskip("pyvirtualcam")
    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {})
    with pytest.raises(DeviceError, match="vcam: no virtual camera opens"):
        Stream(Numbers(5), to=["vcam"]).run()
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(UsageError, match=r"needs .*pyvirtualcam, which is not installed"):
        VirtualCamera("", Options()).open(Numbers(1).open())
