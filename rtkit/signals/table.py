"""Tables of samples: CSV files to read and to write, NumPy files to read, streamed."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import InputError
from rtkit.core.items import Block, Item, Samples, SampleSpec, Spec
from rtkit.core.source import Options, Source
from rtkit.files.sink import FileSink
from rtkit.signals.blocks import BLOCK_SAMPLES, channel_names, in_blocks, unique_names
from rtkit.signals.pair import Pair

#: Size of a read, and the longest line.
BATCH_BYTES = 1 << 20
#: A wider table holds one record a row (such as one heartbeat), not so many channels of one signal.
MAX_CHANNELS = 64
#: More is taken for another kind of file.
MAX_COLUMNS = 4096
#: Sample rate of a table with one record a row, where nobody says otherwise.
RECORD_RATE_HZ = 1.0
#: Names of a first column that holds the time in seconds.
TIME_COLUMNS = frozenset({"time", "t", "time_s", "seconds"})
#: Timestamp jitter: time steps may differ by this fraction of the median one.
JITTER_TOLERANCE = 0.01


def _check_columns(name: str, columns: int) -> None:
    if columns > MAX_COLUMNS:
        raise InputError(f"{name}: has {columns} columns; expected at most {MAX_COLUMNS}")


def _rate(name: str, columns: int, options: Options, expected: str) -> float:
    """Rate (Hz) of a table that does not tell it."""
    if options.rate is not None:
        return options.rate
    if columns > MAX_CHANNELS:
        return RECORD_RATE_HZ
    if options.default_rate is not None:
        return options.default_rate
    raise InputError(f"{name}: does not tell its sample rate; expected --rate{expected}")


class CsvFile(Source):
    """A CSV file of samples, a row a sample and a column a channel; cells are separated by commas, semicolons or tabs.

    A first line of names is optional. A first column called ``time``, ``t``, ``time_s`` or ``seconds`` holds the time in
    seconds and gives the rate; without one, the options must. A table of more than 64 columns holds one record a row, and one
    row a second when the options tell no rate. An empty cell is a missing sample (NaN).
    """

    gives = "samples"

    def __init__(self, path: str, options: Options) -> None:
        self.name = path
        self._options = options
        self._file: BinaryIO | None = None

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Open the file and read the first rows.

        Raises
        ------
        InputError
            It is missing, empty, holds no numbers, or does not tell its rate.
        """
        self._dtype = dtype
        try:
            self._file = Path(self.name).open("rb")  # noqa: SIM115 - closed by close
        except OSError as error:
            raise InputError(f"{self.name}: not readable: {error.strerror}") from None
        self._texts = self._read()
        number, lines = next(self._texts, (1, []))
        while lines and not lines[0].strip():
            number, lines = number + 1, lines[1:]
        if not lines:
            raise InputError(f"{self.name}: is empty; expected lines of numbers")
        self._separator = next((mark for mark in "\t;," if mark in lines[0]), ",")
        try:
            cells = next(csv.reader(lines[:1], delimiter=self._separator))
        except csv.Error as error:
            raise InputError(f"{self.name}: line {number}: {error}; expected names or numbers") from None
        self._columns = len(cells)
        _check_columns(self.name, self._columns)
        header = _number(cells[0]) is None
        self._timed = header and cells[0].strip().lower() in TIME_COLUMNS
        if header:
            number, lines = number + 1, lines[1:]
        names = unique_names(cells[self._timed :]) if header else channel_names(self._columns)
        if not names:
            raise InputError(f"{self.name}: line {number - 1}: holds the time alone; expected a column of samples as well")
        self._first = number, lines
        rate = self._find_rate(number, lines) if self._timed else _rate(self.name, len(names), self._options, " or a first column 'time'")
        self._spec = SampleSpec(rate, names)
        return self._spec

    def _find_rate(self, number: int, lines: list[str]) -> float:
        """Rate (Hz) by the times of the first rows."""
        rows, error = self._parse(number, lines)
        if len(rows) < 2:
            raise error or InputError(f"{self.name}: line {number}: one row does not tell the sample rate; expected two or more")
        times = rows[:, 0]
        steps = np.diff(times)
        self._step = float(np.nanmedian(steps)) if np.isfinite(steps).any() else 0.0
        if not (0 < self._step < math.inf):
            raise InputError(f"{self.name}: line {number + 1}: time stands still or goes back; expected an even, rising time")
        resolution = _time_resolution(line.split(self._separator)[0] for line in lines[:1000])
        self._resolution_s = resolution if resolution <= self._step / 2 else 0.0  # rounded coarser than that, a lost sample would go unseen
        before = times[0] - self._step
        self._last = before
        good, _ = self._check(times, number, lines)
        self._last = before
        span = float(times[good - 1] - times[0]) if good > 1 else self._step
        rate = max(1, good - 1) / span
        whole = round(rate)
        return float(whole) if whole and abs(rate - whole) <= rate * (self._resolution_s / span + 1e-6) else rate

    def _check(self, times: NDArray[np.float64], number: int, lines: list[str]) -> tuple[int, InputError | None]:
        """How many of the times follow evenly, and what is wrong with the next one."""
        steps = np.diff(times, prepend=self._last)
        wrong = np.flatnonzero(~((steps > 0) & (np.abs(steps - self._step) <= JITTER_TOLERANCE * self._step + self._resolution_s)))
        self._last = times[-1] if len(times) else self._last
        if not len(wrong):
            return len(times), None
        place = int(wrong[0])
        line = [index for index, text in enumerate(lines, number) if text.strip()][place]
        step = steps[place]
        went = f"steps by {step:g} s" if step > 0 else "goes back or stands still" if step <= 0 else "is not a number"
        return place, InputError(f"{self.name}: line {line}: time {went}; expected even steps of {self._step:g} s")

    def with_far(self, far: Source, options: Options) -> Source:
        """Take this file as the first of two channels."""
        return Pair(self, far)

    def __iter__(self) -> Iterator[Item]:
        """Its blocks; raises InputError at the line of a damaged cell, a row of another length, or an uneven time."""
        return in_blocks(self._chunks(), self._options.block or BLOCK_SAMPLES, self._spec.rate, self._spec.channels)

    def _chunks(self) -> Iterator[Samples]:
        batch: tuple[int, list[str]] | None = self._first
        found = False
        while batch is not None:
            rows, error = self._parse(*batch)
            if self._timed:
                good, uneven = self._check(rows[:, 0], *batch)
                rows, error = rows[:good, 1:], uneven or error
            if len(rows):
                found = True
                yield rows.astype(self._dtype)
            if error is not None:
                raise error
            batch = next(self._texts, None)
        if not found:
            raise InputError(f"{self.name}: holds names alone; expected lines of numbers below")

    def _read(self) -> Iterator[tuple[int, list[str]]]:
        """Batches of whole lines, each with the number of its first line."""
        assert self._file is not None
        number, rest, mark = 1, b"", b"\xef\xbb\xbf"
        while raw := self._file.read(BATCH_BYTES):
            text, newline, rest = (rest + raw.removeprefix(mark)).rpartition(b"\n")
            mark = b""
            if newline:
                lines = _lines(text)
                yield number, lines
                number += len(lines)
            elif len(rest) > BATCH_BYTES:
                raise InputError(f"{self.name}: line {number}: longer than {BATCH_BYTES} bytes; expected lines of numbers")
        if rest:
            yield number, _lines(rest)

    def _parse(self, number: int, lines: list[str]) -> tuple[NDArray[np.float64], InputError | None]:
        """Rows of numbers up to the first damage, and what that is."""
        full = [line for line in lines if line and not line.isspace()]
        if not full:
            return np.empty((0, self._columns)), None
        try:
            rows = np.loadtxt(full, delimiter=self._separator, comments=None, quotechar='"', ndmin=2)
            if rows.shape[1] == self._columns:
                return rows, None
        except ValueError:
            pass  # an empty cell, or damage: looked at line by line
        return self._parse_slowly(number, lines)

    def _parse_slowly(self, number: int, lines: list[str]) -> tuple[NDArray[np.float64], InputError | None]:
        good: list[list[float]] = []
        error = None
        for place, line in enumerate(lines, number):
            if not line.strip():
                continue
            cells = line.split(self._separator)
            values = [_number(cell) for cell in cells]
            if len(cells) != self._columns:
                error = f"line {place}: {len(cells)} cells; expected {self._columns} as in the first line"
            elif None in values:
                column = values.index(None)
                error = f"line {place}: column {column + 1}: {cells[column].strip()[:40]!r}; expected a number"
            if error:
                break
            good.append([value for value in values if value is not None])
        rows = np.array(good, np.float64).reshape(-1, self._columns)
        return rows, InputError(f"{self.name}: {error}") if error else None

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


