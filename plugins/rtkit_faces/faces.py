"""`faces`: where faces are in a frame, and whose."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from rtkit import Frame, FrameSpec, ParallelFrameProcessor, Range
from rtkit.images import Scenes, to_colour
from rtkit_faces.tracks import Tracks

if TYPE_CHECKING:
    from rtkit_faces.detector import Face
    from rtkit_faces.recogniser import Finding

    Seen = list[tuple[Face, Finding]]

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Faces(ParallelFrameProcessor):
    """Finds faces by YuNet and says whose they are, by a small network on their principal components; others are ``unknown``.

    People are taught by ``rtkit faces enrol NAME FOLDER``. No security device: a photograph of a person passes for the person.

    Events of kind ``face``, one a face in each frame that is looked at: the name, or ``unknown``; how sure that is, 0.5 to 1 (with
    smooth, what has the most votes may have less); `box` [x, y, width, height] in pixels of the frame, `likeness` to the most similar
    enrolled face, `detection`, the detector's score.

    Parameters
    ----------
    people : str
        The folder of people; that of the user when not given.
    far : float
        False-accept rate: share of strangers who may be taken for somebody.
    smallest : int
        Smallest width of a face (pixels); the larger, the faster.
    smooth : float
        Time constant (s) by which the votes for a face are steadied; 0 for none.
    every : int
        Look at every so many frames; those between show the last boxes.
    draw : bool
        Whether to draw boxes and names.
    threads : int
        Threads for one call of the network.
    providers : str
        Execution providers in order of preference, cuda+openvino; RTKIT_PROVIDERS when not given.

    Raises
    ------
    InputError
        By `open`: no such people, or damaged.
    """

    live: ClassVar[tuple[str, ...]] = ("smooth", "every", "draw")

    people: str | None = None
    far: Annotated[float, Range(1e-6, 0.5)] = 0.01
    smallest: Annotated[int, Range(16, 1000)] = 40
    smooth: Annotated[float, Range(0, 60)] = 0.5
    every: Annotated[int, Range(1, 1000)] = 1
    draw: bool = True
    threads: Annotated[int, Range(1, 64)] = 1
    providers: str | None = None

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
        self._recogniser = Recogniser(enrolled, folder, self.far, self.threads, self.providers)
        self._labels = (*enrolled.names, people.UNKNOWN)
        self._tracks = Tracks()
        self._scenes = Scenes()
        self._shown: list[tuple[tuple[int, int, int, int], str, float]] = []
        self._count = 0
        return FrameSpec(spec.width, spec.height, spec.fps)

    def should_infer(self, frame: Frame) -> bool:
        """Every so many frames."""
        self._count += 1
        return (self._count - 1) % self.every == 0

    def infer(self, frame: Frame) -> Seen:
        """Find the faces, and whose they are."""
        import numpy as np

        from rtkit_faces.normalising import PIXELS, level, upright

        faces = self._detector(frame.image)
        rows = [level(upright(frame.image, face.points)) for face in faces]
        return list(zip(faces, self._recogniser(np.reshape(rows, (-1, PIXELS)).astype(np.float32)), strict=True))

    def render(self, frame: Frame, found: Any) -> Frame:
        """Steady the votes, tell of the faces, and draw them on the frame."""
        new_scene = self._scenes.is_new(frame.image)
        if new_scene:
            self._tracks.clear()
        if found is not None:
            self._shown = self._tell(frame, found)
        elif new_scene:
            self._shown = []
        image = to_colour(frame.image)
        if self.draw and self._shown:
            from rtkit_faces import drawing

            image = image.copy() if image is frame.image else image
            for box, label, score in self._shown:
                drawing.draw(image, box, f"{label} {score:.0%}", label != self._labels[-1])
        return frame.with_data(image)

    def _tell(self, frame: Frame, seen: Seen) -> list[tuple[tuple[int, int, int, int], str, float]]:
        import numpy as np

        votes = []
        for _, finding in seen:
            vote = np.zeros(len(self._labels))
            vote[-1] = 1 - finding.score
            vote[finding.person] += finding.score
            votes.append(vote)
        shown = []
        for (face, finding), vote in zip(seen, self._tracks([face.box for face, _ in seen], votes, frame.time, self.smooth), strict=True):
            best = int(np.argmax(vote))
            label, score = self._labels[best], round(float(vote[best]), 6)
            likeness, detection = round(finding.likeness, 4), round(face.score, 4)
            self.emit(frame.time, "face", label, score, box=list(face.box), likeness=likeness, detection=detection)
            shown.append((face.box, label, score))
        return shown
