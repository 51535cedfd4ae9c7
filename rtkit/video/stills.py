"""Pictures: files and folders of them as sources, numbered or single files as sinks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rtkit.core.errors import InputError, UsageError
from rtkit.core.files import make_folder
from rtkit.core.items import Frame, FrameSpec, Image, Item, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Options, Source
from rtkit.video.capture import DEFAULT_FRAME_RATE_HZ
from rtkit.video.opencv import opencv
from rtkit.video.size import fit, parse_size
from rtkit.video.suffixes import PICTURE


def read_picture(path: str | Path) -> Image:
    """A picture file as uint8 ``[h, w, 3]`` (BGR), turned as its EXIF data says.

    Raises
    ------
    InputError
        It is missing, damaged, too large, or no picture.
    """
    cv2 = opencv()
    try:
        data = np.fromfile(path, np.uint8)  # and not cv2.imread, which cannot open every name on every system
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except cv2.error as error:
        raise InputError(f"{path}: not readable as a picture: {error.err or error}") from None
    if image is None:
        raise InputError(f"{path}: not readable as a picture: expected one of {' '.join(PICTURE)}, whole")
    return np.asarray(image, np.uint8)


class Pictures(Source):
    """A picture file as a stream of one frame, or a folder of them, in the order of the numbers in their names.

    The first picture gives the size of the frames; others are fitted into it with a letterbox, undistorted, on black.

    Parameters
    ----------
    path : str
        The file or folder.
    options : Options
        `size` (that of the first picture) and `fps` (25) hold.
    """

    gives = "frames"

    def __init__(self, path: str, options: Options) -> None:
        self.name = path
        self._requested_size = parse_size(options.size)
        self._fps = options.fps or DEFAULT_FRAME_RATE_HZ
        self._fitted = 0

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> FrameSpec:
        """Find the pictures and read the first.

        Raises
        ------
        InputError
            There is none, or the first cannot be read.
        """
        path = Path(self.name)
        self._paths = [path]
        if path.is_dir():
            self._paths = sorted((one for one in path.iterdir() if one.suffix.lower() in PICTURE), key=_natural)
            self.parts = tuple(map(str, self._paths))
            if not self._paths:
                raise InputError(f"{self.name}: no picture in this folder; expected files of type {' '.join(PICTURE)}")
        self._first = read_picture(self._paths[0])
        self.length = len(self._paths)
        self._size: tuple[int, int] = self._requested_size or (self._first.shape[1], self._first.shape[0])
        return FrameSpec(*self._size, self._fps)

    def __iter__(self) -> Iterator[Frame]:
        """The pictures; raises InputError at one that cannot be read."""
        for index, path in enumerate(self._paths):
            image = read_picture(path) if index else self._first
            fitted = fit(image, *self._size)
            self._fitted += fitted is not image
            yield Frame(fitted, index, index / self._fps)

    def counts(self) -> dict[str, int]:
        """``fitted`` pictures, which had another size than the first, if there were any."""
        return {"fitted": self._fitted} if self._fitted else {}


def _natural(path: Path) -> list[Any]:
    """A key by which ``2.png`` comes before ``10.png``."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [int(part) if number % 2 else part for number, part in enumerate(parts)]


class PictureFiles(Sink):
    """Pictures to write: ``shots/%06d.png`` one a frame, by its index; ``now.jpg`` the newest frame, always whole."""

    takes = (FrameSpec,)

    def __init__(self, path: str, options: Options) -> None:
        self.name = path
        self._numbered = "%" in path
        if self._numbered and not re.fullmatch(r"[^%]*%0?\d*d[^%]*", path):
            raise UsageError(f"{path}: expected one number in the name, such as %06d")

    def open(self, spec: Spec) -> None:
        """Make the folder.

        Raises
        ------
        InputError
            It cannot be made.
        """
        make_folder(Path(self.name).parent)

    def write(self, item: Item) -> None:
        """Write one picture, whole or not at all; raises InputError if that fails."""
        assert isinstance(item, Frame)
        write_picture(self.name % item.index if self._numbered else self.name, item.image)


def write_picture(path: str, image: Image) -> None:
    """Write a picture of the type that the suffix names, whole or not at all.

    Raises
    ------
    InputError
        It cannot be written.
    """
    cv2 = opencv()
    try:
        made, data = cv2.imencode(Path(path).suffix, image)
    except cv2.error as error:
        raise InputError(f"{path}: cannot be written as this type: {error.err or error}") from None
    if not made:
        raise InputError(f"{path}: a picture of {image.shape[1]} x {image.shape[0]} cannot be written as this type")
    part = f"{path}.part"
    try:
        data.tofile(part)
        os.replace(part, path)
    except OSError as error:
        Path(part).unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
