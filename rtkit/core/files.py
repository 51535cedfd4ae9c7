"""Folders to write to, and arrays in npz files: written whole or not at all; what is damaged is told in one line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtkit.core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def write_arrays(path: str | Path, arrays: Mapping[str, NDArray[Any]], compressed: bool = False) -> None:
    """Write arrays to an npz file, whole or not at all.

    Raises
    ------
    InputError
        The file cannot be written; what was there before stays.
    """
    import numpy as np  # here: commands that make a folder load at every start

    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            (np.savez_compressed if compressed else np.savez)(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def read_arrays(path: str | Path, expected: str) -> dict[str, NDArray[Any]]:
    """Read the arrays of an npz file.

    Parameters
    ----------
    path : str or Path
        The file.
    expected : str
        What it should hold, for errors.

    Raises
    ------
    InputError
        There is no such file, it cannot be read, or it is damaged.
    """
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected {expected}") from None
    except OSError as error:
        raise InputError(f"{path}: damaged or not readable: {error.strerror or error}; expected {expected}") from None
    except Exception:  # numpy, zipfile and zlib raise a dozen kinds for damage, listed nowhere; numpy's words even advise to unpickle
        raise InputError(f"{path}: damaged, or no npz file; expected {expected}") from None


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
