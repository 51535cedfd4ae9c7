"""Recordings of a plant: columns of inputs and outputs out of tables, arrays and sounds."""

from __future__ import annotations

import math
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from rtkit import TIME_COLUMNS, Block, InputError, Options, SampleSpec, UsageError, channel_names, make_source
from rtkit_sysid.regressors import Floats

#: Rate (Hz) where nobody told it: a step is a second.
UNTOLD_RATE = 1.0
#: Samples taken of a synthetic signal, which has no end.
SYNTHETIC = 20_000
#: Samples beyond this are no more measured than NaN is; squares of them would overflow.
LARGEST = 1e30
#: Fewer known samples of a column tell nothing.
FEWEST = 16
#: Names of a column of times (s), and of single numbers that tell the rate (Hz) or the step (s).
TIMES = TIME_COLUMNS | {"sampling_time", "timestamp"}
RATES, STEPS = ("fs",), ("ts", "dt")
#: Steps of time may differ by this part of the usual one; with a lost sample they differ by all of it.
UNEVEN = 0.5
#: A rate that is so near to a whole number (relative) is that number: the times were rounded.
ROUNDED = 1e-6
#: Columns named in a message.
NAMED = 20
#: What marks a MAT file of version 7.3, written by MATLAB and by others.
HDF5 = (b"MATLAB 7.3", b"\x89HDF")


@dataclass(frozen=True, slots=True)
class PlantRecord:
    """Inputs and outputs of a plant.

    Parameters
    ----------
    name : str
        The file.
    inputs, outputs : tuple of str
        Names of the columns.
    u, y : ndarray
        float64 ``[n, m]`` and ``[n, p]``; NaN where a sample is missing, or beyond all measure.
    rate : float
        Sample rate (Hz); 1 where nobody told it.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    u: Floats
    y: Floats
    rate: float


@dataclass(slots=True)
class _Table:
    """Columns by name, those of them that are taken where nobody asks for any, and the rate (Hz) if the file tells it."""

    columns: dict[str, Floats]
    usual: list[str] = field(default_factory=list)
    rate: float | None = None

    def __post_init__(self) -> None:
        self.usual = self.usual or list(self.columns)


def read_recording(path: str, inputs: str | None, outputs: str | None, rate: float | None) -> PlantRecord:
    """Read a recording.

    A file that rtkit can stream (CSV, NPY, sound), a table of numbers (``.txt``, ``.dat``), an archive of arrays (``.npz``, ``.mat``
    up to version 7), or ``synth:plant``. A column that is called like a time and rises evenly tells the rate and is no channel,
    unless it is asked for (a first column of a CSV file that rtkit streams as its time never is one).

    Parameters
    ----------
    path : str
        The file.
    inputs, outputs : str, optional
        Names of columns (or their numbers, from 1 on), joined by ``+`` or ``,``; the name of a two-dimensional array means all its
        columns. Without them, the last column is the output and all others are inputs.
    rate : float, optional
        Rate (Hz) where the file does not tell it.

    Raises
    ------
    InputError
        The file is missing, damaged, or of another kind; a column is not there, or holds less than 16 samples; columns differ in
        length.
    """
    read = READERS.get(Path(path).suffix.lower())
    table = read(path) if read else _streamed(path, rate)
    _set_time_apart(table, _words(inputs) + _words(outputs))
    asked_u, asked_y = _find(path, table, inputs), _find(path, table, outputs)
    chosen_y = asked_y or [name for name in table.usual if name not in asked_u][-1:]
    chosen_u = asked_u or [name for name in table.usual if name not in chosen_y]
    _check(path, table, chosen_u, chosen_y)
    u, y = (np.column_stack([table.columns[name] for name in names]) for names in (chosen_u, chosen_y))
    for values in (u, y):
        values[~(np.abs(values) <= LARGEST)] = np.nan
    return PlantRecord(path, tuple(chosen_u), tuple(chosen_y), u, y, table.rate or rate or UNTOLD_RATE)


def _words(asked: str | None) -> list[str]:
    return [word.strip() for word in asked.replace(",", "+").split("+")] if asked else []


def _set_time_apart(table: _Table, asked: list[str]) -> None:
    """Take columns of times out of the table, and the rate from them."""
    for name in list(table.columns):
        if name.lower() not in TIMES or name in asked:
            continue
        with np.errstate(invalid="ignore"):  # infinite ones
            steps = np.diff(table.columns[name])
        usual = float(np.median(steps)) if len(steps) else math.nan
        if usual > 0 and (np.abs(steps - usual) < UNEVEN * usual).all():
            del table.columns[name]
            table.usual = [other for other in table.usual if other != name]
            rate = 1 / float(np.mean(steps))
            table.rate = float(round(rate)) if abs(rate - round(rate)) < ROUNDED * rate else rate


def _find(path: str, table: _Table, asked: str | None) -> list[str]:
    """Names of the columns that are asked for."""
    if asked in table.columns:  # a name may hold a comma
        return [asked]
    names = list(table.columns)
    found = []
    for word in _words(asked):
        of_array = [name for name in names if name.startswith(f"{word}[") and name.endswith("]")]
        if word in names:
            found.append(word)
        elif of_array:
            found += of_array
        elif word.isdecimal() and 1 <= int(word) <= len(names):
            found.append(names[int(word) - 1])
        else:
            more = ", …" if len(names) > NAMED else ""
            raise InputError(f"{path}: no column {word!r} of numbers; there are: {', '.join(names[:NAMED])}{more}")
    return found


def _check(path: str, table: _Table, inputs: list[str], outputs: list[str]) -> None:
    """Raise InputError unless these columns make a recording."""
    chosen = inputs + outputs
    for what, names in (("input", inputs), ("output", outputs)):
        if not names:
            raise InputError(f"{path}: no column is left for an {what}; there are: {', '.join(table.columns) or 'none'}")
    for name, times in Counter(chosen).items():
        if times > 1:
            raise InputError(f"{path}: column {name!r} is asked for {times} times; expected each once, as an input or an output")
    lengths = {name: len(table.columns[name]) for name in chosen}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputError(f"{path}: columns of different lengths ({found}); expected the same number of samples in each")
    for name in chosen:
        known = int(np.isfinite(table.columns[name]).sum())
        if known < FEWEST:
            raise InputError(f"{path}: column {name!r}: {known} known sample(s) of {lengths[name]}; expected {FEWEST} or more")


def _streamed(path: str, rate: float | None) -> _Table:
    """What a stream would read."""
    try:
        source = make_source(path, Options(rate=rate, default_rate=UNTOLD_RATE, block=SYNTHETIC))
    except UsageError as error:
        raise InputError(f"{error}; or tables ({' '.join(READERS)})") from None
    if source.live:
        raise InputError(f"{path}: has no end; expected a file of samples")
    with closing(source):
        spec = source.open(np.float64)
        if not isinstance(spec, SampleSpec):
            raise InputError(f"{path}: holds {spec}; expected samples")
        blocks = islice(source, 1 if source.name.startswith("synth:") else None)
        data = np.concatenate([np.empty((0, len(spec.channels))), *(block.data for block in blocks if isinstance(block, Block))])
    return _Table(dict(zip(spec.channels, data.T, strict=True)), rate=spec.rate)


def _text(path: str) -> _Table:
    """Lines of numbers, separated by blanks or commas."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{path}: not readable: {error.strerror}") from None
    rows: list[list[float]] = []
    for place, line in enumerate(lines, 1):
        cells = line.replace(",", " ").split()
        if not cells:
            continue
        if rows and len(cells) != len(rows[0]):
            raise InputError(f"{path}: line {place}: {len(cells)} numbers; expected {len(rows[0])} as in the first line")
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError as error:
            raise InputError(f"{path}: line {place}: {error}; expected numbers, separated by blanks or commas") from None
    if not rows:
        raise InputError(f"{path}: is empty; expected lines of numbers")
    return _Table(dict(zip(channel_names(len(rows[0])), np.array(rows).T, strict=True)))


