"""States of a chain in a file, so that a trained filter survives a restart."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from rtkit.chain import Chain
from rtkit.errors import InputError


def save_states(path: str | Path, chain: Chain) -> None:
    """Write the state of every step to an npz file, whole or not at all.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    path = Path(path)
    arrays = {
        f"{index}.{name}.{key}": array
        for index, (name, step) in enumerate(zip(chain.names, chain.steps, strict=True))
        for key, array in step.state().items()
    }
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        os.replace(part, path)
    except OSError as error:
        raise InputError(f"{path}: the state cannot be written: {error.strerror}") from None


def load_states(path: str | Path, chain: Chain) -> None:
    """Put the states in an npz file back into an open chain of the same steps.

    Raises
    ------
    InputError
        The file is missing or damaged, or holds the state of other steps.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except OSError as error:
        raise InputError(f"{path}: no state there: {error.strerror or error}") from None
    except (ValueError, EOFError, zipfile.BadZipFile):
        raise InputError(f"{path}: not a state of rtkit (npz expected)") from None
    for index, (name, step) in enumerate(zip(chain.names, chain.steps, strict=True)):
        prefix = f"{index}.{name}."
        own = {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
        if not own and step.state():
            raise InputError(
                f"{path}: no state for step {name!r}; it holds {', '.join(sorted({key.rpartition('.')[0] for key in arrays}))}"
            )
        try:
            step.load_state(own)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
