"""States of a chain in a file, so that a trained filter survives a restart."""

from __future__ import annotations

from pathlib import Path

from rtkit.core.chain import Chain
from rtkit.core.errors import InputError
from rtkit.core.files import read_arrays, write_arrays


def save_states(path: str | Path, chain: Chain) -> None:
    """Write the state of every step to an npz file, whole or not at all.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    arrays = {
        f"{index}.{name}.{key}": array
        for index, (name, step) in enumerate(zip(chain.names, chain.steps, strict=True))
        for key, array in step.state().items()
    }
    write_arrays(path, arrays)


def load_states(path: str | Path, chain: Chain) -> None:
    """Put the states in an npz file back into an open chain of the same steps.

    Raises
    ------
    InputError
        The file is missing or damaged, or holds the state of other steps.
    """
    arrays = read_arrays(path, "a state of rtkit, as --save-state writes it")
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
