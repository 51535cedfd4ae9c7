"""`faces`: where faces are in a frame, and whose."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from rtkit import Frame, FrameSpec, Range, read_state
from rtkit.images import SceneCutDetector, colour_copy, to_colour
from rtkit.models import OnnxFrameProcessor
from rtkit_faces.tracks import Box, Tracks

if TYPE_CHECKING:
    from rtkit_faces.detector import Face
    from rtkit_faces.recogniser import Match

    Matches = list[tuple[Face, Match]]

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Faces(OnnxFrameProcessor):
    """Finds faces by YuNet and says whose they are, by a small network on their principal components; others are ``unknown``.

    People are taught by ``rtkit faces enrol NAME FOLDER``. No security device: a photograph of a person passes for the person.

    Events of kind ``face``, one a face in each frame on which the networks ran: the name, or ``unknown``; how sure that is, 0.5 to 1 (with
    smooth, what has the most votes may have less); `box` [x, y, width, height] in pixels of the frame, `likeness`, the similarity to the
    person it was taken for, `detection`, the detector's score.

    Parameters
    ----------
    people : str
        The folder of people; that of the user when not given.
    far : float
        Operating point, the false-accept rate: share of impostors who may be taken for somebody.
    smallest : int
        Smallest width of a face (pixels); the larger, the faster.
    smooth : float
        Time constant (s) of the temporal smoothing of the votes for a face; 0 for none.
    frame_interval : int
        Run the networks on every so many frames; those between show the last boxes.
    draw : bool
        Whether to draw boxes and names.

    Raises
    ------
    InputError
        By `open`: no such people, or damaged.
    """

    live: ClassVar[tuple[str, ...]] = ("smooth", "frame_interval", "draw")
    renamed: ClassVar[dict[str, str]] = {"every": "frame_interval"}
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"smooth": 0.0, "frame_interval": 2, "draw": False})

    people: str | None = None
    far: Annotated[float, Range(1e-6, 0.5)] = 0.01
    smallest: Annotated[int, Range(16, 1000)] = 40
    smooth: Annotated[float, Range(0, 60)] = 0.5
    frame_interval: Annotated[int, Range(1, 1000)] = 1
    draw: bool = True

    def open(self, spec: FrameSpec) -> FrameSpec:
        """Load the detector, the people and their network."""
        from rtkit_faces import folders, people
        from rtkit_faces.detector import Detector
        from rtkit_faces.recogniser import Recogniser

        super().open(spec)
        folder = folders.chosen(self.people)
        if self.people is None and not (folder / people.PEOPLE).exists():
            log.warning("faces: nobody is enrolled (rtkit faces enrol NAME FOLDER), so that all faces are %s", people.UNKNOWN)
            enrolled = people.nobody()
        else:
            enrolled = people.read(folder)
        self._detector = Detector(self.smallest)
        self._recogniser = Recogniser(enrolled, folder, self.far, self.load_model)
        self._labels = (*enrolled.names, people.UNKNOWN)
        self._tracks = Tracks()
        self._scenes = SceneCutDetector()
        self._shown: list[tuple[Box, str, float]] = []
        self._count = 0
        self._seen: Counter[str] = Counter()  # frames by name
        self._unknown = 0  # faces
        return FrameSpec(spec.width, spec.height, spec.fps)

    def should_infer(self, frame: Frame) -> bool:
        """Whether it is this frame's turn."""
        self._count += 1
        return (self._count - 1) % self.frame_interval == 0

    def infer(self, frame: Frame) -> Matches:
        """Find the faces, and whose they are."""
        from rtkit_faces.normalising import PIXELS, level, upright

        faces = self._detector(frame.image)
        rows = [level(upright(frame.image, face.points)) for face in faces]
        return list(zip(faces, self._recogniser(np.reshape(rows, (-1, PIXELS)).astype(np.float32)), strict=True))

    def render(self, frame: Frame, found: Any) -> Frame:
        """Smooth the votes, emit an event a face, and draw the faces on the frame."""
        new_scene = self._scenes.is_new(frame.image)
        if new_scene:
            self._tracks.clear()
        if found is not None:
            self._shown = self._identify(frame, found)
        elif new_scene:
            self._shown = []
        if not (self.draw and self._shown):
            return frame.with_data(to_colour(frame.image))
        from rtkit_faces import drawing

        image = colour_copy(frame.image)
        for box, label, score in self._shown:
            drawing.draw(image, box, f"{label} {score:.0%}", label != self._labels[-1])
        return frame.with_data(image)

    def _identify(self, frame: Frame, matches: Matches) -> list[tuple[Box, str, float]]:
        votes = []
        for _, match in matches:
            vote = np.zeros(len(self._labels))
            vote[-1] = 1 - match.score
            vote[match.person] += match.score
            votes.append(vote)
        shown = []
        for (face, match), vote in zip(
            matches, self._tracks([face.box for face, _ in matches], votes, frame.time, self.smooth), strict=True
        ):
            best = int(np.argmax(vote))
            label, score = self._labels[best], round(float(vote[best]), 6)
            likeness, detection = round(match.similarity, 4), round(face.score, 4)
            self.emit(frame.time, "face", label, score, box=list(face.box), likeness=likeness, detection=detection)
            shown.append((face.box, label, score))
        labels = [label for _, label, _ in shown]
        self._unknown += labels.count(self._labels[-1])
        self._seen.update(set(labels) - {self._labels[-1]})
        return shown

    def state(self) -> dict[str, Any]:
        """Frames so far, the scene, the faces that are followed with their votes, and those that are shown."""
        shown = {
            "count": np.array(self._count),
            "shown_boxes": np.array([box for box, _, _ in self._shown], np.int64).reshape(-1, 4),
            "shown_labels": np.array([label for _, label, _ in self._shown], np.str_),
            "shown_scores": np.array([score for _, _, score in self._shown], np.float64),
        }
        return shown | {name: array.copy() for name, array in (self._scenes.state() | self._tracks.state(len(self._labels))).items()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            An array is missing or of another shape: the state is of other people.
        """
        count = len(state["shown_labels"]) if "shown_labels" in state else None
        layout = {"count": (), "shown_labels": (count,), "shown_boxes": (count, 4), "shown_scores": (count,)}
        arrays = read_state("faces", layout, state)
        tracks, scenes = Tracks(), SceneCutDetector()
        tracks.load_state(state, len(self._labels))
        scenes.load_state(state)
        self._tracks, self._scenes = tracks, scenes
        boxes: list[Box] = [(x, y, wide, high) for x, y, wide, high in arrays["shown_boxes"].tolist()]
        self._shown = list(zip(boxes, arrays["shown_labels"].tolist(), arrays["shown_scores"].tolist(), strict=True))
        self._count = int(arrays["count"])

    def summary(self) -> dict[str, Any]:
        """`people`, frames by the name of who was seen in them; `unknown`, how often an unknown face was seen."""
        if not self._count:
            return {}
        found: dict[str, Any] = {"people": dict(self._seen.most_common()), "unknown": self._unknown}
        if len(self._labels) == 1:
            found["warnings"] = ["Nobody is enrolled, so every face is unknown: rtkit faces enrol NAME FOLDER."]
        elif self._unknown and not self._seen:
            found["warnings"] = ["Every face is unknown: none is of a person who is enrolled."]
        elif not self._seen:
            found["warnings"] = [f"No face of at least {self.smallest} pixels was found."]
        return found
