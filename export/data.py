"""Readers of training data, and what goes on a card about them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import InputError

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where data come from: title, source, licence, hash of the file, and how many rows it has."""

    name: str
    source: str
    licence: str
    sha256: str
    rows: int


def find(folder: Path, name: str, what: str) -> Path:
    """The file `name` in `folder` or anywhere below it.

    Raises
    ------
    InputError
        It is not there; the message says `what` to put where.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected one with {name}: {what}")
    direct = folder / name
    found = [direct] if direct.is_file() else sorted(path for path in folder.rglob(name) if path.is_file())
    if not found:
        raise InputError(f"{folder}: {name} is not there; put it there: {what}")
    return found[0]


def sha256(path: Path) -> str:
    """Hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def ecg5000(folder: Path) -> tuple[Floats, Floats, Origin]:
    """Heartbeats of ECG5000.

    Returns
    -------
    beats : ndarray
        ``[n, 140]``, each with zero mean and unit variance. The first 500 are the official training set.
    abnormal : ndarray
        ``[n]``, 1 for an abnormal beat, 0 for a normal one.
    origin : Origin

    Raises
    ------
    InputError
        The file is missing, or a line is not 140 finite samples and a label of 0 or 1.
    """
    what = "ECG5000 as a table without header, a beat a line: 140 samples, then 1 (normal) or 0 (abnormal), separated by commas"
    path = find(folder, "ecg.csv", what)
    try:
        table = np.loadtxt(path, delimiter=",", ndmin=2)
    except ValueError as error:
        raise InputError(f"{path}: {error}; expected {what}") from None
    if table.shape[1] != 141 or len(table) < 501:
        raise InputError(f"{path}: {table.shape[0]} lines of {table.shape[1]} columns; expected more than 500 of 141: {what}")
    wrong = ~np.isfinite(table).all(axis=1) | ~np.isin(table[:, -1], (0, 1))
    if wrong.any():
        raise InputError(f"{path}: line {int(np.argmax(wrong)) + 1}: expected {what}")
    source = "UCR archive, ECG5000: beats of record chf07, BIDMC Congestive Heart Failure Database (PhysioNet); one patient"
    origin = Origin("ECG5000", source, "ODC-BY 1.0", sha256(path), len(table))
    return table[:, :-1].astype(np.float32), (table[:, -1] < 0.5).astype(np.float32), origin


def silverbox(folder: Path) -> tuple[Floats, Floats, Origin]:
    """The Silverbox, an electronic Duffing oscillator driven by noise and multisines.

    Returns
    -------
    u, y : ndarray
        ``[131072]``, input and output (V) at 610.35 Hz.
    origin : Origin

    Raises
    ------
    InputError
        The file is missing, or not the benchmark's MAT file with V1 and V2.
    """
    from scipy.io import loadmat

    what = "the Silverbox benchmark (nonlinearbenchmark.org), a MAT file with the input V1 and the output V2, 131,072 samples each"
    path = find(folder, "silverbox_SNLS80mV.mat", what)
    try:
        content = loadmat(path)
        u, y = (np.asarray(content[name], np.float32).ravel() for name in ("V1", "V2"))
    except Exception as error:  # scipy raises many kinds for a damaged file
        raise InputError(f"{path}: {type(error).__name__}: {error}; expected {what}") from None
    if u.shape != (131_072,) or y.shape != u.shape or not (np.isfinite(u).all() and np.isfinite(y).all()):
        raise InputError(f"{path}: V1 has {u.size} and V2 {y.size} samples, or one is not finite; expected {what}")
    source = "T. Wigren, J. Schoukens, ECC 2013; nonlinearbenchmark.org"
    return u, y, Origin("Silverbox (SNLS80mV)", source, "MIT (copy in biaslab/nsi-silverbox)", sha256(path), len(u))


@dataclass(frozen=True, slots=True)
class Record:
    """An annotated ECG record.

    Parameters
    ----------
    name : str
        Of the record.
    rate : float
        Samples a second (Hz).
    leads : ndarray
        ``[leads, n]`` (mV), MLII first.
    peaks : ndarray
        R peaks of the annotated beats (samples).
    classes : ndarray
        Their classes, as places in `AAMI`.
    """

    name: str
    rate: float
    leads: Floats
    peaks: NDArray[np.int64]
    classes: NDArray[np.int64]


#: Classes of heartbeats after ANSI/AAMI EC57, and the annotation symbols of the MIT-BIH database in each.
AAMI = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}
#: The training half of the MIT-BIH database, without the paced records: DS1 of P. de Chazal, M. O'Dwyer, R. B. Reilly, IEEE Transactions
#: on Biomedical Engineering 51 (2004).
DS1 = (
    "101",
    "106",
    "108",
    "109",
    "112",
    "114",
    "115",
    "116",
    "118",
    "119",
    "122",
    "124",
    "201",
    "203",
    "205",
    "207",
    "208",
    "209",
    "215",
    "220",
    "223",
    "230",
)


def mitdb(folder: Path) -> tuple[list[Record], Origin]:
    """The training half (DS1) of the MIT-BIH Arrhythmia Database: 22 patients, half an hour each, every beat annotated.

    Parameters
    ----------
    folder : Path
        Holds ``NNN.hea``, ``NNN.dat`` and ``NNN.atr`` of the records `DS1`, perhaps in folders below it.

    Raises
    ------
    InputError
        A record is missing or damaged, or has no lead MLII.
    """
    what = "record of the MIT-BIH Arrhythmia Database (physionet.org/content/mitdb), as .hea, .dat and .atr"
    digest = hashlib.sha256()
    records = []
    for name in DS1:
        for kind in ("dat", "atr"):
            digest.update(find(folder, f"{name}.{kind}", what).read_bytes())
        records.append(_read_record(find(folder, f"{name}.hea", what).with_suffix(""), what))
    count = sum(len(record.peaks) for record in records)
    source = (
        "PhysioNet, mitdb 1.0.0 (doi 10.13026/C2F305), records DS1; hash of all .dat and .atr; G. B. Moody, R. G. Mark, IEEE EMB 20 (2001)"
    )
    return records, Origin("MIT-BIH Arrhythmia Database", source, "ODC-BY 1.0", digest.hexdigest(), count)


def _read_record(path: Path, what: str) -> Record:
    import wfdb

    try:
        record, notes = wfdb.rdrecord(str(path)), wfdb.rdann(str(path), "atr")
        leads = np.asarray(record.p_signal, np.float32).T
        order = sorted(range(len(leads)), key=lambda lead: record.sig_name[lead] != "MLII")
    except Exception as error:  # wfdb raises many kinds for a damaged file
        raise InputError(f"{path}: {type(error).__name__}: {error}; expected a {what}") from None
    if "MLII" not in record.sig_name or not np.isfinite(leads).all():
        raise InputError(f"{path}: leads {', '.join(record.sig_name)}, or a sample is missing; expected MLII: {what}")
    classes = {symbol: place for place, symbols in enumerate(AAMI.values()) for symbol in symbols}
    beats = [(at, classes[symbol]) for at, symbol in zip(notes.sample, notes.symbol, strict=True) if symbol in classes]
    peaks, found = np.array(beats, np.int64).T
    return Record(path.name, float(record.fs), leads[order], peaks, found)
