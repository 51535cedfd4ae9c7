"""The page in a real browser."""

import contextlib
import json
import re
import sys
import time
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import expect

from rtkit.live.server import LiveServer
from tests.live.chromium import as_camera, browser, in_a_room, silence

AXE = Path(sys.prefix) / "npm" / "node_modules" / "axe-core" / "axe.min.js"
#: Time in which a stream has to run, models loaded and kernels compiled, on a busy machine.
TIMEOUT_MS = 90_000


#: Keeps the page's connections where a test finds them.
KEEP_SOCKET = """
globalThis.sockets = [];
globalThis.WebSocket = class extends WebSocket { constructor(...all) { super(...all); sockets.push(this); } };
"""


@contextlib.contextmanager
def opened(server, browser, before="", ready=True, **context):
    """The page, ready to start, after a script that runs before its own; what it complains of in the console fails the test."""
    complaints = []
    page = browser.new_context(accept_downloads=True, **context).new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(before)
    page.goto(server.url)
    if ready:
        expect(page.locator("#start")).to_be_enabled(timeout=TIMEOUT_MS)
    yield page
    assert complaints == []
    page.context.close()


def choose(page, source, *processors):
    page.select_option("#source", source)
    for processor in processors:
        page.select_option("#processor", processor)
        page.click("#add-processor")


def run(page, source, *processors):
    choose(page, source, *processors)
    page.click("#start")
    expect(page.locator("#state")).to_have_text("running", timeout=TIMEOUT_MS)


def stop(page):
    page.click("#stop")
    expect(page.locator("#state")).to_have_text("ended", timeout=TIMEOUT_MS)
    expect(page.locator("#error")).to_be_hidden()


def drawn(page, selector):
    """How many colours a canvas shows."""
    script = """canvas => {
        const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size;
    }"""
    return page.locator(selector).first.evaluate(script)


def test_what_a_network_sees_in_the_browsers_camera(server, recordings, tmp_path):
    with browser(camera=as_camera(recordings / "bottles.mp4", tmp_path)) as chromium, opened(server, chromium) as page:
        run(page, "browser:camera", "cam")
        expect(page.locator(".labels li").first).to_contain_text("%", timeout=TIMEOUT_MS)
        expect(page.locator("#figures")).to_contain_text("camera to screen", timeout=TIMEOUT_MS)
        assert drawn(page, "canvas.picture") > 1000
        assert page.locator("canvas.picture").evaluate("canvas => [canvas.width, canvas.height]") == [640, 480]
        assert float(page.locator("#report").get_attribute("data-fps")) > 3
        stop(page)
    counts = server.session.report.counts["browser:camera"]
    assert counts["damaged"] == 0
    assert counts["captured"] > 10


def test_echo_is_cancelled_in_the_browsers_microphone(server, recordings, tmp_path):
    with browser(microphone=silence(tmp_path)) as chromium, opened(server, chromium, in_a_room(recordings / "room.wav")) as page:
        choose(page, "browser:microphone", "echo")
        page.select_option("#far", "far.flac")
        page.set_checked("#listen", False)
        page.click("#start")
        expect(page.locator("#state")).to_have_text("running", timeout=TIMEOUT_MS)
        until = time.monotonic() + 60
        found = []
        while sum(event.data["erle_db"] > 12 for event in found) < 3 and time.monotonic() < until:
            page.wait_for_timeout(1_000)
            found = [event for _, event in server.session.tap._events if event.kind == "echo"]
        expect(page.locator("figcaption").filter(has_text="ERLE")).to_contain_text("dB")
        assert drawn(page, "canvas.spectrum") > 20
        assert drawn(page, "canvas.wave") > 1
        page.set_checked("#listen", True)  # played by the page, what was cleaned is far end, too
        page.wait_for_timeout(2_000)
        stop(page)
    assert sum(event.data["erle_db"] > 12 for event in found) >= 3, [(event.label, event.data) for event in found]


