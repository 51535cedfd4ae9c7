"""Videos and pictures as files, read and written."""

import os
import shutil
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtkit import InputError, Options, Stream, UsageError
from rtkit.core.items import Frame, FrameSpec
from rtkit.video.movie import Movie
from rtkit.video.size import fit, parse_size
from tests.video.clips import CLIP, Numbers, Seen, numbered, write_movie


def read(path, **options):
    seen = Seen()
    report = Stream(str(path), to=[seen], options=Options(**options)).run()
    return seen, report


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_every_frame_in_order_with_its_time(tmp_path, suffix):
    times = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.2, 120))  # of a live camera: never even
    times -= times[0]
    seen, report = read(write_movie(tmp_path / f"a{suffix}", times))
    assert [number for number, _, _ in seen.frames] == list(range(120))
    assert [index for _, index, _ in seen.frames] == list(range(120))
    np.testing.assert_allclose([time for _, _, time in seen.frames], times, atol=2e-3)
    assert report.items == 120
    assert report.stream_s == pytest.approx(times[-1], abs=0.25)


def test_the_shipped_clip_is_read_whole():
    seen = []

    class Keep(Seen):
        def write(self, frame):
            assert frame.image.shape == (360, 640, 3)
            seen.append(frame.time)

    Stream(str(CLIP), to=[Keep()]).run()
    assert len(seen) == 360
    assert (np.diff(seen) > 0).all()


def test_size_and_rate_of_a_video(tmp_path):
    path = write_movie(tmp_path / "a.mp4", np.arange(90) / 30)
    seen, _ = read(path, fps=10)
    assert [index for _, index, _ in seen.frames] == list(range(0, 90, 3))
    assert seen.spec.fps == 10
    seen, _ = read(path, size="384x128")
    assert [number for number, _, _ in seen.frames] == list(range(90))
    assert (seen.spec.width, seen.spec.height) == (384, 128)


def test_seconds_of_a_video_are_its_own(tmp_path):
    path = write_movie(tmp_path / "a.mp4", np.arange(90) / 9, fps=30)  # says 30 Hz, and shows 9 a second
    seen = Seen()
    Stream(str(path), to=[seen], seconds=2.0).run()
    assert seen.frames[-1][2] == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.mp4", b""),
        ("noise.mp4", bytes(range(256)) * 40),
        ("text.avi", b"a,b\n1,2\n"),
        ("empty.jpg", b""),
        ("noise.png", bytes(range(256))),
        ("huge.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\x00\x00\x00\x00\x00\x00\x00"),
        ("cut.jpg", cv2.imencode(".jpg", numbered(3))[1].tobytes()[:200]),
    ],
)
def test_bad_files_are_refused_in_one_line(cli, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    done = cli("run", name, "--to", "null", "-q")
    assert done.returncode == 3, done.stderr
    assert name in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_truncated_video_says_where_and_keeps_what_was_written(cli, tmp_path):
    data = CLIP.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    done = cli("run", "cut.mp4", "--to", "out.mp4", "-q")
    assert done.returncode == 3
    assert "cut.mp4: damaged or truncated: ends at frame" in done.stderr
    assert "360" in done.stderr
    seen, _ = read(tmp_path / "out.mp4")
    assert 50 < len(seen.frames) < 350


def kill_while_writing(tmp_path, number):
    """Write a video at the pace of the clock, and end the process so after about 4 s of it."""
    command = [sys.executable, "-m", "rtkit", "run", str(CLIP), "--to", "out.mp4", "-q", "--realtime", "--size", "320x180"]
    process = subprocess.Popen(command, cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not ((tmp_path / "out.mp4").exists() and (tmp_path / "out.mp4").stat().st_size > 2000) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(4)
    process.send_signal(number)
    assert process.wait(30) == (130 if number == signal.SIGINT else -number)
    seen = []

    class Keep(Seen):
        def write(self, frame):
            seen.append(frame.time)

    Stream(str(tmp_path / "out.mp4"), to=[Keep()]).run()
    return seen


def test_a_video_plays_after_ctrl_c(tmp_path):
    assert kill_while_writing(tmp_path, signal.SIGINT)[-1] > 3.5


def test_a_video_plays_after_kill_9_up_to_the_last_seconds(tmp_path):
    assert kill_while_writing(tmp_path, signal.SIGKILL)[-1] > 2.0


@pytest.mark.parametrize("sink", ["a.mp4", "a.jpg", "window", "vcam"])
def test_samples_are_refused_where_frames_go(cli, sink):
    done = cli("run", "synth:noise", "--seconds", 1, "--to", sink, "-q")
    assert done.returncode == 3
    assert "takes frames, got 1 channel(s)" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_video_that_cannot_be_written(cli, tmp_path):
    done = cli("run", CLIP, "--to", "nowhere/out.mp4", "-q")
    assert done.returncode == 3
    assert "nowhere/out.mp4: cannot be written: No such file" in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_ends_the_stream_in_one_line(tmp_path):
    (tmp_path / "out.mkv").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"out.mkv: cannot be written"):
        Stream(str(CLIP), to=[str(tmp_path / "out.mkv")]).run()


def test_odd_sizes_grey_frames_and_other_sizes_are_written(tmp_path):
    movie = Movie(str(tmp_path / "a.mp4"), Options())
    movie.open(FrameSpec(61, 33, 10))
    for index, image in enumerate(
        [np.full((33, 61, 3), 90, np.uint8), np.full((33, 61), 90, np.uint8), np.full((66, 122, 3), 90, np.uint8)]
    ):
        movie.write(Frame(image, index, 0.0))  # times that do not increase are set right
    movie.close()
    capture = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    frames = []
    while (image := capture.read()[1]) is not None:
        frames.append(image)
    assert [image.shape for image in frames] == [(32, 60, 3)] * 3
    assert all(abs(int(image[16, 30].mean()) - 90) < 4 for image in frames)


def test_a_folder_of_pictures_in_the_order_of_their_numbers(tmp_path):
    for number in (0, 1, 2, 9, 10, 11):
        cv2.imwrite(str(tmp_path / f"shot-{number}.png"), numbered(number))
    (tmp_path / "notes.txt").write_text("no picture")
    seen, report = read(tmp_path, fps=5)
    assert [number for number, _, _ in seen.frames] == [0, 1, 2, 9, 10, 11]
    assert [time for _, _, time in seen.frames] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    cv2.imwrite(str(tmp_path / "shot-3.png"), numbered(3, 384, 128))
    seen, report = read(tmp_path)
    assert [number for number, _, _ in seen.frames] == [0, 1, 2, 3, 9, 10, 11]
    assert report.counts[str(tmp_path)] == {"fitted": 1}
    (tmp_path / "shot-10.png").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"shot-10.png: not readable as a picture"):
        read(tmp_path)


