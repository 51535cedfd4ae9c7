"""EDF and BDF files (European Data Format), with 16 and 24 bits a sample, streamed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import BLOCK_SAMPLES, InputError, Item, Options, Samples, SampleSpec, Source, in_blocks, unique_names
from rtkit_ecg.wfdb_record import in_mv

#: Bytes read at a time, and no less than one data record.
CHUNK_BYTES = 1 << 22
#: More is taken for a damaged header.
MAX_SIGNALS = 4096
MAX_CHANNELS = 64
MAX_GAP_S = 31 * 86400.0
#: Widths of the fields of a signal header, in the order of the file.
FIELDS = {"label": 16, "transducer": 80, "unit": 8, "low": 8, "high": 8, "least": 8, "most": 8, "filter": 80, "samples": 8, "reserved": 32}


@dataclass(frozen=True, slots=True)
class _Signal:
    """One signal: its name, its bytes in a data record, and what its numbers mean."""

    label: str
    place: slice
    samples: int
    gain: float
    offset: float


class EdfFile(Source):
    """An EDF, EDF+, BDF or BDF+ file; samples are in mV, or in their own unit when that is not volts.

    Takes the signals whose label begins with ECG or EKG, those of the highest rate among them; without such labels, all signals of
    the rate of the first. The gaps of discontinuous files (EDF+D) are NaN.
    """

    gives = "samples"

    def __init__(self, path: str, options: Options) -> None:
        self.name = path
        self._size = options.block or BLOCK_SAMPLES

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Read the header.

        Raises
        ------
        InputError
            The file is missing or damaged, or holds no signal.
        """
        self._dtype = dtype
        try:
            with Path(self.name).open("rb") as file:
                head = file.read(256)
                count = self._number(head, 252, 4, "number of signals", 1, MAX_SIGNALS)
                table = file.read(256 * int(count))
                size = file.seek(0, 2)
        except OSError as error:
            raise InputError(f"{self.name}: not readable: {error.strerror}") from None
        if len(table) < 256 * count:
            raise InputError(f"{self.name}: truncated: ends inside the header of {int(count)} signals")
        self._wide = head[:1] == b"\xff"
        self._promised = int(self._number(head, 236, 8, "number of data records", -1, 1e9))
        self._duration = self._number(head, 244, 8, "duration of a data record", 0, 1e9)
        begin = 256 * (int(count) + 1)
        if self._number(head, 184, 8, "size of the header", 0, 1e9) != begin:
            raise InputError(f"{self.name}: header of {int(count)} signals has another size than {begin} bytes")
        self._clock: slice | None = None
        self._signals, width = self._choose(table, int(count))
        self._channels = unique_names(signal.label for signal in self._signals)
        self._held, self._rest = divmod(size - begin, width)
        if self._held == 0:
            raise InputError(f"{self.name}: holds no whole data record; expected {self._promised} of {width} bytes")
        if self._promised >= 0:
            self._held = min(self._held, self._promised)
        self._gaps = head[192:197] in (b"EDF+D", b"BDF+D")
        if self._gaps and self._clock is None:
            raise InputError(f"{self.name}: is discontinuous (EDF+D) and has no annotations that tell when")
        self._records = np.memmap(self.name, np.uint8, "r", begin, (self._held, width))
        samples = self._signals[0].samples
        self.length = None if self._gaps else (max(self._promised, self._held)) * samples
        self._rate = samples / self._duration
        return SampleSpec(self._rate, self._channels)

    def _number(self, head: bytes, place: int, width: int, what: str, low: float, high: float) -> float:
        """A number of the header, within bounds."""
        text = head[place : place + width].decode("latin-1").strip(" \0")
        try:
            value = float(text)
        except ValueError:
            value = np.nan
        if not low <= value <= high:
            raise InputError(f"{self.name}: not readable as EDF: byte {place}: {what} is {text!r}; expected a number up to {high:g}")
        return value

    def _choose(self, table: bytes, count: int) -> tuple[list[_Signal], int]:
        """The signals to deliver, and the bytes of a data record."""
        fields: dict[str, list[str]] = {}
        start = 0
        for name, width in FIELDS.items():
            cells = [table[start + index * width : start + (index + 1) * width] for index in range(count)]
            fields[name] = [cell.decode("latin-1").strip(" \0") for cell in cells]
            start += width * count
        signals = []
        width, step = 0, 3 if self._wide else 2
        for index, label in enumerate(fields["label"]):
            low, high, least, most, samples = (self._value(fields, name, index) for name in ("low", "high", "least", "most", "samples"))
            if not 0 <= samples <= 1e9:
                raise InputError(f"{self.name}: signal {index + 1} has {samples:g} samples in a data record; expected 1 or more")
            place = slice(width, width := width + step * int(samples))
            if label in ("EDF Annotations", "BDF Annotations"):
                self._clock = self._clock or place
            elif samples:
                if least >= most or low == high:
                    raise InputError(f"{self.name}: signal {index + 1} ({label}) has no range; expected minimum and maximum to differ")
                gain = (high - low) / (most - least)
                scale = in_mv(fields["unit"][index])
                signals.append(_Signal(label, place, int(samples), gain * scale, (low - least * gain) * scale))
        leads = [signal for signal in signals if re.match("E[CK]G", signal.label, re.I)]
        most_samples = max((signal.samples for signal in leads), default=signals[0].samples if signals else 0)
        chosen = [signal for signal in leads or signals if signal.samples == most_samples]
        if not chosen or self._duration == 0:
            raise InputError(f"{self.name}: holds annotations alone; expected a signal")
        if len(chosen) > MAX_CHANNELS:
            raise InputError(f"{self.name}: has {len(chosen)} signals of one rate; expected at most {MAX_CHANNELS}")
        return chosen, width

    def _value(self, fields: dict[str, list[str]], name: str, index: int) -> float:
        text = fields[name][index]
        try:
            value = float(text)
            if np.isfinite(value):
                return value
        except ValueError:
            pass
        raise InputError(f"{self.name}: signal {index + 1}: {text!r} as {name}; expected a number")

    def __iter__(self) -> Iterator[Item]:
        """Its blocks; raises InputError where the file ends before its header says so, or time goes back."""
        return in_blocks(self._chunks(), self._size, self._rate, self._channels)

    def _chunks(self) -> Iterator[Samples]:
        samples = self._signals[0].samples
        step = max(1, CHUNK_BYTES // self._records.shape[1])
        origin, done = None, 0  # samples, gaps included
        for first in range(0, self._held, step):
            records = np.asarray(self._records[first : first + step])
            data = np.stack([self._decode(records, signal) for signal in self._signals], axis=2)
            if not self._gaps:
                yield data.reshape(-1, len(self._signals))
                continue
            for index, record in enumerate(data):
                onset = self._onset(records[index], first + index)
                origin = onset if origin is None else origin
                gap = round((onset - origin) * self._rate) - done
                if gap < 0 or gap > MAX_GAP_S * self._rate:
                    where = f"{self.name}: data record {first + index + 1}"
                    raise InputError(f"{where}: begins {-gap / self._rate:g} s before the end of the last one; expected time to rise")
                for _ in range(gap // samples):
                    yield np.full((samples, len(self._signals)), np.nan, self._dtype)
                yield np.full((gap % samples, len(self._signals)), np.nan, self._dtype)
                yield record
                done += gap + samples
        if self._held < self._promised or (self._promised < 0 and self._rest):
            holds = f"holds {self._held} whole data records ({self._held * samples} samples)"
            raise InputError(f"{self.name}: truncated: {holds} where its header promises {max(self._promised, self._held + 1)}")

    def _decode(self, records: NDArray[np.uint8], signal: _Signal) -> NDArray[Any]:
        """A signal of some data records, ``[records, samples]``, in mV."""
        raw = np.ascontiguousarray(records[:, signal.place])
        if self._wide:
            parts = raw.reshape(len(raw), -1, 3)
            high = parts[..., 2].view(np.int8).astype(np.int32) << 16
            values = high | parts[..., 1].astype(np.int32) << 8 | parts[..., 0]
        else:
            values = raw.view("<i2")
        return (values * signal.gain + signal.offset).astype(self._dtype)

    def _onset(self, record: NDArray[np.uint8], index: int) -> float:
        """When a data record begins (s), by its first annotation."""
        text = record[self._clock].tobytes().split(b"\x14", 1)[0]
        try:
            if re.fullmatch(rb"[+-][0-9]{1,12}(\.[0-9]+)?", text):
                return float(text)
        except ValueError:
            pass
        raise InputError(f"{self.name}: data record {index + 1}: begins at {text[:20]!r}; expected its time, such as +12.5")

    def close(self) -> None:
        """Let go of the file."""
        if hasattr(self, "_records"):
            del self._records
