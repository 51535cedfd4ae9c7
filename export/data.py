"""Readers of training data, and what goes on a card about them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtkit.errors import InputError

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