def test_a_heart_is_drawn_recorded_and_downloaded(server, recordings, tmp_path):
    with browser() as chromium, opened(server, chromium) as page:
        run(page, "119.hea", "ecg")
        page.keyboard.press("r")
        expect(page.locator("#record")).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".big")).to_contain_text("6", timeout=TIMEOUT_MS)  # 65 beats a minute or so
        assert drawn(page, "canvas.strip") > 5
        page.keyboard.press("r")
        expect(page.locator("#downloads a")).to_have_count(3)
        for name in ("input-1.csv", "output-1.csv", "events-1.jsonl"):
            with page.expect_download() as download:
                page.click(f"#downloads a[download='{name}']")
            path = tmp_path / name
            download.value.save_as(path)
            assert path.stat().st_size > 0
        beats = [json.loads(line) for line in (tmp_path / "events-1.jsonl").read_text().splitlines()]
        assert {event["kind"] for event in beats} == {"beat"}
        page.keyboard.press(" ")
        expect(page.locator("#state")).to_have_text("paused")
        page.keyboard.press(" ")
        expect(page.locator("#state")).to_have_text("running")
        page.set_checked("#keys", False)
        page.locator("#keys").blur()
        page.keyboard.press("s")
        page.wait_for_timeout(300)
        expect(page.locator("#state")).to_have_text("running")
        page.set_checked("#keys", True)
        page.locator("#keys").blur()
        page.keyboard.press("s")
        expect(page.locator("#state")).to_have_text("ended")


def test_parameters_are_shown_changed_and_saved(server):
    with browser() as chromium, opened(server, chromium) as page:
        choose(page, "near.flac", "adaline", "slpr")
        page.click("[aria-label='remove slpr']")
        page.select_option("#far", "far.flac")
        page.click("#steps summary")
        field = page.get_by_label("step_size")
        assert field.get_attribute("min") == "0"
        assert "number" in page.locator(f"#{field.get_attribute('aria-describedby')}").text_content()
        page.get_by_label("tail_ms").fill("64")
        page.click("#start")
        expect(page.locator("#state")).to_have_text("running", timeout=TIMEOUT_MS)
        expect(page.get_by_label("tail_ms")).to_be_disabled()
        field.fill("0.25")
        field.press("Tab")
        page.wait_for_timeout(300)
        assert server.session.request.steps[0].values == {"tail_ms": 64, "step_size": 0.25}
        assert server.session._steps[0].step_size == 0.25
        field.fill("99")
        field.press("Tab")
        expect(page.locator("#error")).to_contain_text("step_size=99 does not fit")
        page.click("#stop")
        expect(page.locator("#state")).to_have_text("ended")
        field.fill("0.25")
        with page.expect_download() as download:
            page.click("#toml")
        written = tomllib.loads(Path(download.value.path()).read_text())
        step = {"processor": "adaline", "tail_ms": 64, "step_size": 0.25}
        assert written == {"source": "near.flac", "far": "far.flac", "realtime": True, "steps": [step]}


def test_every_window_follows_the_stream(server):
    with browser() as chromium, opened(server, chromium) as page:
        run(page, "119.hea", "ecg")
        page.reload()
        with opened(server, chromium, ready=False) as other:
            for window in (page, other):
                expect(window.locator("#state")).to_have_text("running", timeout=TIMEOUT_MS)
                expect(window.locator("#steps .name")).to_have_text("ecg")
                expect(window.locator("#source")).to_have_value("119.hea")
                expect(window.locator("#source")).to_be_disabled()
                expect(window.locator(".big")).to_contain_text("6", timeout=TIMEOUT_MS)
                assert drawn(window, "canvas.strip") > 5
            stop(other)
        expect(page.locator("#state")).to_have_text("ended")
        expect(page.locator("#source")).to_be_enabled()


