"""People: a folder with their faces, the network that tells them apart, and the similarity of impostors."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import InputError, make_folder, read_arrays, write_arrays
from rtkit.models import CARD_FILE, MODEL_FILE
from rtkit_faces.normalising import HIGH, WIDE

Array = NDArray[Any]

#: The file of people in their folder; what is in it counts, and nothing beside it does.
PEOPLE = "people.npz"
#: Label of somebody who is not enrolled.
UNKNOWN = "unknown"
#: Longest name (characters).
MAX_NAME = 60
#: Folders of networks begin so, and those in which one is being made; those that no file of people names are left-overs.
NETWORK, SCRATCH = "network-", "new-"


@dataclass(frozen=True, slots=True)
class People:
    """Who is enrolled.

    Parameters
    ----------
    names : tuple of str
        Of the n people.
    faces : ndarray
        uint8 ``[m, HIGH, WIDE]``: upright faces.
    owners : ndarray
        ``[m]``: whose they are; every one of the n has some.
    impostors : tuple of float
        Mean and deviation of the similarity of impostors, see `rtkit_faces.similarity`.
    network : str
        The folder of the network, beside the file of people: a name, or ``.``; empty where there are not two people to be told apart.
    sha256 : str
        Hash of the network's ONNX file; empty where there is none.
    """

    names: tuple[str, ...]
    faces: NDArray[np.uint8]
    owners: NDArray[np.intp]
    impostors: tuple[float, float]
    network: str
    sha256: str

    def of(self, name: str) -> NDArray[np.uint8]:
        """The faces of a person; none of one who is not enrolled."""
        return self.faces[self.owners == self.names.index(name)] if name in self.names else self.faces[:0]


def nobody() -> People:
    """People with nobody in them."""
    return People((), np.zeros((0, HIGH, WIDE), np.uint8), np.zeros(0, np.intp), (0.0, 1.0), "", "")


def check_name(name: str) -> str:
    """The name as it is kept, blanks at the ends taken off.

    Raises
    ------
    InputError
        It is empty, too long, not printable in a line, or ``unknown``.
    """
    plain = name.strip()
    if not plain or len(plain) > MAX_NAME or not plain.isprintable() or plain.casefold() == UNKNOWN:
        raise InputError(f"name {name[:80]!r} does not fit; expected up to {MAX_NAME} printable characters, and not {UNKNOWN!r}")
    return plain


def read(folder: Path) -> People:
    """The people of a folder.

    Raises
    ------
    InputError
        There are none, or the file is damaged.
    """
    path = folder / PEOPLE
    arrays = read_arrays(path, f"people, as `rtkit faces enrol NAME FOLDER --people {folder}` writes them")
    _check(path, arrays)
    mean, deviation = arrays["strangers"].tolist()
    return People(
        tuple(arrays["names"].tolist()),
        arrays["faces"],
        arrays["owners"].astype(np.intp),
        (mean, deviation),
        str(arrays["network"]),
        str(arrays["sha256"]),
    )


def _check(path: Path, arrays: dict[str, Array]) -> None:
    """Every array must be there, of its type and shape, and make sense."""
    layout: dict[str, tuple[str, tuple[int | None, ...]]] = {
        "names": ("U", (None,)),
        "faces": ("u", (None, HIGH, WIDE)),
        "owners": ("i", (None,)),
        "strangers": ("f", (2,)),
        "network": ("U", ()),
        "sha256": ("U", ()),
    }
    for name, (kind, shape) in layout.items():
        if name not in arrays:
            raise InputError(f"{path}: has no {name}; expected people as `rtkit faces enrol` writes them")
        array = arrays[name]
        fits = array.ndim == len(shape) and all(size in (None, found) for size, found in zip(shape, array.shape, strict=True))
        if array.dtype.kind != kind or not fits or (kind == "u" and array.dtype != np.uint8):
            raise InputError(f"{path}: {name} is {array.dtype} {list(array.shape)}; expected {kind} of shape {list(shape)}")
    names, owners = arrays["names"].tolist(), arrays["owners"]
    try:
        sound = all(check_name(name) == name for name in names) and len(set(names)) == len(names)
    except InputError:
        sound = False
    if not sound or len(owners) != len(arrays["faces"]) or set(owners.tolist()) != set(range(len(names))):
        raise InputError(f"{path}: names, faces and owners do not fit together; enrol again")
    mean, deviation = arrays["strangers"].tolist()
    if not (np.isfinite(mean) and np.isfinite(deviation) and deviation > 0):
        raise InputError(f"{path}: strangers is {mean}, {deviation}; expected a finite mean and a deviation above 0")
    network = str(arrays["network"])
    if network not in ("", ".") and (Path(network).name != network or not network.startswith(NETWORK)):
        raise InputError(f"{path}: network is {network[:80]!r}; expected a folder beside it that begins with {NETWORK}")
    if bool(network) != (len(names) > 1):
        raise InputError(f"{path}: {len(names)} people and {'a' if network else 'no'} network; enrol again")


def write(people: People, folder: Path) -> None:
    """Write the file of people, whole or not at all.

    Raises
    ------
    InputError
        It cannot be written.
    """
    arrays = {
        "names": np.array(people.names, np.str_),
        "faces": people.faces,
        "owners": people.owners.astype(np.int32),
        "strangers": np.array(people.impostors, np.float64),
        "network": np.array(people.network),
        "sha256": np.array(people.sha256),
    }
    path = folder / PEOPLE
    make_folder(folder)
    write_arrays(path, arrays, compressed=True)


def _stamp(folder: Path) -> tuple[int, int] | None:
    """What tells one file of people from another one; None where there is none."""
    path = folder / PEOPLE
    return (path.stat().st_mtime_ns, path.stat().st_ino) if path.exists() else None


def store(folder: Path, make: Callable[[Path], People]) -> People:
    """Replace the people of a folder by those that `make` gives, all at once: until then, the former ones hold.

    Parameters
    ----------
    folder : Path
        Of the people.
    make : callable
        Is given an empty folder, puts the network there, and gives the people; where the network is, is filled in here.

    Raises
    ------
    InputError
        The folder cannot be written, or somebody else has written there in the meantime.
    """
    make_folder(folder)
    before = _stamp(folder)
    try:
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=folder) as name:
            made = make(Path(name))
            network, digest = "", ""
            if (Path(name) / MODEL_FILE).is_file():
                digest = hashlib.sha256((Path(name) / MODEL_FILE).read_bytes()).hexdigest()
                network = f"{NETWORK}{digest[:12]}"
                shutil.copytree(name, folder / network, dirs_exist_ok=True)
            if _stamp(folder) != before:
                raise InputError(f"{folder / PEOPLE}: changed by another enrolment in the meantime; enrol again")
            made = People(made.names, made.faces, made.owners, made.impostors, network, digest)
            write(made, folder)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror or error}") from None
    for other in (*folder.glob(f"{NETWORK}*"), *folder.glob(f"{SCRATCH}*")):
        if other.name != made.network:
            shutil.rmtree(other, ignore_errors=True)
    for name in (MODEL_FILE, CARD_FILE):  # of people who were exported here: who is forgotten must not stay in it
        (folder / name).unlink(missing_ok=True)
    return made
