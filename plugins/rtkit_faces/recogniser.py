"""Recognition: the network that tells enrolled people apart, and the similarity of a face to theirs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import InputError
from rtkit.models import MODEL_FILE, Loader, Model, load
from rtkit_faces import similarity
from rtkit_faces.decision import decide
from rtkit_faces.normalising import PIXELS
from rtkit_faces.people import People
from rtkit_faces.training import count_variations, levelled

#: Name of the network's input and output, and what they are.
INPUT, OUTPUT = "face", "p"


@dataclass(frozen=True, slots=True)
class Match:
    """Whose a face seems to be.

    Parameters
    ----------
    person : int
        Place among the people; -1 where nobody is enrolled.
    similarity : float
        To the faces of this person, see `rtkit_faces.similarity`.
    score : float
        That it is this person and no impostor, 0 to 1; 0.5 at the threshold of the operating point.
    """

    person: int
    similarity: float
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
        Operating point, the false-accept rate: share of impostors who may be taken for somebody.
    load : callable
        Loads the network, as `rtkit.onnx.load`.

    Raises
    ------
    InputError
        The network is missing, damaged, or not that of these people.
    """

    def __init__(self, people: People, folder: Path, far: float, load: Loader = load) -> None:
        self.people = people
        self._far = far
        self._network = _load_network(people, folder, load) if people.network else None
        rows = levelled(people.faces, count_variations(len(people.faces)))
        self._examples = [similarity.patches(rows[people.owners == person].reshape(-1, PIXELS)) for person in range(len(people.names))]

    def __call__(self, rows: NDArray[np.float32]) -> list[Match]:
        """Whose the levelled faces ``[n, PIXELS]`` are. Several threads may call at once."""
        if not len(rows):
            return []
        if not self.people.names:
            return [Match(-1, 0.0, 0.0)] * len(rows)
        decided = decide(self._probabilities(rows), similarity.patches(rows), self._examples)
        return [
            Match(int(person), float(found), similarity.score(float(found), self.people.impostors, self._far))
            for person, found in zip(*decided, strict=True)
        ]

    def _probabilities(self, rows: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """Of each person ``[n, people]``, by the network; 1 where there is none, as there is only one."""
        if self._network is None:
            return np.ones((len(rows), 1))
        (found,) = self._network.run({INPUT: rows})
        return np.concatenate([1 - found, found], axis=1) if found.shape[1] == 1 else found


def _load_network(people: People, folder: Path, load: Loader) -> Model:
    path = folder / people.network / MODEL_FILE
    model = load(path)
    units = 1 if len(people.names) == 2 else len(people.names)
    sizes = [tensor.shape[1:] for tensor in (*model.inputs, *model.outputs)]
    if sizes != [(PIXELS,), (units,)] or (model.inputs[0].name, model.outputs[0].name) != (INPUT, OUTPUT):
        raise InputError(f"{path}: expected a network of {PIXELS} pixels and {len(people.names)} people, found {model!r}; enrol again")
    if model.card is None or model.card.files[MODEL_FILE].sha256 != people.sha256 or model.card.labels != people.names:
        raise InputError(f"{path}: not the network of these people; enrol again")
    return model
