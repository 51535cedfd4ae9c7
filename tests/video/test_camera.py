"""Cameras: a driver that is played by a class, and real streams over the network."""

import contextlib
import http.server
import shutil
import socket
import subprocess
import threading
import time

import cv2
import numpy as np
import pytest

from rtkit import DeviceError, InputError, Options, Stream, UsageError
from rtkit.core.processor import FrameProcessor
from rtkit.video import camera
from tests.video.clips import CLIP, Seen, numbered


class Driver:
    """A camera that gives numbered frames at the pace of the clock, its number the time at which it was taken.

    Parameters
    ----------
    fps : float
        Frames a second.
    ends : list of (int, float)
        For each time that it is opened: frames until it goes away, and the seconds for which a read then hangs.
    absent : int
        Times that it cannot be opened, after the first.
    """

    def __init__(self, fps=30.0, ends=(), absent=0):
        self.fps, self.ends, self.absent, self.opened = fps, list(ends), absent, 0
        self.begin = None

    def __call__(self, target, size, fps):
        self.opened += 1
        if self.opened > 1 and self.absent > 0:
            self.absent -= 1
            return Connection(self, 0, 0, is_open=False)
        return Connection(self, *(self.ends.pop(0) if self.ends else (10**9, 0)))

    def frame_now(self):
        return int((time.perf_counter() - self.begin) * self.fps)


class Connection:
    def __init__(self, driver, count, hangs, is_open=True):
        self.driver, self.count, self.hangs, self.is_open, self.released = driver, count, hangs, is_open, False

    def isOpened(self):
        return self.is_open

    def get(self, which):
        return self.driver.fps if which == cv2.CAP_PROP_FPS else 0.0

    def release(self):
        self.released = True

    def read(self):
        assert not self.released
        driver = self.driver
        if driver.begin is None:
            driver.begin = time.perf_counter()
        if self.count == 0:
            time.sleep(self.hangs)
            return False, None
        self.count -= 1
        number = driver.frame_now() + 1
        time.sleep(max(0.0, driver.begin + number / driver.fps - time.perf_counter()))
        return True, numbered(number % 4096)


@pytest.fixture
def play(monkeypatch):
    def install(**settings):
        driver = Driver(**settings)
        monkeypatch.setattr(camera, "open_camera", driver)
        return driver

    return install


class Work(FrameProcessor):
    """Takes its time over a frame, without the interpreter's lock, as a network does."""

    def __init__(self, seconds: float = 0.0):
        self.seconds = seconds

    def process(self, frame):
        time.sleep(self.seconds)
        return frame


