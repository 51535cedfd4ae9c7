"""Raw samples on standard input and output, for shell pipes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import InputError, UsageError
from rtkit.core.items import Block, Item, SampleSpec, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Options, Source
from rtkit.signals.blocks import BLOCK_SAMPLES, channel_names

#: Layouts by the names that ALSA, PulseAudio and FFmpeg use.
FORMATS = {
    "u8": "u1",
    "s8": "i1",
    "s16le": "<i2",
    "s16be": ">i2",
    "s32le": "<i4",
    "s32be": ">i4",
    "f32le": "<f4",
    "f32be": ">f4",
    "f64le": "<f8",
}
DEFAULT_RATE_HZ, DEFAULT_FORMAT = 16000.0, "s16le"


def _layout(options: Options) -> np.dtype[Any]:
    name = options.format or DEFAULT_FORMAT
    if name not in FORMATS:
        raise UsageError(f"format {name!r} is not known; one of {', '.join(FORMATS)}")
    return np.dtype(FORMATS[name])


def decode(raw: bytes, layout: np.dtype[Any], dtype: type[np.floating[Any]]) -> NDArray[Any]:
    """Samples in -1..1 from their bytes."""
    values = np.frombuffer(raw, layout).astype(dtype)
    if layout.kind == "f":
        return values
    scale = 2.0 ** (8 * layout.itemsize - 1)
    return (values - (scale if layout.kind == "u" else 0)) / dtype(scale)


def encode(samples: NDArray[Any], layout: np.dtype[Any]) -> bytes:
    """Bytes of samples in -1..1; integer formats round, and clip what is outside."""
    if layout.kind == "f":
        return samples.astype(layout).tobytes()
    scale = 2.0 ** (8 * layout.itemsize - 1)
    values = np.clip(np.rint(np.nan_to_num(samples.astype(np.float64)) * scale), -scale, scale - 1)
    return (values + (scale if layout.kind == "u" else 0)).astype(layout).tobytes()


class RawInput(Source):
    """Raw samples on standard input, channels interleaved; rate, channels and format as the options say (16 kHz, mono, s16le).

    Parameters
    ----------
    rest : str
        Nothing.
    options : Options
        `rate`, `channels`, `format` and `block` (4,096 samples) hold.
    head : bytes
        What was read of the stream already.
    """

    formats = tuple(FORMATS)

    def __init__(self, rest: str, options: Options, head: bytes = b"") -> None:
        self.name = "standard input"
        self._head = head
        self._layout = _layout(options)
        self._rate = options.rate or DEFAULT_RATE_HZ
        self._count = options.channels or 1
        self._size = options.block or BLOCK_SAMPLES

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Nothing is read yet."""
        self._dtype = dtype
        self._channels = channel_names(self._count)
        return SampleSpec(self._rate, self._channels)

    def __iter__(self) -> Iterator[Item]:
        """Blocks as they arrive, at most of the size asked for; raises InputError if the input ends inside a sample."""
        width = self._layout.itemsize * self._count
        start, rest = 0, b""
        while raw := self._read(width * self._size - len(rest)):
            raw = rest + raw
            if start == 0 and raw[:4] in (b"RIFF", b"fLaC", b"OggS"):
                raise InputError(f"standard input: is a {raw[:4].decode()} file, expected raw samples; give the file's name instead")
            whole = len(raw) // width * width
            rest = raw[whole:]
            if whole:
                data = decode(raw[:whole], self._layout, self._dtype).reshape(-1, self._count)
                yield Block(data, start, self._rate, self._channels)
                start += len(data)
        if rest:
            raise InputError(f"standard input: ends inside sample {start}: {len(rest)} of {width} bytes")

    def _read(self, most: int) -> bytes:
        head, self._head = self._head, b""
        return head or os.read(sys.stdin.fileno(), most)


class RawOutput(Sink):
    """Raw samples on standard output, channels interleaved, in the format that the options say."""

    takes = (SampleSpec,)

    def __init__(self, rest: str, options: Options) -> None:
        self.name = "standard output"
        self._options = options

    def open(self, spec: Spec) -> None:
        """Nothing is written yet; raises UsageError for a format that is not known."""
        self._layout = _layout(self._options)

    def write(self, item: Item) -> None:
        """Write one block at once. Raises BrokenPipeError when the reader has gone."""
        assert isinstance(item, Block)
        sys.stdout.buffer.write(encode(item.data, self._layout))
        sys.stdout.buffer.flush()
