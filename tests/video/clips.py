"""Videos whose frames tell their own number, the shipped clip, and what collects frames."""

from pathlib import Path

import numpy as np

from rtkit.core.items import Frame, FrameSpec
from rtkit.core.sink import Sink
from rtkit.core.source import Options, Source
from rtkit.video.movie import Movie

CLIP = Path(__file__).parents[2] / "plugins" / "rtkit_cam" / "data" / "bottles.mp4"
BITS = 12


def numbered(number: int, width: int = 192, height: int = 64) -> np.ndarray:
    """A picture that shows its number as twelve black and white bars, which survive any codec."""
    bits = [255 * (number >> bit & 1) for bit in range(BITS)]
    row = np.repeat(np.array(bits, np.uint8), width // BITS)
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (height, len(row), 3)))


def number_of(image: np.ndarray) -> int:
    """The number that a picture shows."""
    row = image.reshape(image.shape[0], image.shape[1], -1)[image.shape[0] // 2, :, 0]
    middles = row[(np.arange(BITS) * 2 + 1) * len(row) // (2 * BITS)]
    return int(sum((int(value) > 127) << bit for bit, value in enumerate(middles)))


def write_movie(path: Path, times, fps: float = 30.0) -> Path:
    """A video of numbered frames at the given times (s)."""
    movie = Movie(str(path), Options())
    movie.open(FrameSpec(192, 64, fps))
    for index, time in enumerate(times):
        movie.write(Frame(numbered(index), index, time))
    movie.close()
    return path


class Seen(Sink):
    """Keeps the number that each frame shows, its index, its time, and how late it was shown; may be slow."""

    name = "seen"

    def __init__(self, work=None):
        self.spec, self.frames, self.events, self.work = None, [], [], work or (lambda frame: None)

    def open(self, spec):
        self.spec = spec

    def write(self, frame):
        self.frames.append((number_of(frame.image), frame.index, frame.time))
        self.work(frame)

    def event(self, event):
        self.events.append(event)


class Numbers(Source):
    """A file of numbered frames, made on the fly."""

    name = "numbers"

    def __init__(self, count, fps=30.0, fails_at=None):
        self.length, self.fps, self.fails_at, self.closed = count, fps, fails_at, False

    def open(self, dtype=np.float32):
        return FrameSpec(192, 64, self.fps)

    def __iter__(self):
        for index in range(self.length):
            if index == self.fails_at:
                from rtkit import InputError

                raise InputError(f"numbers: damaged at frame {index}")
            yield Frame(numbered(index), index, index / self.fps)

    def close(self):
        self.closed = True
