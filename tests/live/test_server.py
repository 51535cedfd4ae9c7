"""A stream seen and steered over the WebSocket, as a page does it."""

import contextlib
import io
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import tomllib
import urllib.request

import numpy as np
import pytest
import soundfile
from websockets.exceptions import ConnectionClosed, InvalidStatus

import rtkit
from rtkit.live import client
from rtkit.live import server as server_module
from rtkit.video.opencv import opencv
from tests.live.talk import Page, start

CALL = {"far": "far.flac"}


def fetch(server, path):
    with urllib.request.urlopen(server.url.partition("?")[0].rstrip("/") + path, timeout=10) as answer:
        return answer.read()


def test_a_page_is_told_what_there_is(server):
    with Page(server) as page:
        hello = page.hello
        assert {"echo", "ecg", "cam", "arx"} <= {processor["name"] for processor in hello["processors"]}
        adaline = next(processor for processor in hello["processors"] if processor["name"] == "adaline")
        step_size = next(parameter for parameter in adaline["parameters"] if parameter["name"] == "step_size")
        assert step_size["live"]
        assert step_size["type"] == "float"
        assert step_size["doc"]
        names = {source["name"]: source for source in hello["sources"]}
        assert {"browser:camera", "browser:microphone", "near.flac", "119.hea", "bottles.mp4"} <= set(names)
        assert names["bottles.mp4"]["gives"] == "frames"
        assert "near.flac" in hello["files"]
        assert not hello["attached"]
        assert page.state["state"] == "idle"


def test_a_call_is_cancelled_before_the_eyes_of_a_page(server, recordings):
    with Page(server) as page:
        heard = page.run("near.flac", "adaline", **CALL)
    *_, state = heard
    assert state["error"] is None
    assert state["stream"]["in"] == {"rate": 16000.0, "channels": ["near", "far"]}
    assert state["stream"]["steps"][0]["live"]
    *_, report = (message["report"] for message in heard if message["is"] == "report")
    assert report["samples"] == soundfile.info(recordings / "near.flac").frames
    assert report["steps"][0]["p99_us"] > 0
    events = [event for message in heard if message["is"] == "events" for event in message["events"]]
    assert {event["kind"] for event in events} == {"echo"}
    packets = [message for message in heard if message["is"] == "samples"]
    drawn = {(part["side"], part["what"]) for packet in packets for part in packet["parts"]}  # one alone may have but what came in
    assert drawn == {(side, what) for side in ("in", "out") for what in ("envelope", "spectrum", "level")}
    for packet in packets:
        sizes = {"f4": 4, "u1": 1}
        assert sum(sizes[part["dtype"]] * int(np.prod(part["shape"])) for part in packet["parts"]) == len(packet["bytes"])


def test_beats_are_told(server):
    with Page(server) as page:
        told = [message for message in page.run("119.hea", "ecg") if message["is"] == "events"]
    assert sum(len(message["events"]) + message["skipped"] for message in told) > 50
    assert "beat" in {event["kind"] for message in told for event in message["events"]}


def test_a_view_that_wants_samples_gets_all_of_a_short_file_of_a_high_rate(server, recordings):
    rows = (f"{k / 50000},{k % 7 - 3},{k * 5 % 11 - 5}" for k in range(500))
    (recordings / "short.csv").write_text("\n".join(["time,u,y", *rows]))
    with Page(server) as page:
        parts = [part for message in page.run("short.csv", "arx") if message["is"] == "samples" for part in message["parts"]]
    assert {part["what"] for part in parts} == {"trace"}
    assert {part["side"] for part in parts} == {"in", "out"}