def test_a_folder_without_pictures_is_refused(cli, tmp_path):
    (tmp_path / "empty").mkdir()
    done = cli("run", "empty", "-q")
    assert done.returncode == 3
    assert "empty: no picture in this folder" in done.stderr


def test_pictures_are_written_numbered_or_the_newest(tmp_path):
    pattern, newest = tmp_path / "shots" / "%04d.png", tmp_path / "now.png"
    Stream(Numbers(5), to=[str(pattern), str(newest)]).run()
    seen, _ = read(tmp_path / "shots")
    assert [number for number, _, _ in seen.frames] == [0, 1, 2, 3, 4]
    seen, _ = read(newest)
    assert [number for number, _, _ in seen.frames] == [4]
    with pytest.raises(UsageError, match="one number"):
        Stream(Numbers(5), to=["%d-%d.png"])


def test_png_is_a_chart_for_samples_and_a_picture_for_frames(tmp_path):
    shutil.copy(CLIP, tmp_path / "a.mp4")
    Stream(str(tmp_path / "a.mp4"), to=[str(tmp_path / "frame.png")], seconds=0.1).run()
    assert cv2.imread(str(tmp_path / "frame.png")).shape == (360, 640, 3)
    Stream("synth:sine", to=[str(tmp_path / "chart.png")], seconds=2).run()
    assert cv2.imread(str(tmp_path / "chart.png")).shape != (360, 640, 3)


def test_a_sink_does_not_overwrite_a_picture_of_the_source(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), numbered(1))
    with pytest.raises(UsageError, match="belongs to the source"):
        Stream(str(tmp_path / "a.png"), to=[str(tmp_path / "a.png")])


@given(st.integers(1, 80), st.integers(1, 80), st.integers(1, 80), st.integers(1, 80), st.booleans())
@settings(max_examples=60)
def test_fitting_keeps_the_proportions(wide, high, width, height, grey):
    image = np.full((high, wide) if grey else (high, wide, 3), 200, np.uint8)
    fitted = fit(image, width, height)
    assert fitted.shape[:2] == (height, width)
    lit = np.argwhere(fitted.reshape(height, width, -1)[..., 0] > 0)
    shape = lit.max(axis=0) - lit.min(axis=0) + 1
    scale = min(width / wide, height / high)
    np.testing.assert_allclose(shape, np.maximum(1, np.round([scale * high, scale * wide])), atol=1)


@pytest.mark.parametrize("text", ["640", "640x", "0x4", "axb", "640x480x3", "-1x4", "99999x9"])
def test_sizes_that_are_none(text):
    with pytest.raises(UsageError, match="WIDTHxHEIGHT"):
        parse_size(text)
