"""The live page: frames of a camera to a network and back, what a page costs a stream, and how soon it is usable."""

import json
import os
import shutil
import statistics
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import rtkit_cam
import rtkit_ecg
from websockets.sync.client import connect

import rtkit
from rtkit.live.server import LiveServer
from rtkit.video.opencv import opencv

SECONDS, FPS, IN_FLIGHT = 12, 30, 2
RUNS = 7
CLIP = Path(rtkit_cam.__file__).parent / "data" / "bottles.mp4"
RECORD = Path(rtkit_ecg.__file__).parent / "data" / "119.hea"


def rows():
    yield "what", "measured"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(CLIP, folder)
        for part in RECORD.parent.glob("119.*"):
            shutil.copy(part, folder)
        server = LiveServer(folder)
        server.start()
        try:
            for processor in ("cam", None):
                fps, p50, p99 = camera(server, processor)
                yield f"640 x 480, {processor or 'no processor'}, client in Python", f"{fps:.1f} fps, p50 {p50:.1f} ms, p99 {p99:.1f} ms"
            yield "ecg of a file with a page attached, of its rate without", f"{page_cost(server):.3f}"
            yield from in_browser(server, Path(folder))
        finally:
            server.close()


def socket_of(server):
    return connect(server.url.replace("http", "ws") + "ws", max_size=None, max_queue=None)


def hear(socket):
    message = socket.recv(30)
    if isinstance(message, str):
        return json.loads(message)
    (length,) = struct.unpack_from("<I", message)
    return json.loads(message[4 : 4 + length])


def camera(server, processor):
    """Frames a second and round trips (ms) of a camera of `FPS` frames, `IN_FLIGHT` of them unanswered."""
    cv2 = opencv()
    capture = cv2.VideoCapture(str(CLIP))
    pictures = [
        cv2.imencode(".jpg", cv2.resize(capture.read()[1], (640, 480)), (cv2.IMWRITE_JPEG_QUALITY, 80))[1].tobytes() for _ in range(90)
    ]
    with socket_of(server) as socket:
        steps = [] if processor is None else [{"processor": processor}]
        socket.send(json.dumps({"do": "start", "source": "browser:camera", "steps": steps}))
        sent, took, came = {}, [], []
        room = threading.Semaphore(IN_FLIGHT)

        def listen():
            last = -1
            while True:
                heard = hear(socket)
                if heard["is"] == "state" and heard["state"] == "ended":
                    return
                if heard["is"] == "frame":
                    came.append(time.perf_counter())
                    took.append(came[-1] - sent[heard["index"]])
                    for _ in range(heard["index"] - last):
                        room.release()
                    last = heard["index"]

        hear(socket), hear(socket)  # hello and the state before
        listener = threading.Thread(target=listen)
        listener.start()
        begin = time.perf_counter()
        for index in range(SECONDS * FPS):
            time.sleep(max(0.0, begin + index / FPS - time.perf_counter()))
            room.acquire()
            sent[index] = time.perf_counter()
            socket.send(struct.pack("<BI", 1, index) + pictures[index % len(pictures)])
        socket.send('{"do": "stop"}')
        listener.join()
    half = len(took) // 2  # the model was loaded by then
    p50, p99 = 1e3 * np.percentile(took[half:], (50, 99))
    return (len(came) - half - 1) / (came[-1] - came[half]), p50, p99


def page_cost(server):
    """The rate of a stream with a page attached, of that without, side by side."""

    def alone():
        report = rtkit.Stream(str(RECORD), ["ecg"]).run()
        return report.stream_s / report.wall_s

    ratios = []
    with socket_of(server) as socket:
        hear(socket)
        hear(socket)
        for number in range(RUNS):
            without = alone()
            socket.send('{"do": "start", "source": "119.hea", "steps": [{"processor": "ecg"}]}')
            while True:
                heard = hear(socket)
                if heard["is"] == "state" and heard["state"] == "ended":
                    break
            if number:  # the first one loads models
                ratios.append(1 / server.session.report.real_time_factor / without)
    return statistics.median(ratios)


def in_browser(server, folder):
    """The same in Chromium, where there is one: the camera's way to the screen, and the time until the page is usable."""
    path = shutil.which("chromium")
    if path is None:
        return
    from playwright.sync_api import expect, sync_playwright

    made = ["-vf", "scale=640:480,fps=30", "-t", "5", "-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj420p"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", CLIP, *made, folder / "camera.mjpeg"], check=True)
    flags = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={folder / 'camera.mjpeg'}",
    ]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=flags)
        usable = []
        for _ in range(RUNS):
            page = browser.new_page()
            begin = time.perf_counter()
            page.goto(server.url)
            expect(page.locator("#start")).to_be_enabled()
            usable.append(time.perf_counter() - begin)
            page.close()
        yield "from the address to a page that can be used, Chromium", f"{statistics.median(usable):.2f} s"
        for processor in ("cam", None):
            page = browser.new_page()
            page.goto(server.url)
            expect(page.locator("#start")).to_be_enabled()
            page.select_option("#source", "browser:camera")
            if processor is not None:
                page.select_option("#processor", processor)
                page.click("#add-processor")
            page.click("#start")
            expect(page.locator("#state")).to_have_text("running", timeout=60_000)
            page.wait_for_timeout(1000 * SECONDS)
            fps, p50, p99 = (page.locator("#report").get_attribute(f"data-{name}") for name in ("fps", "p50-ms", "p99-ms"))
            yield f"640 x 480, {processor or 'no processor'}, camera to screen in Chromium", f"{fps} fps, p50 {p50} ms, p99 {p99} ms"
            page.click("#stop")
            expect(page.locator("#state")).to_have_text("ended")
            page.close()
        browser.close()