@pytest.mark.parametrize(("work", "least"), [(0.036, 22), (0.2, 4)])
def test_the_delay_does_not_grow_whatever_the_processor_costs(play, work, least):
    driver = play()
    late = []
    seen = Seen(work=lambda frame: late.append(driver.frame_now() - seen.frames[-1][0]))
    seconds = 4.0
    report = Stream("camera:0", [Work(work)], to=[seen], seconds=seconds).run()
    numbers = [number for number, _, _ in seen.frames]
    assert numbers == sorted(set(numbers))  # none twice
    assert len(numbers) >= least * seconds
    allowed = 2 + work * driver.fps  # one that waits, and the work itself
    assert np.median(late) <= allowed
    assert np.median(late[len(late) // 2 :]) <= np.median(late[: len(late) // 2]) + 1
    counts = report.counts["camera:0"]
    assert counts["captured"] == len(numbers)
    assert counts["captured"] + counts["skipped"] == pytest.approx(seconds * driver.fps, abs=8)
    assert report.drops == counts["skipped"]
    assert report.stream_s == pytest.approx(seconds, abs=0.4)


def test_frames_have_the_time_of_their_arrival(play):
    play(fps=20)
    seen = Seen()
    Stream("camera", to=[seen], seconds=2).run()
    times = np.array([time for _, _, time in seen.frames])
    numbers = np.array([number for number, _, _ in seen.frames])
    np.testing.assert_allclose(times - times[0], (numbers - numbers[0]) / 20, atol=0.05)


def test_no_more_frames_than_asked_for(play):
    play()
    seen = Seen()
    report = Stream("camera:0", to=[seen], seconds=3, options=Options(fps=10)).run()
    assert 25 <= len(seen.frames) <= 32
    assert seen.spec.fps == 10
    assert report.drops <= 3  # those that nobody wanted are no loss


def test_a_camera_that_goes_away_comes_back(play, caplog):
    driver = play(ends=[(30, 0)], absent=2)
    seen = Seen()
    report = Stream("camera:0", to=[seen], seconds=6).run()
    assert driver.opened == 4
    counts = report.counts["camera:0"]
    assert (counts["stalls"], counts["reconnects"]) == (1, 1)
    gaps = np.diff([time for _, _, time in seen.frames])
    assert gaps.max() > 1
    assert seen.frames[-1][2] > 5.5
    assert "no frame for" in caplog.text


def test_a_stall_is_noticed_within_a_second_and_a_read_that_hangs_is_left_to_itself(play, caplog):
    driver = play(ends=[(30, 20)])
    seen = Seen()
    noticed = []
    handler = type("Handler", (), {"level": 0, "handle": lambda self, record: noticed.append(driver.frame_now() / driver.fps)})()
    camera.log.addHandler(handler)
    try:
        begin = time.perf_counter()
        report = Stream("camera:0", to=[seen], seconds=4).run()
        assert time.perf_counter() - begin < 9  # it does not wait for the read
    finally:
        camera.log.removeHandler(handler)
    assert noticed[0] - 1.0 < 1.05
    assert report.counts["camera:0"]["reconnects"] == 1
    assert seen.frames[-1][2] > 3.5


def test_a_camera_that_stays_away_ends_the_stream(play, tmp_path):
    play(ends=[(20, 0)], absent=10**6)
    seen = Seen()
    stream = Stream("camera:0", to=[seen, str(tmp_path / "a.mp4")], options=Options(reconnect=1.5))
    begin = time.perf_counter()
    with pytest.raises(DeviceError, match=r"camera:0: gave no frame for [12] s"):
        stream.run()
    assert 1.4 < time.perf_counter() - begin < 8
    assert 15 <= len(seen.frames) <= 20  # while the sinks open, a newer one may take the place of one that waits
    assert cv2.VideoCapture(str(tmp_path / "a.mp4")).read()[0]  # closed well


def test_stop_from_another_thread_ends_a_camera(play):
    play(ends=[(10, 60)])
    stream = Stream("camera:0", to=[Seen()])
    threading.Timer(1.0, stream.stop).start()
    begin = time.perf_counter()
    stream.run()
    assert time.perf_counter() - begin < 8


def test_no_camera_exits_with_4(cli):
    done = cli("run", "camera:63", "-q")
    assert done.returncode == 4
    assert done.stderr.startswith("rtkit: camera:63: no such camera")
    assert len(done.stderr.splitlines()) == 1
    with pytest.raises(UsageError, match="expected a number"):
        Stream("camera:front")


def test_devices_lists_cameras(cli):
    done = cli("devices")
    if "PortAudio" in done.stderr:
        pytest.skip("PortAudio is missing")
    assert "camera" in done.stdout


# -- over the network --------------------------------------------------------------------------------------------------------------


class MjpegCamera(http.server.BaseHTTPRequestHandler):
    """A camera that sends MJPEG over HTTP, as most network cameras can."""

    fps = 25.0
    begin = 0.0

    def do_GET(self):
        if self.path == "/page":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>no camera</html>")
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        with contextlib.suppress(OSError):
            for number in range(1, 1000):
                time.sleep(max(0.0, self.begin + number / self.fps - time.perf_counter()))
                if time.perf_counter() - self.begin > (number + 1) / self.fps:
                    continue
                data = cv2.imencode(".jpg", numbered(number))[1].tobytes()
                self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data) + data + b"\r\n")

    def log_message(self, *arguments):
        pass


@pytest.fixture
def mjpeg():
    MjpegCamera.begin = time.perf_counter()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), MjpegCamera)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://user:secret@127.0.0.1:{server.server_port}/video"
    server.shutdown()


