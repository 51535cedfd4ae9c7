"""Frames on standard input and output."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtkit import InputError, Options
from rtkit.video import pipe
from tests.video.clips import CLIP, number_of, numbered, write_movie


def run(*arguments, data=b"", cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "rtkit", "run", *map(str, arguments), "-q"], input=data, capture_output=True, timeout=120, cwd=cwd
    )


def test_y4m_out_and_in_again(tmp_path):
    path = write_movie(tmp_path / "a.mp4", np.arange(20) / 10, fps=10)
    out = run(path, "--to", "-")
    assert out.returncode == 0, out.stderr
    assert out.stdout.startswith(b"YUV4MPEG2 W192 H64 F10:1 ")
    back = run("-", "--to", "shots/%02d.png", "--to", "-", "--format", "y4m", data=out.stdout, cwd=tmp_path)
    assert back.returncode == 0, back.stderr
    assert len(list((tmp_path / "shots").iterdir())) == 20
    assert len(back.stdout) == len(out.stdout)
    unsaid = run("-", "--to", "-", data=out.stdout)  # known by how it begins
    assert unsaid.stdout == back.stdout


@pytest.mark.parametrize("layout", sorted(pipe.WRITTEN_LAYOUTS))
def test_raw_frames(layout, tmp_path):
    out = run(CLIP, "--to", "-", "--format", layout, "--seconds", 0.3)
    assert out.returncode == 0, out.stderr
    size = int(pipe.LAYOUTS[layout][0] * 640 * 360)
    assert len(out.stdout) == 9 * size
    back = run("-", "--format", layout, "--size", "640x360", "--fps", 30, "--to", "f-%d.png", data=out.stdout, cwd=tmp_path)
    assert back.returncode == 0, back.stderr
    assert len(list(tmp_path.iterdir())) == 9


def test_ffmpeg_understands_it(tmp_path):
    import av

    out = run(CLIP, "--to", "-", "--seconds", 1)
    (tmp_path / "a.y4m").write_bytes(out.stdout)
    with av.open(str(tmp_path / "a.y4m")) as file:
        assert sum(1 for _ in file.decode(video=0)) == 30


@pytest.mark.parametrize(
    ("data", "options", "reason"),
    [
        (b"YUV4MPEG2 W4 H4\nFRAME\n" + bytes(23), (), "ends inside frame 0: 23 of 24 bytes"),
        (b"YUV4MPEG2 W4 H4\nFRAME\n" + bytes(24) + b"FRAMX", (), "ends inside a header"),
        (b"YUV4MPEG2 W4 H4\nFRAME\n" + bytes(24) + b"HELLO\n", (), "frame 1 begins with b'HELLO'"),
        (b"YUV4MPEG2 Wx H4\n", (), "no header of Y4M with a size"),
        (b"YUV4MPEG2 W99999999 H4\n", (), "no header of Y4M with a size"),
        (b"YUV4MPEG2 W4 H4 C444\n", (), "colour space C444; expected one of"),
        (b"YUV4MPEG2 W5 H4\n", (), "expected even sides"),
        (b"YUV4MPEG2 " + b"x" * 9000, (), "no header of Y4M"),
        (bytes(100), ("--format", "bgr24", "--size", "4x4"), "ends inside frame 2: 4 of 48 bytes"),
    ],
)
def test_hostile_input_gets_one_line(data, options, reason):
    done = run("-", *options, "--to", "null", data=data)
    assert done.returncode == 3
    assert reason in done.stderr.decode()
    assert len(done.stderr.splitlines()) == 1


def test_raw_frames_need_their_size_and_formats_are_known():
    assert run("-", "--format", "bgr24").returncode == 2
    done = run("-", "--format", "h264", data=b"x")
    assert done.returncode == 2
    assert b"y4m" in done.stderr
    assert b"s16le" in done.stderr


class Input:
    """A standard input that hands out its bytes in pieces."""

    def __init__(self, data, pieces):
        self.data, self.pieces = data, pieces

    def readv(self, _, buffers):
        count = min(len(buffers[0]), self.pieces.pop() if self.pieces else len(buffers[0]), len(self.data))
        buffers[0][:count], self.data = self.data[:count], self.data[count:]
        return count


@given(st.lists(st.integers(1, 5000), max_size=40), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_however_the_bytes_arrive_the_frames_are_the_same(pieces, known):
    data = b"YUV4MPEG2 W192 H64 F5:1 Cmono\n" + b"".join(b"FRAME\n" + numbered(index)[..., 0].tobytes() for index in range(4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.readv", Input(data[known:], list(pieces)).readv)
        patch.setattr("sys.stdin", open("/dev/null"))  # noqa: SIM115
        source = pipe.FramePipe("", Options(), data[:known])
        assert source.open().fps == 5
        frames = list(source)
    assert [number_of(frame.image) for frame in frames] == [0, 1, 2, 3]
    assert [frame.time for frame in frames] == [0, 0.2, 0.4, 0.6]


def test_a_header_of_noise_is_refused():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.readv", Input(bytes(range(1, 255)) * 90, []).readv)
        patch.setattr("sys.stdin", open("/dev/null"))  # noqa: SIM115
        with pytest.raises(InputError, match="Y4M"):
            pipe.FramePipe("", Options(format="y4m")).open()
