"""Where training data lie and where they come from: finding files, and what a model card says about them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from rtkit.core.errors import InputError


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