def test_mjpeg_over_http_without_backlog(mjpeg):
    late = []
    now = lambda: (time.perf_counter() - MjpegCamera.begin) * MjpegCamera.fps  # noqa: E731
    seen = Seen(work=lambda frame: (late.append(now() - seen.frames[-1][0]), time.sleep(0.1)))
    report = Stream(mjpeg, to=[seen], seconds=4).run()
    assert len(seen.frames) > 25
    assert np.median(late) / MjpegCamera.fps < 0.4
    assert "secret" not in str(report.to_dict())
    assert report.counts[report.source]["skipped"] > 20


def test_what_is_no_video_is_refused(mjpeg, cli):
    done = cli("run", mjpeg.replace("/video", "/page"), "-q")
    assert done.returncode == 4
    assert "no video comes from there" in done.stderr
    assert "secret" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_behind_a_url_is_no_camera(tmp_path):
    shutil.copy(CLIP, tmp_path / "clip.mp4")

    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=tmp_path)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(InputError, match="a video of 360 frames and no camera"):
            Stream(f"http://127.0.0.1:{server.server_port}/clip.mp4").run()
        server.shutdown()


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs the program ffmpeg")
def test_mpeg_over_udp():
    port = free_port()
    sender = subprocess.Popen(
        [*f"ffmpeg -v error -re -stream_loop -1 -i {CLIP} -c:v mpeg2video -g 10 -f mpegts udp://127.0.0.1:{port}?pkt_size=1316".split()],
        stdin=subprocess.DEVNULL,
    )
    shown = []

    class Keep(Seen):
        def write(self, frame):
            shown.append((frame.image.shape, frame.time))

    try:
        Stream(f"udp://127.0.0.1:{port}", to=[Keep()], seconds=3).run()
    finally:
        sender.kill()
        sender.wait()
    assert len(shown) > 40
    assert {shape for shape, _ in shown} == {(360, 640, 3)}


#: An RTSP server whose picture shows the time: a bar that is as wide as the part of a second that has passed.
RTSP = """
import sys, time
import gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
WIDTH, HEIGHT, FPS = 320, 64, 25
class Factory(GstRtspServer.RTSPMediaFactory):
    def do_create_element(self, url):
        caps = f"video/x-raw,format=GRAY8,width={WIDTH},height={HEIGHT},framerate={FPS}/1"
        return Gst.parse_launch(f"( appsrc name=source is-live=true do-timestamp=true format=time caps={caps} ! videoconvert ! "
                                "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! rtph264pay name=pay0 pt=96 )")
    def do_configure(self, media):
        source = media.get_element().get_by_name_recurse_up("source")
        def push():
            width = int(time.time() % 4 / 4 * WIDTH)
            row = b"\\xff" * width + b"\\x00" * (WIDTH - width)
            return source.emit("push-buffer", Gst.Buffer.new_wrapped(row * HEIGHT)) == Gst.FlowReturn.OK
        GLib.timeout_add(1000 // FPS, push)
server = GstRtspServer.RTSPServer(); server.set_service(sys.argv[1]); server.set_address("127.0.0.1")
factory = Factory(); factory.set_shared(True)
server.get_mount_points().add_factory("/live", factory)
server.attach(None); print("ready", flush=True); GLib.MainLoop().run()
"""


def gstreamer_python():
    """The system's Python, if it has GStreamer's RTSP server."""
    python = "/usr/bin/python3"
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    with contextlib.suppress(OSError):
        if subprocess.run([python, "-c", probe], capture_output=True).returncode == 0:
            return python
    return None


def test_rtsp_without_backlog(tmp_path):
    python = gstreamer_python()
    if python is None:
        pytest.skip("needs gir1.2-gst-rtsp-server-1.0 and python3-gst-1.0")
    (tmp_path / "server.py").write_text(RTSP)
    port = free_port(socket.SOCK_STREAM)
    server = subprocess.Popen([python, str(tmp_path / "server.py"), str(port)], stdout=subprocess.PIPE)
    stale = []

    class Clock(Seen):
        def write(self, frame):
            width = (frame.image[frame.image.shape[0] // 2, :, 0] > 127).sum() / frame.image.shape[1]
            stale.append((time.time() / 4 - width) % 1 * 4)

    try:
        assert server.stdout.readline() == b"ready\n"
        Stream(f"rtsp://127.0.0.1:{port}/live", to=[Clock()], seconds=5).run()
    finally:
        server.kill()
        server.wait()
    assert len(stale) > 60
    assert np.median(stale) < 0.4
