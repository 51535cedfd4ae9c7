"""Take docs/live-*.jpg: the live page with each of its views, on shipped recordings, in headless Chromium.

python docs/live.py
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import rtkit_cam
import rtkit_ecg
import rtkit_sysid
import soundfile
from playwright.sync_api import Page, expect
from rtkit_echo.scenes import room_scene

from benchmarks.chromium import as_camera, launched
from rtkit.live.server import LiveServer

DOCS = Path(__file__).parent
CLIP = Path(rtkit_cam.__file__).parent / "data" / "bottles.mp4"
#: Name of the picture, source, processor, seconds to wait, at the pace of the clock, dark or light, width (pixels).
VIEWS = (
    ("echo", "call.wav", "echo", 14, True, "light", 1280),
    ("ecg", "119.hea", "ecg", 14, True, "light", 1280),
    ("ecg-small", "207.hea", "ecg", 12, True, "dark", 390),
    ("cam", "browser:camera", "cam", 4, True, "light", 1280),
    ("latent", "browser:camera", "vae", 7, True, "dark", 1280),
    ("identification", "buck_test.csv", "arx", 3, False, "light", 1280),
)


def fill(folder: Path) -> None:
    """Put recordings into a folder."""
    for module in (rtkit_ecg, rtkit_sysid):
        for path in (Path(module.__file__).parent / "data").iterdir():
            shutil.copy(path, folder)
    scene = room_scene()
    soundfile.write(folder / "call.wav", scene.samples, scene.rate)


def take(page: Page, source: str, processor: str, seconds: float, realtime: bool, path: Path) -> None:
    """Run a stream and take a picture of the page."""
    expect(page.locator("#start")).to_be_enabled()
    page.select_option("#source", source)
    page.select_option("#processor", processor)
    page.click("#add-processor")
    if page.is_visible("#realtime"):
        page.set_checked("#realtime", realtime)
    page.click("#start")
    page.wait_for_timeout(1000 * seconds)
    page.screenshot(path=path, type="jpeg", quality=82, full_page=True)
    if page.is_enabled("#stop"):
        page.click("#stop")
    expect(page.locator("#state")).to_have_text("ended", timeout=20_000)


def main() -> None:
    """Take all of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        server = LiveServer(folder)
        server.start()
        with launched(camera=as_camera(CLIP, folder, start_s=8, seconds=8)) as browser:
            for picture, source, processor, seconds, realtime, scheme, width in VIEWS:
                context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 820})
                page = context.new_page()
                page.goto(server.url)
                take(page, source, processor, seconds, realtime, DOCS / f"live-{picture}.jpg")
                context.close()
        server.close()


if __name__ == "__main__":
    main()
