"""The live page: frames of a camera to a network and back, what a page costs a stream, and how soon it is usable."""

import json
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import rtkit_cam
import rtkit_ecg
import soundfile
from websockets.sync.client import connect

import rtkit
from benchmarks.chromium import as_camera, find_chromium, launched
from rtkit.live import messages
from rtkit.live.server import LiveServer
from rtkit.video.opencv import opencv

SECONDS, FRAME_RATE_HZ, IN_FLIGHT = 12, 30, 2
#: Time after which a client goes on without an answer, as the page does: a frame may come before the stream is there.
ANSWER_TIMEOUT_S = 1.0
RUNS = 7
#: How often a record of 3 min is repeated where a stream should last.
REPEATED = 10
#: A page that reads everything and draws nothing.
READER = """
import sys
from websockets.sync.client import connect
with connect(sys.argv[1], max_size=None) as socket:
    print(flush=True)
    for message in socket:
        pass
"""
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
            yield "ecg of a file with a page attached, of its rate without", f"{page_cost(server, Path(folder)):.3f}"
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
    """Frames a second and round trips (ms) of a camera of `FRAME_RATE_HZ` frames, `IN_FLIGHT` of them unanswered."""
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

        while hear(socket).get("state") != "starting":  # before, all is of the stream before
            pass
        listener = threading.Thread(target=listen)
        listener.start()
        begin = time.perf_counter()
        for index in range(SECONDS * FRAME_RATE_HZ):
            time.sleep(max(0.0, begin + index / FRAME_RATE_HZ - time.perf_counter()))
            room.acquire(timeout=ANSWER_TIMEOUT_S)
            sent[index] = time.perf_counter()
            socket.send(struct.pack("<BI", 1, index) + pictures[index % len(pictures)])
        socket.send('{"do": "stop"}')
        listener.join()
    half = len(took) // 2  # the model was loaded by then
    p50, p99 = 1e3 * np.percentile(took[half:], (50, 99))
    return (len(came) - half - 1) / (came[-1] - came[half]), p50, p99


def page_cost(server, folder):
    """The rate of a stream with a page attached, of that without, side by side; the page is a process of its own, as a browser is."""
    rtkit.Stream(str(RECORD), to=[str(folder / "once.wav")]).run()
    signal, rate = soundfile.read(folder / "once.wav", dtype="float32")
    path = folder / "long.wav"
    soundfile.write(path, np.tile(signal, (REPEATED, 1)), rate, subtype="FLOAT")

    def alone():
        report = rtkit.Stream(str(path), ["ecg"]).run()
        return report.stream_s / report.wall_s

    ratios = []
    with subprocess.Popen([sys.executable, "-c", READER, server.url.replace("http", "ws") + "ws"], stdout=subprocess.PIPE) as page:
        page.stdout.readline()
        for number in range(RUNS):
            without = alone()
            server.session.start(messages.read('{"do": "start", "source": "long.wav", "steps": [{"processor": "ecg"}]}'))
            while server.session.state != "ended":
                time.sleep(0.01)
            if number:  # the first one loads models
                ratios.append(1 / server.session.report.real_time_factor / without)
        page.kill()
    return statistics.median(ratios)


def in_browser(server, folder):
    """The same in Chromium, where there is one: the camera's way to the screen, and the time until the page is usable."""
    if find_chromium() is None:
        return
    from playwright.sync_api import expect

    with launched(camera=as_camera(CLIP, folder)) as browser:
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