def _npz(path: str) -> _Table:
    """Arrays ``[n]`` and ``[n, channels]``."""
    arrays = {}
    name = ""
    try:
        with open(path, "rb") as file:
            if not zipfile.is_zipfile(file):
                raise InputError(f"{path}: is no whole archive of NumPy arrays (.npz)")
            for name, array in np.load(file, allow_pickle=False).items():
                arrays[name] = array
    except OSError as error:
        raise InputError(f"{path}: not readable: {error.strerror or _line(error)}") from None
    except InputError:
        raise
    except Exception as error:  # numpy lets through whatever zip files and headers raise when they are damaged
        after = f"after array {name!r}: " if name else ""
        raise InputError(f"{path}: {after}{_line(error)}; expected arrays of numbers") from None
    return _gather(arrays)


def _mat(path: str) -> _Table:
    """Arrays ``[n, 1]``, ``[1, n]`` and ``[n, channels]``; where nobody asks for others, those of the most common length."""
    import scipy.io

    try:
        with open(path, "rb") as file:
            if file.read(10).startswith(HDF5):
                raise InputError(f"{path}: is a MAT file of version 7.3 (HDF5); expected version 7 or older, as save(…, '-v7') writes it")
            file.seek(0)
            found = scipy.io.loadmat(file)
    except OSError as error:
        raise InputError(f"{path}: not readable: {error.strerror or _line(error)}") from None
    except InputError:
        raise
    except Exception as error:  # scipy lets through whatever its parser stumbles over
        raise InputError(f"{path}: not readable as a MAT file: {_line(error)}") from None
    table = _gather({name: array for name, array in found.items() if not name.startswith("__")})
    lengths = Counter(len(column) for column in table.columns.values())
    if lengths:
        ((common, count),) = lengths.most_common(1)
        if count > 1:
            table.usual = [name for name, column in table.columns.items() if len(column) == common]
    return table


def _line(error: Exception) -> str:
    """The first line of an error, or its kind."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _gather(arrays: Mapping[str, Any]) -> _Table:
    """Columns out of arrays of numbers; what is none is left out, single numbers may tell the rate."""
    columns: dict[str, Floats] = {}
    rate = None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "iufb" or array.size == 0:
            continue
        values = np.squeeze(array).astype(np.float64)
        if values.ndim == 0:
            rate = _told(name.lower(), float(values)) or rate
        elif values.ndim == 1:
            columns[name] = values
        elif values.ndim == 2:
            along = values if len(values) >= values.shape[1] else values.T  # a signal is longer than it has channels
            columns |= {f"{name}[{number}]": column for number, column in enumerate(along.T, 1)}
    return _Table(columns, rate=rate)


def _told(name: str, value: float) -> float | None:
    """The rate (Hz) that a single number tells."""
    if not 0 < value < math.inf:
        return None
    return value if name in RATES else 1 / value if name in STEPS else None


READERS: dict[str, Callable[[str], _Table]] = {".npz": _npz, ".mat": _mat, ".txt": _text, ".dat": _text}