def test_live_parameters_change_and_others_do_not(server):
    with Page(server) as page:
        page.start("near.flac", ("adaline", {"tail_ms": 64}), realtime=True, **CALL)
        page.say("set", step=0, values={"step_size": 0.25})
        state = page.wait("state")
        assert state["stream"]["steps"][0]["values"] == {"tail_ms": 64, "step_size": 0.25}
        assert server.session._steps[0].step_size == 0.25
        for values in ({"tail_ms": 32}, {"step_size": -1}, {"step_size": "x"}, {"none": 1}):
            page.say("set", step=0, values=values)
            assert next(iter(values)) in page.wait("refused")["why"]
        page.say("set", step=3, values={})
        assert "number 3" in page.wait("refused")["why"]
        written = tomllib.loads(fetch(server, "/pipeline.toml").decode())
        expected = {"processor": "adaline", "tail_ms": 64, "step_size": 0.25}
        assert written == {"source": "near.flac", "far": "far.flac", "realtime": True, "steps": [expected]}
        page.stop()


def test_a_file_pauses_and_goes_on(server):
    with Page(server) as page:
        page.start("bottles.mp4", "colorize")
        page.wait("frame")
        page.say("pause")
        page.wait("state", state="paused")
        time.sleep(0.5)  # what was under way comes through
        items = server.session.tap.frame.index
        time.sleep(0.5)
        assert server.session.tap.frame.index == items
        page.say("resume")
        page.wait("state", state="running")
        page.wait("frame")
        page.stop()


def test_what_was_recorded_can_be_fetched(server):
    with Page(server) as page:
        page.start("near.flac", "adaline", realtime=True, **CALL)
        page.say("record", on=True)
        assert page.wait("state")["recording"]
        time.sleep(1.5)
        page.say("record", on=False)
        state = page.wait("state", recording=False)
        names = [found["name"] for found in state["recordings"]]
        assert names == ["events-1.jsonl", "input-1.wav", "output-1.wav"]
        page.stop()
    recorded, rate = soundfile.read(io.BytesIO(fetch(server, "/recordings/input-1.wav")))
    assert rate == 16000
    assert recorded.shape[1] == 2
    assert 1 < len(recorded) / rate < 3
    for line in fetch(server, "/recordings/events-1.jsonl").splitlines():
        assert json.loads(line)["kind"] == "echo"
    for name in ("none.wav", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetch(server, f"/recordings/{name}")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetch(server, f"/files/{name}")
    assert len(fetch(server, "/files/far.flac")) > 10000
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(server, "/files/119.hea")


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"source": "/etc/passwd"}, "no such file"),
        ({"source": "../x.wav"}, "no such file"),
        ({"source": "http://127.0.0.1:1/x"}, "no such file"),
        ({"source": "-"}, "no such file"),
        ({"source": "near.flac+/etc/passwd"}, "no such file"),
        ({"source": "camera:/dev/video0"}, "no such file"),
        ({"source": "near.flac", "far": "/etc/passwd"}, "no such file"),
        ({"source": "near.flac", "steps": [{"processor": "none"}]}, "no processor"),
        ({"source": "near.flac", "steps": [{"processor": "adaline", "values": {"tail_ms": "long"}}]}, "tail_ms"),
        ({"source": "near.flac", "steps": [{"processor": "onnx", "values": {"model": "/etc/passwd"}}]}, "no such file"),
        ({"source": "near.flac", "steps": [{"processor": "adaline", "more": 1}]}, "not understood"),
        ({}, "not understood"),
    ],
)
def test_what_a_page_may_not_is_refused_in_one_line(server, wish, why):
    with Page(server) as page:
        page.say("start", **wish)
        refused = page.wait("refused")["why"]
        assert why in refused
        assert "\n" not in refused
        assert server.session.state == "idle"
        page.say("describe", source="near.flac", steps=[])
        assert tomllib.loads(page.wait("toml")["text"]) == {"source": "near.flac"}


def test_a_damaged_file_ends_the_stream_in_one_line_without_a_path(server, recordings):
    (recordings / "damaged.wav").write_bytes(b"RIFF no sound")
    with Page(server) as page:
        state = page.run("damaged.wav")[-1]
        assert state["error"].startswith("damaged.wav: not readable as a sound file")
        assert str(recordings) not in state["error"]
        assert page.run("near.flac", "adaline", **CALL)[-1]["error"] is None  # and the next one runs