def test_a_broken_connection_comes_back_and_the_camera_goes_on(server, recordings, tmp_path):
    with (
        browser(camera=as_camera(recordings / "bottles.mp4", tmp_path)) as chromium,
        opened(server, chromium, KEEP_SOCKET) as page,
    ):
        run(page, "browser:camera", "colorize")
        expect(page.locator("#figures")).to_contain_text("camera to screen", timeout=TIMEOUT_MS)
        page.evaluate("sockets.at(-1).close()")
        expect(page.locator("#state")).to_have_text("no connection to the server")
        expect(page.locator("#stop")).to_be_disabled()
        expect(page.locator("#state")).to_have_text("running", timeout=TIMEOUT_MS)
        before = server.session.report.counts["browser:camera"]["captured"]
        page.wait_for_timeout(3_000)
        assert server.session.report.counts["browser:camera"]["captured"] > before + 5
        stop(page)


def test_an_output_is_chosen(server, recordings):
    rows = (f"{k / 500},{k % 7 - 3},{k * 5 % 11 - 5},{k % 3}" for k in range(20_000))
    (recordings / "two.csv").write_text("\n".join(["time,u,y,z", *rows]))
    with browser() as chromium, opened(server, chromium) as page:
        choose(page, "two.csv", "arx")
        page.click("#steps summary")
        page.get_by_label("outputs").fill("y+z")
        page.click("#start")
        expect(page.locator("#output option")).to_have_text(["y", "z"], timeout=TIMEOUT_MS)
        expect(page.locator("figcaption").filter(has_text="error, rms")).to_be_visible(timeout=TIMEOUT_MS)
        told = page.get_by_role("img", name="coefficients")
        expect(told).to_have_attribute("aria-label", re.compile("y.k-1"), timeout=TIMEOUT_MS)
        page.select_option("#output", "z")
        expect(told).to_have_attribute("aria-label", re.compile("z.k-1"), timeout=TIMEOUT_MS)
        stop(page)


def test_identification_and_latent_map_are_drawn(server, recordings, tmp_path):
    (recordings / "plant.csv").write_text("time,u,y\n" + "".join(f"{k / 500},{k % 7 - 3},{k * 5 % 11 - 5}\n" for k in range(20_000)))
    with browser(camera=as_camera(recordings / "bottles.mp4", tmp_path)) as chromium, opened(server, chromium) as page:
        run(page, "plant.csv", "arx")
        expect(page.locator("figcaption").filter(has_text="error, rms")).to_be_visible(timeout=TIMEOUT_MS)
        for selector in ("canvas.plot", "canvas.square"):
            assert drawn(page, selector) > 3
        stop(page)
        page.click("[aria-label='remove arx']")
        run(page, "browser:camera", "vae")
        expect(page.locator("figcaption").filter(has_text="latent map")).to_be_visible(timeout=TIMEOUT_MS)
        page.wait_for_timeout(1000)
        assert drawn(page, "canvas.square") > 3
        stop(page)


def test_the_token_lets_in(tmp_path):
    server = LiveServer(tmp_path, host="0.0.0.0")
    server.url = server.url.replace("0.0.0.0", "127.0.0.1")
    server.start()
    try:
        with browser() as chromium:
            page = chromium.new_page()
            assert page.goto(server.url.partition("?")[0]).status == 403
            assert "token" in page.text_content("body")
            page.goto(server.url)
            expect(page.locator("#state")).to_have_text("idle", timeout=TIMEOUT_MS)
    finally:
        server.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360)])
def test_everybody_can_use_it(server, scheme, width):
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (by npm)")
    with browser() as chromium, opened(server, chromium, color_scheme=scheme, viewport={"width": width, "height": 800}) as page:
        run(page, "119.hea", "ecg")
        page.click("#steps summary")
        page.click("#report summary")
        page.wait_for_timeout(3000)
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        serious = [
            (fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found if fault["impact"] in ("serious", "critical")
        ]
        assert serious == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")  # nothing beyond the edge of a small screen
        stop(page)


def test_the_keyboard_reaches_everything(server):
    with browser() as chromium, opened(server, chromium) as page:
        choose(page, "near.flac", "adaline")
        reached = set()
        page.keyboard.press("Tab")
        for _ in range(40):
            reached.add(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label') || ''"))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none" or page.evaluate("document.activeElement === document.body")
            page.keyboard.press("Tab")
        assert {"source", "far", "realtime", "remove adaline", "processor", "add-processor", "start", "toml"} <= reached
