"""What a learner knows, in a file."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.errors import InputError


def write_arrays(path: str | Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to an npz file, whole or not at all.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        os.replace(part, path)
    except OSError as error:
        raise InputError(f"{path}: what was learned cannot be written: {error.strerror or error}") from None


def read_arrays(path: str | Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of an npz file.

    Raises
    ------
    InputError
        There is no such file, or it is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except OSError as error:
        raise InputError(f"{path}: nothing learned there: {error.strerror or error}") from None
    except (ValueError, EOFError, KeyError, TypeError, AttributeError, MemoryError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        raise InputError(f"{path}: not what pca learned (a whole npz file expected)") from None
