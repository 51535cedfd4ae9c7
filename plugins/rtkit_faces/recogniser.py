"""Whose face it is: the network that tells enrolled people apart, and how alike the face is to theirs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import InputError
from rtkit.models import MODEL, Model, load
from rtkit_faces import likeness
from rtkit_faces.deciding import decide
from rtkit_faces.normalising import PIXELS
from rtkit_faces.people import People
from rtkit_faces.training import count_variations, levelled

#: Name of the network's input and output, and what they are.
INPUT, OUTPUT = "face", "p"


@dataclass(frozen=True, slots=True)
class Finding:
    """Whose a face seems to be.

    Parameters
    ----------
    person : int
        Place among the people; -1 where nobody is enrolled.
    likeness : float
        To the faces of this person, see `rtkit_faces.likeness`.
    score : float
        That it is this person and no stranger, 0 to 1; 0.5 at the limit of false accepts.
    """

    person: int
    likeness: float
    score: float


class Recogniser:
    """Recognises the people of a folder.

    Parameters
    ----------
    people : People
        As `rtkit_faces.people.read` gives them.
    folder : Path
        Where they come from.
    far : float
        Share of strangers who may be taken for somebody.
    threads : int
        Threads for one call of the network.
    providers : str, optional
        Execution providers, as in `rtkit.models.load`.

    Raises
    ------
    InputError
        The network is missing, damaged, or not that of these people.
    """

    def __init__(self, people: People, folder: Path, far: float, threads: int = 1, providers: str | None = None) -> None:
        self.people = people
        self._far = far
        self._network = _load(people, folder, threads, providers) if people.network else None
        rows = levelled(people.faces, count_variations(len(people.faces)))
        self._examples = [likeness.quarters(rows[people.owners == person].reshape(-1, PIXELS)) for person in range(len(people.names))]

    def __call__(self, rows: NDArray[np.float32]) -> list[Finding]:
        """Whose the levelled faces ``[n, PIXELS]`` are. Several threads may call at once."""
        if not len(rows):
            return []
        if not self.people.names:
            return [Finding(-1, 0.0, 0.0)] * len(rows)
        found = decide(self._chances(rows), likeness.quarters(rows), self._examples)
        return [
            Finding(int(person), float(alike), likeness.score(float(alike), self.people.strangers, self._far))
            for person, alike in zip(*found, strict=True)
        ]

    def _chances(self, rows: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """Of each person ``[n, people]``, by the network; 1 where there is none, as there is only one."""
        if self._network is None:
            return np.ones((len(rows), 1))
        (found,) = self._network.run({INPUT: rows})
        return np.concatenate([1 - found, found], axis=1) if found.shape[1] == 1 else found


def _load(people: People, folder: Path, threads: int, providers: str | None) -> Model:
    path = folder / people.network / MODEL
    model = load(path, threads, providers)
    units = 1 if len(people.names) == 2 else len(people.names)
    sizes = [tensor.shape[1:] for tensor in (*model.inputs, *model.outputs)]
    if sizes != [(PIXELS,), (units,)] or (model.inputs[0].name, model.outputs[0].name) != (INPUT, OUTPUT):
        raise InputError(f"{path}: expected a network of {PIXELS} pixels and {len(people.names)} people, found {model!r}; enrol again")
    if model.card is None or model.card.files[MODEL].sha256 != people.sha256 or model.card.labels != people.names:
        raise InputError(f"{path}: not the network of these people; enrol again")
    return model
