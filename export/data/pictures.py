"""Readers of pictures to learn from, and what goes on a card about them."""

from __future__ import annotations

import csv
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.data.origin import Origin, find, sha256
from rtkit.core.errors import InputError
from rtkit.core.items import Image

#: Classes of the shared part of Fruits-360.
FRUITS = ("Apple", "Banana", "Blueberry", "Lemon", "Orange", "Peach", "Pear", "Strawberry", "Tomato", "Watermelon")
_IMAGENET_LABELS = Path(__file__).with_name("imagenet_labels.txt")


def read_fruits360(folder: Path, split: str) -> tuple[NDArray[np.uint8], list[str], Origin]:
    """Pictures of ten fruits on white.

    Parameters
    ----------
    folder : Path
        Holds ``fruits360_subset.zip``.
    split : str
        ``train`` or ``test``; they show the same fruits, turned a little further.

    Returns
    -------
    pictures : ndarray
        ``[n, 100, 100, 3]`` BGR.
    names : list of str
        What each shows.
    origin : Origin

    Raises
    ------
    InputError
        The file is missing or damaged.
    """
    path = find(folder, "fruits360_subset.zip", "ten fruits of Fruits-360 as train/FRUIT/*.jpg and test/FRUIT/*.jpg")
    pictures, names = _read(path, split)
    source = "H. Muresan, M. Oltean: Fruit recognition from images using deep learning (2018); version 2020.05.18, ten classes"
    return np.stack(pictures), names, Origin(f"Fruits-360, {split}", source, "MIT", sha256(path), len(pictures))


@dataclass(frozen=True, slots=True)
class Fruits:
    """Pictures ``[n, 100, 100, 3]`` to find clusters in, pictures to judge them by, and the kind of fruit in each."""

    train: NDArray[np.uint8]
    kinds: list[str]
    test: NDArray[np.uint8]
    test_kinds: list[str]
    origin: Origin

    @classmethod
    def read(cls, folder: Path) -> Fruits:
        """All of Fruits-360 that is shared."""
        train, kinds, origin = read_fruits360(folder, "train")
        test, test_kinds, _ = read_fruits360(folder, "test")
        return cls(train, kinds, test, test_kinds, origin)

    def only(self, kinds: Sequence[str]) -> Fruits:
        """Those of some kinds."""
        train, test = np.isin(self.kinds, kinds), np.isin(self.test_kinds, kinds)
        own, others = (
            [kind for kind, taken in zip(*pair, strict=True) if taken] for pair in ((self.kinds, train), (self.test_kinds, test))
        )
        return Fruits(self.train[train], own, self.test[test], others, self.origin)


def read_groceries(folder: Path) -> tuple[list[Image], list[str], Origin]:
    """Photographs of fruit in shops: pictures ``[h, w, 3]`` BGR of many sizes, the kind of fruit in each, and their origin.

    Raises
    ------
    InputError
        ``grocery_fruit_photos.zip`` is missing or damaged.
    """
    path = find(folder, "grocery_fruit_photos.zip", "photographs of fruit of the Grocery Store Dataset as train/FRUIT/*.jpg")
    pictures, names = _read(path, "train")
    source = "M. Klasson, C. Zhang, H. Kjellström: A hierarchical grocery store image dataset (WACV 2019), fruit, short side 128"
    return pictures, names, Origin("Grocery Store Dataset, fruit", source, "MIT", sha256(path), len(pictures))


def read_imagenet_sample(folder: Path) -> tuple[list[Image], NDArray[np.int64], Origin]:
    """Photographs of everything, one a class of ImageNet, BGR, their classes, and their origin.

    Raises
    ------
    InputError
        ``imagenet_sample/labels.csv`` or a picture that it names is missing or damaged.
    """
    from rtkit.video.stills import read_picture

    path = find(folder, "labels.csv", "ImageNet pictures with columns file, class_index")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not all((row.get("class_index") or "").isdecimal() and row.get("file") for row in rows):
        raise InputError(f"{path}: expected a table with the columns file and class_index, a picture a row")
    pictures = [read_picture(path.parent / row["file"]) for row in rows]
    source = "github.com/EliSchwartz/imagenet-sample-images, some of the classes"
    licence = "none stated; ImageNet's pictures are for research and education, and are not shipped"
    classes = np.array([int(row["class_index"]) for row in rows])
    return pictures, classes, Origin("ImageNet, a sample", source, licence, sha256(path), len(pictures))


def imagenet_labels() -> list[str]:
    """Names of the classes of ImageNet, the first of each synset; with the number where two are called the same."""
    names = [line.partition(",")[0] for line in _IMAGENET_LABELS.read_text().splitlines()]
    counts = Counter(names)
    return [name if counts[name] == 1 else f"{name} ({number})" for number, name in enumerate(names)]


def read_animals(folder: Path) -> tuple[list[Image], Origin]:
    """Photographs of kangaroos and elephants where they live, BGR, and their origin.

    Raises
    ------
    InputError
        ``boxes/boxes.csv`` or a picture that it names is missing or damaged.
    """
    from rtkit.video.stills import read_picture

    path = find(folder, "boxes.csv", "photographs of animals with a column file")
    with path.open(newline="") as file:
        names = sorted({row.get("file") or "" for row in csv.DictReader(file)})
    if not names or not all(names):
        raise InputError(f"{path}: expected a table with the column file, a picture or several rows of one")
    found = [read_picture(path.parent / name) for name in names]
    source = "github.com/experiencor/kangaroo and VOC2007 of github.com/qiulongquan/SSD-Tensorflow, at most 400 pixels"
    return found, Origin("Kangaroos and elephants", source, "none stated; not shipped", sha256(path), len(found))


def _read(path: Path, split: str) -> tuple[list[Image], list[str]]:
    """All pictures below a folder of an archive, in the order of their names, and the folder that each is in."""
    import cv2

    pictures, names = [], []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if name.startswith(f"{split}/") and name.endswith(".jpg"):
                    picture = cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_COLOR)
                    if picture is None:
                        raise InputError(f"{path}: {name} is no picture")
                    pictures.append(np.asarray(picture, np.uint8))
                    names.append(name.split("/")[1])
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: {error}; expected an archive of pictures") from None
    if not pictures:
        raise InputError(f"{path}: no {split}/*/*.jpg in it")
    return pictures, names
