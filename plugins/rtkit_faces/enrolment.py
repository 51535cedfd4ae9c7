"""Enrolling and forgetting people: their network is learned anew each time, in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtkit import Image, InputError
from rtkit.models import DenseNetwork, Tensor, write_dense
from rtkit_faces import evaluation, people, similarity
from rtkit_faces.normalising import PIXELS
from rtkit_faces.people import PEOPLE, People
from rtkit_faces.recogniser import INPUT, OUTPUT
from rtkit_faces.training import Floats, Labels, count_variations, levelled, project, train

#: With fewer faces of a person, recognition is not reliable.
RECOMMENDED_FACES = 5
#: Most faces of a person that are kept, evenly chosen.
MAX_FACES = 200
#: False-accept rate at which an enrolment is judged.
FALSE_ACCEPT_RATE = 0.01

DOES = "Tells enrolled people apart: principal components of a levelled face of 48 x 56 pixels, and layers of 200 and 50 units."
LIMITS = "Knows nobody but the enrolled; whether a face is one of them is decided by similarity. No security device. Holds personal data."


@dataclass(frozen=True, slots=True)
class Enrolment:
    """People as they are now, and what was found when their own faces were left out in turn.

    Parameters
    ----------
    people : People
        Who is enrolled.
    added : int
        New faces of the one who was enrolled.
    right : float or None
        Share of the faces that the network gives to the right person; None with too few people or faces.
    accepted : float or None
        Share of the faces that are right and above the threshold at a false-accept rate of `FALSE_ACCEPT_RATE`.
    """

    people: People
    added: int
    right: float | None
    accepted: float | None


def enrol(folder: Path, name: str, faces: Sequence[Image]) -> Enrolment:
    """Add faces of a person, and learn all people anew; until that is done, what was there before holds.

    Raises
    ------
    InputError
        A name that does not fit, no faces, damaged people, or a folder that cannot be written.
    """
    name = people.check_name(name)
    before = current(folder)
    own = list(before.of(name))
    new = [face for face in faces if not any((face == other).all() for other in own)]
    if not own and not new:
        raise InputError(f"{name}: no face to enrol")
    own = [*own, *new]
    own = [own[place] for place in np.unique(np.linspace(0, len(own) - 1, MAX_FACES).round().astype(int))]
    everybody = {person: before.of(person) for person in before.names} | {name: np.array(own, np.uint8)}
    return _learn(folder, everybody, before, len(new))


def forget(folder: Path, name: str) -> Enrolment:
    """Remove a person and all that is kept of them; the others are learned anew.

    Raises
    ------
    InputError
        Nobody of that name is enrolled, damaged people, or a folder that cannot be written.
    """
    before = people.read(folder)
    if name not in before.names:
        raise InputError(f"{folder}: nobody is called {name[:80]!r}; enrolled: {', '.join(before.names) or 'nobody'}")
    return _learn(folder, {person: before.of(person) for person in before.names if person != name}, before, 0)


def current(folder: Path) -> People:
    """The people of a folder; nobody, where there is no file of people."""
    return people.read(folder) if (folder / PEOPLE).exists() else people.nobody()


def _learn(folder: Path, everybody: dict[str, NDArray[np.uint8]], before: People, added: int) -> Enrolment:
    names = tuple(everybody)
    faces = np.concatenate([*everybody.values(), before.faces[:0]])
    owners = np.repeat(np.arange(len(names)), [len(own) for own in everybody.values()]).astype(np.intp)
    rows = levelled(faces, count_variations(len(faces)))
    impostors = similarity.impostors(rows, owners)
    right, accepted = _checked(rows, owners, impostors)

    def make(scratch: Path) -> People:
        if len(names) > 1:
            write_network(scratch, names, rows, owners, [] if right is None else [_metric(right, len(rows))])
        return People(names, faces, owners, impostors, "", "")

    return Enrolment(people.store(folder, make), added, right, accepted)


def write_network(folder: Path, names: tuple[str, ...], rows: Floats, owners: Labels, metrics: list[dict[str, object]]) -> None:
    """Learn the network of people from levelled faces ``[m, 1 + v, PIXELS]``, and write it with its card into a folder."""
    flat, repeated = rows.reshape(-1, rows.shape[-1]), np.repeat(owners, rows.shape[1])
    projection = project(flat, len(rows))
    layers = train((flat - projection.mean) @ projection.axes, repeated)
    network = DenseNetwork(
        "faces",
        DOES,
        LIMITS,
        names,
        [projection.dense(), *layers],
        Tensor(INPUT, "float32", ("batch", PIXELS), "a levelled face, row by row, of mean 0 and length 1"),
        Tensor(OUTPUT, "float32", (), "probability of the second of two people, or of each", "1", (0.0, 1.0)),
        {"command": "rtkit faces enrol", "date": date.today().isoformat(), "faces": len(rows), "variations": rows.shape[1] - 1},
        metrics,
    )
    write_dense(network, rows[:32, 0].astype(np.float32), folder)


def _checked(rows: Floats, owners: Labels, impostors: tuple[float, float]) -> tuple[float | None, float | None]:
    """What comes out when faces are left out in turn: the share that is right, and that which is accepted as well."""
    counts = np.bincount(owners) if len(owners) else np.zeros(0, int)
    if len(counts) < 2 or counts.min() < evaluation.FOLDS:
        return None, None
    labels, found = evaluation.cross_validate(rows, owners, evaluation.parts(owners))
    right = labels == owners
    return float(right.mean()), float((right & (found >= similarity.threshold(impostors, FALSE_ACCEPT_RATE))).mean())


def _metric(right: float, faces: int) -> dict[str, object]:
    split = f"the enrolled faces, left out in {evaluation.FOLDS} parts"
    return {"metric": "accuracy", "value": round(right, 4), "unit": "1", "split": split, "count": faces}