class NpyFile(Source):
    """A NumPy file (``.npy``) of numbers, ``[n]`` or ``[n, channels]``, mapped and not loaded; the options must tell the rate.

    An array of more than 64 columns holds one record a row, and one row a second when the options tell no rate.
    """

    gives = "samples"

    def __init__(self, path: str, options: Options) -> None:
        self.name = path
        self._options = options

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Open the file.

        Raises
        ------
        InputError
            It is missing, damaged, empty, holds no real numbers, has another shape, or does not tell its rate.
        """
        self._dtype = dtype
        try:
            with Path(self.name).open("rb") as file:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, by_column, layout = read(file)
                offset, size = file.tell(), file.seek(0, 2)
        except (ValueError, OSError, EOFError) as error:
            raise InputError(f"{self.name}: not readable as a NumPy file: {str(error).splitlines()[0]}") from None
        if layout.kind not in "iuf" or len(shape) not in (1, 2) or 0 in shape:
            raise InputError(f"{self.name}: holds {layout} of shape {shape}; expected real numbers [n] or [n, channels]")
        self.length = shape[0]
        count = shape[1] if len(shape) == 2 else 1
        _check_columns(self.name, count)
        rate = _rate(self.name, count, self._options, "")
        held = min(shape[0], (size - offset) // (count * layout.itemsize))
        if held == 0 or (held < shape[0] and by_column and count > 1):
            raise self._truncated(held)
        self._rows: NDArray[Any] = np.memmap(self.name, layout, "r", offset, (held, count), order="F" if by_column else "C")
        self._spec = SampleSpec(rate, channel_names(count))
        return self._spec

    def with_far(self, far: Source, options: Options) -> Source:
        """Take this file as the first of two channels."""
        return Pair(self, far)

    def __iter__(self) -> Iterator[Item]:
        """Its blocks; raises InputError where a truncated file ends."""
        size = self._options.block or BLOCK_SAMPLES
        for start in range(0, len(self._rows), size):
            yield Block(self._rows[start : start + size].astype(self._dtype), start, self._spec.rate, self._spec.channels)
        if self.length is not None and len(self._rows) < self.length:
            raise self._truncated(len(self._rows))

    def _truncated(self, held: int) -> InputError:
        return InputError(f"{self.name}: truncated: holds {held} rows where its header promises {self.length}")

    def close(self) -> None:
        """Let go of the file."""
        if hasattr(self, "_rows"):
            del self._rows


class CsvSink(FileSink):
    """A CSV file to write: a column ``time`` (s), then a column a channel; values keep all their digits.

    It is flushed once a second of signal, so that a killed process leaves all but the last second.
    """

    def open(self, spec: Spec) -> None:
        """Create the file.

        Raises
        ------
        InputError
            It cannot be written, or what comes are not samples.
        """
        spec = self.require_samples(spec)
        self.file = self.create("w", newline="", encoding="utf-8")
        csv.writer(self.file, lineterminator="\n").writerow(["time", *(" ".join(name.split()) for name in spec.channels)])
        self._second = self._due = max(1, round(spec.rate))
        self._time = f"%.{max(3, math.ceil(math.log10(spec.rate)) + 3)}f"

    def write(self, item: Item) -> None:
        """Append one block.

        Raises
        ------
        InputError
            The disk is full; what was written stays valid.
        """
        assert isinstance(item, Block)
        rows, count = item.data.shape
        times = (item.start + np.arange(rows)) / item.rate
        line = self._time + (",%.9g" if item.data.dtype == np.float32 else ",%.17g") * count + "\n"
        with self.writing(f" beyond sample {item.start}"):
            self.file.write(line * rows % tuple(np.column_stack([times, item.data]).ravel().tolist()))
            if item.start + rows >= self._due:
                self._due = item.start + rows + self._second
                self.file.flush()


def _number(cell: str) -> float | None:
    """The number in a cell, NaN in an empty one, None in one that holds something else."""
    cell = cell.strip().strip('"')
    try:
        return float(cell) if cell else math.nan
    except ValueError:
        return None


def _time_resolution(cells: Iterable[str]) -> float:
    """What the times in these cells are rounded to (s): 0.001 for times such as 0.003, 0.006, 0.008."""
    decimals = [len(found[1]) for cell in cells if (found := re.fullmatch(r"[\s\"+-]*\d+\.?(\d*)[\s\"]*", cell))]
    return 10.0 ** -max(decimals) if decimals else 0.0


def _lines(text: bytes) -> list[str]:
    return text.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
