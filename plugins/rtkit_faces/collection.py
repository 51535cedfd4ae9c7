"""Collection of faces to enrol, from a folder of pictures, a video or a camera; what is rejected, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rtkit import Frame, FrameSpec, Image, InputError, Options, UsageError, make_source
from rtkit.images import MAX_SIDE_PX, PICTURE_SUFFIXES, fit, read_picture
from rtkit_faces.detector import Detector, Face
from rtkit_faces.normalising import sharpness, upright, whole

#: Types of pictures that are read; a GIF needs OpenCV 4.11.
PICTURES = (*PICTURE_SUFFIXES, ".gif")
#: Smallest width (pixels) of a face that is enrolled, and how sharp it must be.
MIN_FACE_WIDTH, MIN_SHARPNESS = 32, 0.2
#: A second face in a picture counts if its area is more than this share of the largest one's.
SECOND_FACE_AREA = 0.25
#: Time between two faces from a video or a camera.
INTERVAL_S = 0.25
#: Faces that are wanted of a video or a camera, and how long a camera may take.
WANTED_FACES, CAMERA_TIMEOUT_S = 40, 40.0

#: Is called with what is done and the progress, 0 to 1.
Progress = Callable[[str, float], None]


@dataclass(slots=True)
class Collection:
    """Faces that were found.

    Parameters
    ----------
    faces : list of ndarray
        Upright faces.
    seen : int
        Pictures that were looked at.
    refused : Counter
        Why pictures were not used, and how many each.
    notes : list of str
        A line for each file that could not be read.
    """

    faces: list[Image] = field(default_factory=list)
    seen: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


class FaceCollector:
    """Takes pictures, keeps the faces that are good enough, and counts the others.

    Parameters
    ----------
    cropped : bool
        Whether each picture is a face already, filled by it from brow to chin.
    every : bool
        Whether a picture that is the same as another one, or blurred, is kept as well: for measurements.
    """

    def __init__(self, cropped: bool = False, every: bool = False) -> None:
        self._every = every
        self._detector = None if cropped else Detector(MIN_FACE_WIDTH // 2)
        self.found = Collection()

    def take(self, image: Image) -> bool:
        """Look at one picture; says whether its face was kept."""
        self.found.seen += 1
        longest = max(image.shape[:2])
        if longest > MAX_SIDE_PX:  # OpenCV does not warp what is larger
            image = fit(image, *(max(1, side * MAX_SIDE_PX // longest) for side in image.shape[1::-1]))
        if self._detector is None:
            face = whole(image)
        else:
            faces = self._detector(image)
            reason = refusal(faces)
            if reason:
                self.found.refused[reason] += 1
                return False
            face = upright(image, faces[0].points)
        reason = "" if self._every else self._unfit(face)
        if reason:
            self.found.refused[reason] += 1
            return False
        self.found.faces.append(face)
        return True

    def _unfit(self, face: Image) -> str:
        """Why an upright face is not kept; empty if it is."""
        if self._detector is not None and sharpness(face) < MIN_SHARPNESS:
            return "blurred"
        return "the same again" if any((face == other).all() for other in self.found.faces) else ""


def refusal(faces: list[Face]) -> str:
    """Why a picture with these faces, the largest first, is not used; empty if it is."""
    areas = [face.box[2] * face.box[3] for face in faces]
    if not faces:
        return "no face"
    if len(faces) > 1 and areas[1] > SECOND_FACE_AREA * areas[0]:
        return "several faces"
    return "too small" if faces[0].box[2] < MIN_FACE_WIDTH else ""


def collect(source: str, cropped: bool = False, progress: Progress = lambda text, done: None) -> Collection:
    """Collect the faces of one person.

    Parameters
    ----------
    source : str
        A folder with pictures in it or below it, a picture, a video, or a camera.
    cropped : bool
        Whether each picture is a face already.
    progress : callable
        Is told how far it is.

    Raises
    ------
    InputError
        There is no such folder or file, or no picture in it.
    DeviceError
        There is no such camera, or it went away.
    UsageError
        It gives no pictures.
    """
    path = Path(source)
    if path.is_dir():
        return _of_files(pictures_in(path), cropped, progress)
    if path.suffix.lower() in PICTURES and path.is_file():
        return _of_files([path], cropped, progress)
    return _of_stream(source, cropped, progress)


def pictures_in(folder: Path) -> list[Path]:
    """The pictures in a folder or anywhere below it, in order.

    Raises
    ------
    InputError
        There is none.
    """
    try:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES and path.is_file())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}") from None
    if not paths:
        raise InputError(f"{folder}: no picture in this folder; expected files of type {' '.join(PICTURES)}")
    return paths


def _of_files(paths: list[Path], cropped: bool, progress: Progress) -> Collection:
    collector = FaceCollector(cropped)
    for number, path in enumerate(paths):
        progress(f"picture {number + 1} of {len(paths)}", number / len(paths))
        try:
            collector.take(read_picture(path))
        except InputError as error:
            collector.found.refused["unreadable"] += 1
            collector.found.notes.append(" ".join(str(error).split()))
    return collector.found


def _of_stream(name: str, cropped: bool, progress: Progress) -> Collection:
    source = make_source(name, Options())
    collector = FaceCollector(cropped)
    try:
        spec = source.open()
        if not isinstance(spec, FrameSpec):
            raise UsageError(f"{name}: gives {spec}; expected pictures")
        for frame in _spaced(source, source.live):
            collector.take(frame.image)
            kept = len(collector.found.faces)
            progress(f"{kept} of {WANTED_FACES} faces", kept / WANTED_FACES)
            if kept >= WANTED_FACES:
                break
    finally:
        source.stop()
        source.close()
    return collector.found


def _spaced(frames: Iterable[object], live: bool) -> Iterable[Frame]:
    """Frames that are some time apart, so that they differ; of a live source, only for some time."""
    due = 0.0
    for frame in frames:
        assert isinstance(frame, Frame)
        if live and frame.time > CAMERA_TIMEOUT_S:
            return
        if frame.time >= due:
            due = frame.time + INTERVAL_S
            yield frame
