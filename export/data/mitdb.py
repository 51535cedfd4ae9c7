"""The MIT-BIH Arrhythmia Database: half-hour ECG records with every beat annotated."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.data import Floats
from export.data.origin import Origin, find
from rtkit.core.errors import InputError


@dataclass(frozen=True, slots=True)
class EcgRecord:
    """An annotated ECG record.

    Parameters
    ----------
    name : str
        Of the record.
    rate_hz : float
        Samples a second (Hz).
    leads : ndarray
        ``[leads, n]`` (mV), MLII first.
    peaks : ndarray
        R peaks of the annotated beats (samples).
    classes : ndarray
        Their classes, as places in `AAMI_SYMBOLS`.
    """

    name: str
    rate_hz: float
    leads: Floats
    peaks: NDArray[np.int64]
    classes: NDArray[np.int64]


#: Classes of heartbeats after ANSI/AAMI EC57, and the annotation symbols of the MIT-BIH database in each.
AAMI_SYMBOLS = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}
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


def read_mitdb(folder: Path) -> tuple[list[EcgRecord], Origin]:
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


def _read_record(path: Path, what: str) -> EcgRecord:
    import wfdb

    try:
        record, notes = wfdb.rdrecord(str(path)), wfdb.rdann(str(path), "atr")
        leads = np.asarray(record.p_signal, np.float32).T
        order = sorted(range(len(leads)), key=lambda lead: record.sig_name[lead] != "MLII")
    except Exception as error:  # wfdb raises many kinds for a damaged file
        raise InputError(f"{path}: {type(error).__name__}: {error}; expected a {what}") from None
    if "MLII" not in record.sig_name or not np.isfinite(leads).all():
        raise InputError(f"{path}: leads {', '.join(record.sig_name)}, or a sample is missing; expected MLII: {what}")
    classes = {symbol: place for place, symbols in enumerate(AAMI_SYMBOLS.values()) for symbol in symbols}
    beats = [(at, classes[symbol]) for at, symbol in zip(notes.sample, notes.symbol, strict=True) if symbol in classes]
    peaks, found = np.array(beats, np.int64).T
    return EcgRecord(path.name, float(record.fs), leads[order], peaks, found)