def test_two_streams_at_once_are_refused_and_a_second_page_sees_the_first(server):
    with Page(server) as page, Page(server) as other:
        page.start("119.hea", "ecg", realtime=True)
        other.wait("state", state="running")
        other.wait("samples")
        other.socket.send(start("near.flac"))
        assert "running" in other.wait("refused")["why"]
        other.stop()
        page.wait("state", state="ended")


def pictures(count=8):
    rng = np.random.default_rng(0)
    shades = [opencv().resize(rng.integers(0, 255, (12, 16, 3), np.uint8), (320, 240)) for _ in range(count)]
    return [opencv().imencode(".jpg", shade)[1].tobytes() for shade in shades]


def test_the_browsers_frames_come_back_with_their_index(server):
    with Page(server) as page:
        page.socket.send(start("browser:camera", "colorize"))
        page.wait("state", state="starting")
        sent = pictures()
        for index, picture in enumerate(sent):
            page.send(1, 100 + index, picture)
            frame = page.wait("frame")
            assert frame["index"] == 100 + index
            assert (frame["width"], frame["height"]) == (320, 240)
            assert opencv().imdecode(np.frombuffer(frame["bytes"], np.uint8), 1).shape == (240, 320, 3)
        page.send(1, 200, b"garbage")
        time.sleep(0.3)  # or the next one takes its place before anybody looks at it
        page.send(1, 201, sent[0])
        assert page.wait("frame")["index"] == 201
        page.stop()
        counts = server.session.report.counts["browser:camera"]
        assert counts == {"captured": 9, "skipped": 0, "damaged": 1}


def test_the_browsers_sound_comes_back_to_be_heard(server):
    with Page(server) as page:
        page.socket.send(start("browser:microphone", "adaline", rate=16000))
        page.wait("state", state="running")
        page.say("listen", on=True)
        rng = np.random.default_rng(0)
        heard, at = [], 0
        for number in range(60):
            far = rng.normal(0, 0.1, 256)
            page.send(2, 256 * number, np.stack((0.5 * far, far), axis=1).astype("<f4").tobytes())
            time.sleep(0.016)
        until = time.monotonic() + 10
        while sum(len(samples) for samples in heard) < 40 * 256 and time.monotonic() < until:
            packet = page.wait("audio")
            if heard:
                assert packet["start"] == at
            samples = np.frombuffer(packet["bytes"], "<f4")
            at = packet["start"] + len(samples)
            heard.append(samples)
        sound = np.concatenate(heard)
        assert np.std(sound[-5000:]) < 0.01  # the echo is gone
        page.stop()


def test_a_page_that_goes_away_with_its_camera_ends_the_stream(server, monkeypatch):
    monkeypatch.setattr("rtkit.live.browser.RETURN_TIMEOUT_S", 0.5)
    with Page(server) as page:
        page.socket.send(start("browser:camera"))
        page.send(1, 0, pictures(1)[0])
        page.wait("state", state="running")
    with Page(server) as page:
        state = page.state if page.state["state"] == "ended" else page.wait("state", state="ended")
        assert "no picture came from the page" in state["error"]


def test_metrics_are_prometheus_text(server):
    from prometheus_client.parser import text_string_to_metric_families

    with Page(server) as page:
        page.run("near.flac", "adaline", **CALL)
        found = {family.name: family for family in text_string_to_metric_families(fetch(server, "/metrics").decode())}
    assert found["rtkit_samples"].samples[0].value == server.session.report.samples
    assert found["rtkit_pages"].samples[0].value == 1
    assert {sample.labels["step"] for sample in found["rtkit_step_seconds"].samples} == {"adaline"}
    assert "rtkit_latency_seconds" in found


def running(server):
    """Watch a stream in real time for half a second; it must go on at its pace and lose nothing."""
    report = server.session.report
    before, begin = report.samples, time.monotonic()
    time.sleep(1.0)
    pace = (report.samples - before) / 360 / (time.monotonic() - begin)
    assert server.session.state == "running"
    assert 0.5 < pace < 1.6
    assert report.drops == 0


def is_closed(page, act):
    """Whether a page is closed on for what it does."""
    try:
        act()
        while True:
            page.hear()
    except ConnectionClosed:
        return True


