"""Where faces are in a picture: YuNet through OpenCV."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Image
from rtkit.images import opencv, to_colour
from rtkit.models import CARD_FILE, MODEL_FILE, Pool, read_card
from rtkit_faces.warping import warp

YUNET = Path(__file__).parent / "models" / "yunet" / MODEL_FILE
#: A face of the smallest size that is wanted has so many pixels across in the picture that is searched.
SEARCHED_FACE_WIDTH = 20
#: Longest side (pixels) of the picture that is searched.
MAX_SEARCHED_SIDE = 1280
#: Side (pixels) of the crop in which the landmarks of one face are found, and in how many heights of the face that is.
CROP_SIDE, CROP_FACES = 160, 1.8
#: Lowest score of a face, and the largest overlap of two.
MIN_SCORE, MAX_OVERLAP = 0.6, 0.3
#: Most faces in a picture.
MAX_FACES = 100

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a picture.

    Parameters
    ----------
    box : tuple of int
        x, y, width, height (pixels), inside the picture.
    points : ndarray
        ``[5, 2]`` (pixels): the eyes, the nose, the corners of the mouth; of each pair the one on the left of the picture first.
    score : float
        0 to 1.
    """

    box: tuple[int, int, int, int]
    points: Points
    score: float


class Detector:
    """Finds faces: in a picture made small first, then each close by, so that its landmarks do not depend on how large it was.

    W. Wu, H. Peng, S. Yu, "YuNet: a tiny millisecond-level face detector", Machine Intelligence Research 20 (2023).

    Parameters
    ----------
    smallest : int
        Smallest width of a face that is wanted (pixels).

    Raises
    ------
    InputError
        The shipped model is damaged.
    """

    def __init__(self, smallest: int) -> None:
        self.smallest = smallest
        read_card(YUNET.with_name(CARD_FILE)).check(YUNET, hashlib.sha256(YUNET.read_bytes()).hexdigest())
        self._networks = Pool(self._new)

    def _new(self) -> Any:
        return opencv().FaceDetectorYN.create(str(YUNET), "", (CROP_SIDE, CROP_SIDE), MIN_SCORE, MAX_OVERLAP, MAX_FACES)

    def __call__(self, image: Image) -> list[Face]:
        """The faces in a picture ``[h, w, 3]`` (BGR) or ``[h, w]``, the largest first. Several threads may call at once."""
        cv2 = opencv()
        image = to_colour(image)
        high, wide = image.shape[:2]
        scale = min(1.0, SEARCHED_FACE_WIDTH / self.smallest, MAX_SEARCHED_SIDE / max(high, wide))
        size = max(1, round(wide * scale)), max(1, round(high * scale))
        small = image if size == (wide, high) else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        with self._networks.borrow() as network:
            rows = _detect(network, small) * np.array([*[wide / size[0], high / size[1]] * 7, 1.0])
            faces = [_crop(network, image, row) for row in rows]
        fitting = [face for face in faces if face is not None and face.box[2] >= self.smallest]
        return sorted(fitting, key=lambda face: -face.box[2] * face.box[3])


def _crop(network: Any, image: Image, row: Points) -> Face | None:
    """The face of one row of the detector, its landmarks found anew in a square around it; None for one outside the picture."""
    centre, side = row[:2] + row[2:4] / 2, max(1.0, CROP_FACES * float(row[2:4].max()))
    move = np.array([[1, 0, -centre[0]], [0, 1, -centre[1]]]) * (CROP_SIDE / side)
    move[:, 2] += CROP_SIDE / 2
    found = _detect(network, warp(image, move, (CROP_SIDE, CROP_SIDE)))
    if len(found):
        away = np.linalg.norm(found[:, :2] + found[:, 2:4] / 2 - CROP_SIDE / 2, axis=1)
        nearest = found[int(np.argmin(away))]
        if away.min() < CROP_SIDE / 4:
            row = nearest * (side / CROP_SIDE)
            row[[0, 4, 6, 8, 10, 12]] += centre[0] - side / 2
            row[[1, 5, 7, 9, 11, 13]] += centre[1] - side / 2
            row[14] = nearest[14]
    return _face(row, image.shape[1], image.shape[0])


def _detect(network: Any, image: Image) -> Points:
    """What the network finds, ``[n, 15]``: box, five points, score."""
    network.setInputSize((image.shape[1], image.shape[0]))
    found = network.detect(image)[1]
    return np.zeros((0, 15)) if found is None else found.astype(np.float64)


def _face(row: Points, wide: int, high: int) -> Face | None:
    left, top = np.maximum(row[:2].round().astype(int), 0)
    right, bottom = np.minimum((row[:2] + row[2:4]).round().astype(int), (wide, high))
    if right <= left or bottom <= top:
        return None
    return Face((int(left), int(top), int(right - left), int(bottom - top)), row[4:14].reshape(5, 2), float(np.clip(row[14], 0, 1)))
