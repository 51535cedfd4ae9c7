"""WFDB records (PhysioNet): a header and the signal files beside it, streamed."""

from __future__ import annotations

import glob
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import BLOCK_SAMPLES, InputError, Item, Options, Samples, SampleSpec, Source, in_blocks, unique_names

#: Seconds read at a time, and no more than so many samples of all channels.
CHUNK_S = 30.0
CHUNK_SAMPLES = 1 << 20
#: More is taken for a damaged header.
MAX_CHANNELS = 64
MAX_RATE_HZ = 1e6
MAX_HEADER_BYTES = 1 << 24
MAX_GAP_S = 31 * 86400.0
#: Units by what they are in mV.
IN_MV = {"uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "microvolts": 1e-3, "mv": 1.0, "millivolts": 1.0, "v": 1e3, "volts": 1e3}


def in_mv(unit: str | None) -> float:
    """What to multiply samples in this unit by to get mV; 1 for units that are not volts."""
    return IN_MV.get((unit or "").strip().lower(), 1.0)


class WfdbRecord(Source):
    """A WFDB record, named by its header (``.hea``); samples are in mV, or in their own unit when that is not volts.

    Takes all signal formats but format 8 (differences, which cannot be read from the middle), records of several segments
    (gaps and signals that a segment lacks are NaN), and signals of several samples a frame (averaged).
    """

    gives = "samples"

    def __init__(self, path: str, options: Options) -> None:
        self.name = path
        self._folder = Path(path).absolute().parent
        self.parts = tuple(str(beside) for beside in self._folder.glob(f"{glob.escape(Path(path).stem)}.*"))
        self._size = options.block or BLOCK_SAMPLES

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Read the header, and see what the signal files hold.

        Raises
        ------
        InputError
            A file is missing, or the header is damaged or asks for what is not supported.
        """
        self._dtype = dtype
        header = _header(Path(self.name))
        rate = float(header.fs)
        if not 0 < rate <= MAX_RATE_HZ:
            raise InputError(f"{self.name}: says {rate:g} samples a second; expected up to {MAX_RATE_HZ:g} Hz")
        self._promised, self._segments, names = self._layout(header)
        if not 0 < len(names) <= MAX_CHANNELS:
            raise InputError(f"{self.name}: has {len(names)} signals; expected 1 to {MAX_CHANNELS}")
        self._names, self.length = names, self._promised
        self._spec = SampleSpec(rate, unique_names(names))
        return self._spec

    def _layout(self, header: Any) -> tuple[int, list[_Segment | int], list[str]]:
        """Samples promised, segments (of a gap, its length), and the names of the signals."""
        if not hasattr(header, "seg_name"):
            segment = _Segment(Path(self.name), header, header.sig_len or None)
            return segment.length, [segment], segment.names
        names, lengths = header.seg_name, header.seg_len
        if len(names) != header.n_seg:
            raise InputError(f"{self.name}: lists {len(names)} segments; expected {header.n_seg} as its first line says")
        segments: list[_Segment | int] = []
        signals: list[str] = []
        for name, length in zip(names, lengths, strict=True):
            if name == "~":
                if length > MAX_GAP_S * header.fs:
                    raise InputError(f"{self.name}: has a gap of {length} samples; expected at most {MAX_GAP_S / 86400:g} days")
                segments.append(length)
                continue
            path = self._folder / f"{name}.hea"
            part = _header(path)
            if hasattr(part, "seg_name"):
                raise InputError(f"{path}: is a segment and has segments itself; expected a record of signals")
            if length == 0:  # the layout of all segments: names without samples
                signals = _names(part)
                continue
            if part.fs != header.fs:
                raise InputError(f"{path}: says {part.fs:g} samples a second; expected {header.fs:g} as in {Path(self.name).name}")
            segment = _Segment(path, part, length)
            signals = signals or segment.names
            segments.append(segment)
        return sum(part if isinstance(part, int) else part.length for part in segments), segments, signals

    def __iter__(self) -> Iterator[Item]:
        """Its blocks; raises InputError where a signal file is damaged or ends too early."""
        return in_blocks(self._chunks(), self._size, self._spec.rate, self._spec.channels)

    def _chunks(self) -> Iterator[Samples]:
        done = 0
        for segment in self._segments:
            for chunk in self._gap(segment) if isinstance(segment, int) else self._read(segment, done):
                yield chunk
                done += len(chunk)
            if not isinstance(segment, int) and segment.held < segment.length:
                raise InputError(
                    f"{self.name}: truncated: holds {done} samples ({done / self._spec.rate:.3f} s)"
                    f" where {Path(self.name).name} promises {self._promised}"
                )

    def _gap(self, length: int) -> Iterator[Samples]:
        step = max(1, CHUNK_SAMPLES // len(self._names))
        for first in range(0, length, step):
            yield np.full((min(step, length - first), len(self._names)), np.nan, self._dtype)

    def _read(self, segment: _Segment, done: int) -> Iterator[Samples]:
        """The signals of a segment, each in the column of its name."""
        step = max(1, min(round(CHUNK_S * self._spec.rate), CHUNK_SAMPLES // segment.width))
        same = segment.names == self._names
        places = [self._names.index(name) if name in self._names else None for name in segment.names]
        for first in range(0, segment.held, step):
            count = min(step, segment.held - first)
            try:
                signals = segment.read(first, count, self._dtype)
            except Exception as error:  # wfdb raises whatever its parts do
                raise InputError(f"{segment.path}: damaged at sample {done + first}: {error}") from None
            if same:
                yield np.stack(signals, axis=1)
                continue
            chunk = np.full((count, len(self._names)), np.nan, self._dtype)
            for place, signal in zip(places, signals, strict=True):
                if place is not None:
                    chunk[:, place] = signal
            yield chunk


class _Segment:
    """A header and its signal files: what they hold, and samples from anywhere in them."""

    def __init__(self, path: Path, header: Any, length: int | None) -> None:
        self.path, self._header = path, header
        if not header.n_sig or header.file_name is None or len(header.file_name) != header.n_sig:
            found = len(header.file_name or [])
            raise InputError(f"{path}: describes {found} signals; expected {header.n_sig} as its first line says, and at least one")
        self.names = _names(header)
        self._frame: list[int] = [count or 1 for count in header.samps_per_frame]
        self._skew = [skew or 0 for skew in header.skew]
        self.width = sum(self._frame)
        held = [self._held(name) for name in dict.fromkeys(header.file_name)]
        known = [count for count in held if count is not None]
        if length is None:
            if not known or min(known) == 0:
                raise InputError(f"{path}: tells no number of samples, nor does the size of its signal files")
            length = min(known)
        self.length = length
        self.held = min([length, *known])

    def _held(self, name: str) -> int | None:
        """Samples a signal that a signal file has room for; None where its size does not tell (compressed formats)."""
        from wfdb.io import _signal

        header = self._header
        mine = [index for index, file in enumerate(header.file_name) if file == name]
        form = header.fmt[mine[0]]
        if form not in _signal.BYTES_PER_SAMPLE or form == "8":
            raise InputError(f"{self.path}: signal format {form} is not supported; expected 16, 24, 32, 61, 80, 160, 212, 310, 311, 5xx")
        if any(header.fmt[index] != form for index in mine):
            raise InputError(f"{self.path}: has several formats in the file {name}; expected one")
        # wfdb hands the name to a library that opens URLs, too
        if not re.fullmatch(r"[-\w][-.\w]*", name):
            raise InputError(f"{self.path}: names the signal file {name!r}; expected a plain file name")
        try:
            size = (self.path.parent / name).stat().st_size
        except OSError as error:
            raise InputError(f"{self.path.parent / name}: signal file of {self.path.name} not readable: {error.strerror}") from None
        if form in _signal.COMPRESSED_FMTS:
            return None
        bits = round(24 * float(_signal.BYTES_PER_SAMPLE[form]))  # of three samples: 32 in the formats 310 and 311
        room = max(0, size - (header.byte_offset[mine[0]] or 0))
        room -= room % 2 if form == "310" else 0  # its samples need whole words of two bytes
        return room * 24 // bits // sum(self._frame[index] for index in mine)

    def read(self, first: int, count: int, dtype: type[np.floating[Any]]) -> list[NDArray[Any]]:
        """`count` samples of each signal from sample `first` on, in mV."""
        from wfdb.io import _signal

        # Not rdrecord: it parses the header at each call, and refuses records whose header tells no length.
        header = self._header
        raw = _signal._rd_segment(
            file_name=header.file_name,
            dir_name=str(self.path.parent),
            pn_dir=None,
            fmt=header.fmt,
            n_sig=header.n_sig,
            sig_len=self.held,
            byte_offset=header.byte_offset,
            samps_per_frame=self._frame,
            skew=self._skew,
            init_value=header.init_value,
            sampfrom=first,
            sampto=min(first + count + max(self._skew), self.held),
            channels=list(range(header.n_sig)),
            ignore_skew=True,  # wfdb fails where signals have different skews
        )
        return [self._signal(index, values, count).astype(dtype) for index, values in enumerate(raw)]

    def _signal(self, index: int, values: NDArray[Any], count: int) -> NDArray[np.float64]:
        from wfdb.io import _signal

        header, width = self._header, self._frame[index]
        values = values[self._skew[index] * width :][: count * width]
        physical = (values.astype(np.float64) - (header.baseline[index] or 0)) * (in_mv(header.units[index]) / header.adc_gain[index])
        physical[values == _signal.INVALID_SAMPLE_VALUE[header.fmt[index]]] = np.nan
        found = physical.reshape(-1, width).mean(axis=1) if width > 1 else physical
        return np.pad(found, (0, count - len(found)), constant_values=np.nan)


def _names(header: Any) -> list[str]:
    """Names of the signals, each different, so that segments can be told apart by them."""
    return list(unique_names(name or "" for name in header.sig_name or [""] * header.n_sig))


def _header(path: Path) -> Any:
    """Read a header, whatever is wrong with it."""
    import wfdb

    if not path.is_file():
        raise InputError(f"{path}: no such file; expected the header of a record")
    if path.stat().st_size > MAX_HEADER_BYTES:
        raise InputError(f"{path}: is larger than {MAX_HEADER_BYTES} bytes; expected the header of a record")
    try:
        header = wfdb.rdheader(str(path.absolute().with_suffix("")))
    except Exception as error:  # wfdb raises whatever its parts do
        raise InputError(
            f"{path}: not readable as the header of a WFDB record: {str(error).splitlines()[0] if str(error) else error!r}"
        ) from None
    if header.fs is None or not math.isfinite(header.fs):
        raise InputError(f"{path}: tells no sample rate")
    return header
