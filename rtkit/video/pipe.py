"""Frames on standard input and output, for shell pipes: Y4M, or raw."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from rtkit.core.errors import InputError, UsageError
from rtkit.core.items import Frame, FrameSpec, Image, Item, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Options, Source
from rtkit.video.capture import DEFAULT_FRAME_RATE_HZ
from rtkit.video.opencv import opencv
from rtkit.video.rate import FrameRateLimiter
from rtkit.video.size import MAX_SIDE_PX, fit, parse_size, to_colour

#: Layouts of raw frames by FFmpeg's names: rows and columns of bytes for a frame of one pixel, and how OpenCV turns it into BGR.
LAYOUTS: dict[str, tuple[Fraction, str | None]] = {
    "bgr24": (Fraction(3), None),
    "rgb24": (Fraction(3), "COLOR_RGB2BGR"),
    "bgra": (Fraction(4), "COLOR_BGRA2BGR"),
    "gray": (Fraction(1), None),
    "yuv420p": (Fraction(3, 2), "COLOR_YUV2BGR_I420"),
    "nv12": (Fraction(3, 2), "COLOR_YUV2BGR_NV12"),
    "yuyv422": (Fraction(2), "COLOR_YUV2BGR_YUYV"),
}
#: Those that are written, too, and how OpenCV makes them from BGR.
WRITTEN_LAYOUTS = {"bgr24": None, "rgb24": "COLOR_BGR2RGB", "gray": "COLOR_BGR2GRAY", "yuv420p": "COLOR_BGR2YUV_I420"}
Y4M = "y4m"
#: Magic number of a stream in Y4M.
MAGIC = b"YUV4MPEG2"
#: Longest header line (bytes) of Y4M.
MAX_HEADER_BYTES = 4096
#: Colour spaces of Y4M that are accepted, and the raw layout of each.
COLOUR_SPACES = {"420": "yuv420p", "420jpeg": "yuv420p", "420mpeg2": "yuv420p", "420paldv": "yuv420p", "mono": "gray"}


class FramePipe(Source):
    """Frames on standard input: Y4M, which says its size and rate, or raw frames, for which the options do.

    Parameters
    ----------
    rest : str
        Nothing.
    options : Options
        `format` (``y4m`` or one of `LAYOUTS`), `size` and `fps` (25) of raw frames; of Y4M, the size to fit into and the most frames
        a second.
    head : bytes
        What was read of the stream already.
    """

    formats = (Y4M, *LAYOUTS)
    magic = MAGIC

    def __init__(self, rest: str, options: Options, head: bytes = b"") -> None:
        self.name = "standard input"
        self._format = options.format or Y4M
        self._requested_size = parse_size(options.size)
        self._fps = options.fps
        self._head = head
        if self._format != Y4M and self._requested_size is None:
            raise UsageError(f"raw frames ({self._format}) need their size: --size 640x480")

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> FrameSpec:
        """Read the header, if there is one.

        Raises
        ------
        InputError
            The header is not that of Y4M, or of a kind that is not taken.
        """
        self._layout, self._rate = self._format, self._fps or DEFAULT_FRAME_RATE_HZ
        if self._format == Y4M:
            self._read_header()
        elif self._requested_size is not None:
            self._width, self._height = self._requested_size
        if LAYOUTS[self._layout][0].denominator == 2 and (self._width % 2 or self._height % 2):
            raise InputError(f"standard input: frames of {self._width} x {self._height} in {self._layout}; expected even sides")
        size = self._requested_size or (self._width, self._height)
        return FrameSpec(*size, min(self._rate, self._fps or self._rate))

    def _read_header(self) -> None:
        line = self._line().decode("ascii", "replace")
        fields = {field[0]: field[1:] for field in line.split()[1:]}
        sides = [fields.get(key, "") for key in "WH"]
        rate = re.fullmatch(r"(\d{1,9}):(\d{1,9})", fields.get("F", ""))
        if not line.startswith(MAGIC.decode()) or not all(side.isdecimal() and 0 < int(side) <= MAX_SIDE_PX for side in sides):
            raise InputError(f"standard input: its first line is no header of Y4M with a size: {line[:60]!r}")
        self._width, self._height = map(int, sides)
        space = fields.get("C", "420")
        if space not in COLOUR_SPACES:
            known = ", ".join(f"C{name}" for name in COLOUR_SPACES)
            raise InputError(f"standard input: colour space C{space}; expected one of {known} (yuv420p)")
        self._layout = COLOUR_SPACES[space]
        self._rate = int(rate[1]) / int(rate[2]) if rate and int(rate[1]) and int(rate[2]) else DEFAULT_FRAME_RATE_HZ

    def __iter__(self) -> Iterator[Frame]:
        """Frames as they arrive; raises InputError if the input ends inside a frame."""
        due, index = FrameRateLimiter(self._fps), 0
        size = self._requested_size or (self._width, self._height)
        count = int(LAYOUTS[self._layout][0] * self._width * self._height)
        while True:
            if self._format == Y4M:
                line = self._line()
                if line and not line.startswith(b"FRAME"):
                    raise InputError(f"standard input: frame {index} begins with {line[:20]!r}; expected FRAME, as in Y4M")
                if not line:
                    return
            data = self._read(count)
            if not data and self._format != Y4M:
                return
            if len(data) < count:
                raise InputError(f"standard input: ends inside frame {index}: {len(data)} of {count} bytes")
            time = index / self._rate
            if due(time):
                yield Frame(fit(self._picture(data), *size), index, time)
            index += 1

    def _picture(self, data: bytearray) -> Image:
        """A frame from its bytes: an array of its own, or one made from it."""
        share, conversion = LAYOUTS[self._layout]
        flat = np.frombuffer(data, np.uint8)
        if share.denominator == 2:
            shaped = flat.reshape(self._height * 3 // 2, self._width)
        else:
            shaped = flat.reshape((self._height, self._width) if share == 1 else (self._height, self._width, int(share)))
        if conversion is None:
            return shaped
        return np.asarray(opencv().cvtColor(shaped, getattr(opencv(), conversion)), np.uint8)

    def _line(self) -> bytes:
        """The next line without its end; empty at the end of the input."""
        line = bytearray()
        while not line.endswith(b"\n"):
            byte = self._read(1)
            if not byte and line:
                raise InputError(f"standard input: ends inside a header: {bytes(line[:60])!r}")
            if len(line) > MAX_HEADER_BYTES:
                raise InputError(f"standard input: no header of Y4M: {bytes(line[:20])!r}")
            if not byte:
                break
            line += byte
        return bytes(line).rstrip(b"\n")

    def _read(self, count: int) -> bytearray:
        """The next bytes; fewer only at the end of the input."""
        data = bytearray(count)
        done = min(count, len(self._head))
        data[:done], self._head = self._head[:done], self._head[done:]
        view = memoryview(data)
        while done < count:
            got = os.readv(sys.stdin.fileno(), [view[done:]])
            if not got:
                break
            done += got
        view.release()
        del data[done:]
        return data


class FramePipeSink(Sink):
    """Frames on standard output as Y4M, or raw if the options name a layout of `LAYOUTS` (``bgr24``, ``rgb24``, ``gray``)."""

    takes = (FrameSpec,)

    def __init__(self, rest: str, options: Options) -> None:
        self.name = "standard output"
        self._format = options.format

    def open(self, spec: Spec) -> None:
        """Write the header, if the format has one.

        Raises
        ------
        UsageError
            A layout that cannot be written.
        """
        assert isinstance(spec, FrameSpec)
        layout = Y4M if self._format not in LAYOUTS else self._format
        if layout != Y4M and layout not in WRITTEN_LAYOUTS:
            raise UsageError(f"format {layout!r} cannot be written; one of {Y4M}, {', '.join(WRITTEN_LAYOUTS)}")
        self._frame_head = b"FRAME\n" if layout == Y4M else b""
        self._conversion = WRITTEN_LAYOUTS["yuv420p" if layout == Y4M else layout]
        self._even = layout in (Y4M, "yuv420p")
        if layout == Y4M:
            rate = Fraction(spec.fps).limit_denominator(1001)
            width, height = spec.width // 2 * 2, spec.height // 2 * 2
            head = f"YUV4MPEG2 W{width} H{height} F{rate.numerator}:{rate.denominator} Ip A1:1 C420jpeg\n"
            sys.stdout.buffer.write(head.encode())

    def write(self, item: Item) -> None:
        """Write one frame at once. Raises BrokenPipeError when the reader has gone."""
        assert isinstance(item, Frame)
        image = to_colour(item.image)
        if self._even:
            image = np.ascontiguousarray(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2])
        if self._conversion is not None:
            image = opencv().cvtColor(image, getattr(opencv(), self._conversion))
        sys.stdout.buffer.write(self._frame_head)
        sys.stdout.buffer.write(np.ascontiguousarray(image).data)
        sys.stdout.buffer.flush()