def test_hostile_pages_do_not_stop_a_stream(server, monkeypatch):
    monkeypatch.setattr(server_module, "REQUEST_TIMEOUT_S", 1.0)
    host, port = server.url.split("/")[2].split(":")
    with Page(server) as page:
        page.start("119.hea", "ecg", realtime=True)
        with Page(server) as garbage:
            for message in ("", "{", "[]", '{"do": "explode"}', '{"do": "set", "step": 1e99, "values": {}}', "\x00" * 100):
                garbage.socket.send(message)
                garbage.wait("refused")
            for message in (b"", b"\x01", b"\x09aaaaaaa", struct.pack("<BI", 1, 0) + b"x" * 1000):
                garbage.socket.send(message)
        with Page(server) as huge:
            assert is_closed(huge, lambda: huge.socket.send(b"x" * (server_module.MAX_MESSAGE_BYTES + 10**6)))
        with Page(server) as flood:
            assert is_closed(flood, lambda: [flood.socket.send('{"do": "explode"}') for _ in range(20 * client.MAX_MESSAGES_PER_S)])
        running(server)
        half_open = [socket.create_connection((host, int(port))) for _ in range(200)]
        for number, connection in enumerate(half_open):
            if number % 2:
                connection.send(b"GET /ws HTTP/1.1\r\nHost: local")
        running(server)
        time.sleep(1.5)
        assert fetch(server, "/metrics")  # those who say nothing were let go
        for connection in half_open:
            connection.close()
        with contextlib.ExitStack() as many:
            refused = 0
            for _ in range(40):
                try:
                    many.enter_context(Page(server))
                except (InvalidStatus, ConnectionClosed):
                    refused += 1
            assert 40 - server_module.MAX_PAGES <= refused <= 40 - server_module.MAX_PAGES + 4
            running(server)
        page.stop()


def test_a_page_that_does_not_read_is_not_waited_for(server):
    host, port = server.url.split("/")[2].split(":")
    lazy = socket.create_connection((host, int(port)))
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"
    lazy.send(f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n\r\n".encode())
    with Page(server) as page:
        page.start("bottles.mp4", "colorize")
        state = page.wait("state", state="ended", timeout=120)
        assert state["error"] is None
    lazy.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for another process")
def test_a_stream_of_the_command_line_is_seen_and_steered(recordings):
    command = [sys.executable, "-m", "rtkit", "run", "near.flac", "adaline", "--far", "far.flac", "--realtime", "--view", "--quiet"]
    process = subprocess.Popen(command, cwd=recordings, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        assert line.startswith("rtkit: the page is at http://127.0.0.1:")

        class Remote:
            url = line.split()[-1]

        with Page(Remote) as page:
            assert page.hello["attached"]
            page.wait("samples")
            page.say("set", step=0, values={"step_size": 0.1})
            page.wait("state")
            page.socket.send(start("119.hea"))
            assert "command line" in page.wait("refused")["why"]
            page.say("stop")
            page.wait("state", state="ended")
        assert process.wait(20) == 0
    finally:
        process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for another process")
def test_the_command_serves_until_it_is_interrupted(tmp_path):
    process = subprocess.Popen([sys.executable, "-m", "rtkit", "live", "--port", "0"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    url = process.stderr.readline().split()[-1]
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert b"<html" in answer.read()
    threading.Timer(0.2, process.send_signal, [signal.SIGINT]).start()
    assert process.wait(20) in (0, 130)
    assert process.stderr.read() == ""


def test_a_page_costs_a_stream_little(server, recordings):
    def speed():
        report = rtkit.Stream(str(recordings / "119.hea"), ["ecg"]).run()
        return report.stream_s / report.wall_s

    speed()
    alone = max(speed() for _ in range(3))
    with Page(server) as page:
        seen = []
        for _ in range(3):
            page.run("119.hea", "ecg")
            seen.append(1 / server.session.report.real_time_factor)
    assert max(seen) > 0.6 * alone  # a margin for a busy machine; the benchmark measures it
