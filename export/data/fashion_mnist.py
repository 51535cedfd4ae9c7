"""Fashion-MNIST: pictures of clothes, 28 x 28, light on black."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.data.origin import Origin, find, sha256
from rtkit.core.errors import InputError

SIDE_PX = 28
#: Classes, by their number.
CLASSES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
#: The last so many training pictures are held out: to compare trainings by, and to calibrate with.
HELD_OUT = 5000


@dataclass(frozen=True, slots=True)
class Clothes:
    """Pictures ``[n, 28, 28, 1]`` uint8, and their classes ``[n]``."""

    pictures: NDArray[np.uint8]
    classes: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.pictures)


@dataclass(frozen=True, slots=True)
class FashionMnist:
    """The three splits and where they come from: 55,000 to train on, 5,000 held out, 10,000 to test on."""

    train: Clothes
    held_out: Clothes
    test: Clothes
    origin: Origin

    @classmethod
    def read(cls, folder: Path) -> FashionMnist:
        """Read the four files of Fashion-MNIST.

        Raises
        ------
        InputError
            A file is missing or damaged.
        """
        train, path = _split(folder, "train")
        test, _ = _split(folder, "t10k")
        cut = len(train) - HELD_OUT
        if cut < 1:
            raise InputError(f"{path}: {len(train)} pictures; expected more than {HELD_OUT}")
        source = "H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST (2017), arXiv 1708.07747; hash of the training pictures"
        origin = Origin("Fashion-MNIST", source, "MIT, copyright 2017 Zalando SE", sha256(path), len(train))
        first, last = (Clothes(train.pictures[part], train.classes[part]) for part in (slice(cut), slice(cut, None)))
        return cls(first, last, test, origin)


def _split(folder: Path, name: str) -> tuple[Clothes, Path]:
    what = "Fashion-MNIST (github.com/zalandoresearch/fashion-mnist), four files ….gz"
    paths = [find(folder, f"{name}-{kind}-ubyte.gz", what) for kind in ("images-idx3", "labels-idx1")]
    pictures, classes = (_read(path, sizes) for path, sizes in zip(paths, (3, 1), strict=True))
    if pictures.shape[1:] != (SIDE_PX, SIDE_PX):
        raise InputError(f"{paths[0]}: pictures of {pictures.shape[2]} x {pictures.shape[1]} pixels; expected {SIDE_PX} x {SIDE_PX}")
    if len(classes) != len(pictures) or classes.max(initial=0) >= len(CLASSES):
        raise InputError(f"{paths[1]}: expected a class of 0 to 9 for each of {len(pictures)} pictures")
    return Clothes(pictures[..., None], classes), paths[0]


def _read(path: Path, axes: int) -> NDArray[np.uint8]:
    """An array of bytes in Y. LeCun's IDX format."""
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: {error}; expected a gzip file in IDX format") from None
    start = 4 + 4 * axes
    sizes = np.frombuffer(data[4:start], ">u4").tolist() if len(data) >= start else []
    if data[:4] != bytes((0, 0, 8, axes)) or len(data) - start != np.prod(sizes, dtype=object):
        raise InputError(f"{path}: not bytes of {axes} axes in IDX format, or cut off")
    return np.frombuffer(data, np.uint8, offset=start).reshape(sizes)
