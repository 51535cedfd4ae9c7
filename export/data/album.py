"""Faces of people, found in a folder of their pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rtkit_faces import evaluation, people
from rtkit_faces.collection import FaceCollector, pictures_in
from rtkit_faces.training import Labels

from export.data.origin import Origin
from rtkit.core.errors import InputError
from rtkit.video.stills import read_picture

#: Fewest faces of a person: so many that some are left when a part is left out.
MIN_FACES = evaluation.FOLDS


@dataclass(frozen=True, slots=True)
class Album:
    """Upright faces of people, from a folder."""

    names: tuple[str, ...]
    faces: NDArray[np.uint8]
    owners: Labels
    origin: Origin

    @classmethod
    def read(cls, folder: Path) -> Album:
        """The faces in a folder: those of each person in a folder of their own, or in files whose names begin with theirs and a dot.

        Raises
        ------
        InputError
            No such folder, or fewer than two people with enough faces.
        """
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; expected one with a folder of pictures for each person")
        digest, found = hashlib.sha256(), dict[str, FaceCollector]()
        for name, path in _named(folder):
            digest.update(path.read_bytes())
            found.setdefault(people.check_name(name), FaceCollector()).take(read_picture(path))
        kept = {name: gatherer.found.faces for name, gatherer in found.items() if len(gatherer.found.faces) >= MIN_FACES}
        if len(kept) < 2:
            raise InputError(f"{folder}: {len(kept)} people with at least {MIN_FACES} faces; expected two or more")
        faces = np.array([face for faces in kept.values() for face in faces], np.uint8)
        owners = np.repeat(np.arange(len(kept)), [len(faces) for faces in kept.values()]).astype(np.intp)
        origin = Origin(folder.name, "a folder of pictures of people", "the people's own: personal data", digest.hexdigest(), len(faces))
        return cls(tuple(kept), faces, owners, origin)


def _named(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in pictures_in(folder):
        yield (path.name.partition(".")[0] if path.parent == folder else path.relative_to(folder).parts[0]), path
