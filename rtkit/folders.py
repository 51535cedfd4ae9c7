"""Folders to write to."""

from __future__ import annotations

from pathlib import Path

from rtkit.errors import InputError


def make_folder(name: str | Path) -> Path:
    """Make a folder, with those above it, if it is not there.

    Raises
    ------
    InputError
        It cannot be made.
    """
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: no folder to write to: {error.strerror}") from None
    return folder
