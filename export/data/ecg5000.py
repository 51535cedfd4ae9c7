"""ECG5000: single heartbeats of one patient, normal or abnormal."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from export.data import Floats
from export.data.origin import Origin, find, sha256
from rtkit.core.errors import InputError

#: Samples of a heartbeat.
SAMPLES = 140
#: Beats of the official training set, the first of the file.
OFFICIAL_BEATS = 500


def read_ecg5000(folder: Path) -> tuple[Floats, Floats, Origin]:
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
    if table.shape[1] != SAMPLES + 1 or len(table) <= OFFICIAL_BEATS:
        raise InputError(f"{path}: {table.shape[0]} lines of {table.shape[1]} columns; expected more than 500 of 141: {what}")
    wrong = ~np.isfinite(table).all(axis=1) | ~np.isin(table[:, -1], (0, 1))
    if wrong.any():
        raise InputError(f"{path}: line {int(np.argmax(wrong)) + 1}: expected {what}")
    source = "UCR archive, ECG5000: beats of record chf07, BIDMC Congestive Heart Failure Database (PhysioNet); one patient"
    origin = Origin("ECG5000", source, "ODC-BY 1.0", sha256(path), len(table))
    return table[:, :-1].astype(np.float32), (table[:, -1] < 0.5).astype(np.float32), origin
