"""The demo: two people are enrolled, and a clip in which they and a stranger pass is looked at. All made of one picture of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Event, Frame, FrameSpec, Image, Item, Sink, Source, Spec, Stream, make_folder
from rtkit.images import opencv, read_picture, write_picture
from rtkit_faces.collection import collect
from rtkit_faces.command import described
from rtkit_faces.enrolment import enrol
from rtkit_faces.people import PEOPLE, UNKNOWN

PICTURES = Path(__file__).parent / "data"
#: Who is enrolled, who is not, and the file of each.
ENROLLED = {"Grace Hopper": "grace_hopper.jpg", "Eileen Collins": "eileen_collins.jpg"}
STRANGER = "stranger.jpg"
#: Pictures of each that are made to enrol them.
VARIED = 24
#: The clip: size (pixels), frames a second, frames, and frames that each takes to pass.
WIDE, HIGH, FPS, FRAMES, PASSING = 640, 360, 20, 200, 110
#: Frames on the sheet, across and down.
ACROSS, DOWN = 4, 3


def run(folder: str) -> list[str]:
    """Enrol two people, look at the clip, and leave ``faces.mp4`` and ``faces.png`` in `folder`; returns lines to print."""
    out = make_folder(folder)
    people, lines = out / "people", list[str]()
    (people / PEOPLE).unlink(missing_ok=True)
    for name, file in ENROLLED.items():
        pictures = make_folder(out / "pictures" / name)
        for number, picture in enumerate(varied(read_picture(PICTURES / file))):
            write_picture(str(pictures / f"{number + 1}.jpg"), picture)
        found = collect(str(pictures))
        lines.append(f"rtkit faces enrol '{name}' '{pictures}' --people {people}")
        lines += [f"    {line}" for line in described(name, str(pictures), found, enrol(people, name, found.faces), people)]
    movie, sheet = out / "faces.mp4", Sheet()
    step = f"faces:people={people}"
    report = Stream(Passing(), [step], to=[str(movie), sheet]).run()
    write_picture(str(out / "faces.png"), sheet.picture())
    right = sum(event.label in true_names(event.time, event.data["box"]) for event in sheet.events)
    seen = Counter(event.label for event in sheet.events)
    return [
        *lines,
        f"rtkit run … {step} --to {movie}",
        f"    {report.items} frames, {report.items / report.busy_s:.0f} a second; "
        f"faces seen: {', '.join(f'{label} {count}' for label, count in seen.most_common())}; {right} of {len(sheet.events)} named right",
        f"    look at {movie} and {out / 'faces.png'}",
        "Made of one picture of each person, enrolled and shown in other poses and light: it shows how it works, not how well.",
        "Pictures: NASA (public domain), US Navy (public domain), google-coral/test_data (Apache-2.0).",
    ]


def varied(picture: Image) -> Iterator[Image]:
    """Pictures of the same face in other poses and light."""
    random = np.random.default_rng(0)
    for _ in range(VARIED):
        yield posed(picture, random.uniform(-1, 1, 3), random.uniform(-1, 1))


def posed(picture: Image, turn: NDArray[np.float64], light: float) -> Image:
    """A picture as if its face were turned (left or right, up or down, tilted; -1 to 1 each), and lit from the left or right (-1 to 1)."""
    cv2 = opencv()
    high, wide = picture.shape[:2]
    corners = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    away = np.array([[1, turn[1]], [-1, -turn[1]], [-1, turn[1]], [1, -turn[1]]]) * [0.04 * wide, 0.04 * high]
    away *= np.array([1 + turn[0], 1 - turn[0], 1 - turn[0], 1 + turn[0]])[:, None] / 2
    matrix = cv2.getPerspectiveTransform(corners, (corners + away).astype(np.float32))
    tilt = np.vstack([cv2.getRotationMatrix2D((wide / 2, high / 2), 6 * float(turn[2]), 1.0), [0, 0, 1]])
    moved = cv2.warpPerspective(picture, tilt @ matrix, (wide, high), borderMode=cv2.BORDER_REPLICATE)
    shade = np.exp(0.8 * light * np.linspace(-1, 1, wide))[:, None]
    return np.asarray(np.clip(moved * shade, 0, 255), np.uint8)


def place(number: int, frame: int) -> tuple[float, float] | None:
    """Where the middle of a person is in a frame of the clip (pixels); None while they are not in it."""
    step = frame - 45 * number
    if not 0 <= step < PASSING:
        return None
    along = step / PASSING
    x = -100 + (WIDE + 200) * (along if number % 2 == 0 else 1 - along)
    return x, 170 + 25 * np.sin(0.13 * frame + number) + 20 * (number - 1)


def true_names(time: float, box: list[int]) -> set[str]:
    """Who is where a box is: more than one while they cross."""
    names, middle, frame = [*ENROLLED, UNKNOWN], box[0] + box[2] / 2, round(time * FPS)
    there = {name: at[0] for number, name in enumerate(names) if (at := place(number, frame)) is not None}
    return {name for name, x in there.items() if abs(x - middle) < 60}


class Passing(Source):
    """The clip: people pass in front of a plain wall, turning, and lit from changing sides."""

    name = "a clip made of three pictures"
    length = FRAMES

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> FrameSpec:
        """Read the pictures."""
        files = [*ENROLLED.values(), STRANGER]
        self._pictures = [read_picture(PICTURES / file) for file in files]
        random = np.random.default_rng(1)
        wall = np.linspace(150, 90, HIGH)[:, None, None] + np.linspace(-20, 20, WIDE)[:, None] + np.array([12, 0, -12])
        self._wall = np.asarray(np.clip(wall + random.normal(0, 3, (HIGH, WIDE, 1)), 0, 255), np.uint8)
        return FrameSpec(WIDE, HIGH, float(FPS))

    def __iter__(self) -> Iterator[Frame]:
        """The frames."""
        for index in range(FRAMES):
            image = self._wall.copy()
            for number, picture in enumerate(self._pictures):
                at = place(number, index)
                if at is not None:
                    phase = 0.09 * index + 2 * number
                    turn = np.array([np.sin(phase), 0.7 * np.sin(1.3 * phase), np.sin(0.7 * phase)])
                    _paste(image, posed(picture, turn, float(np.sin(0.5 * phase))), at)
            yield Frame(image, index, index / FPS)


def _paste(image: Image, picture: Image, at: tuple[float, float]) -> None:
    """Put a picture into a larger one, in place, its middle at a point and its edges fading out."""
    high, wide = picture.shape[:2]
    left, top = round(at[0] - wide / 2), round(at[1] - high / 2)
    inside = np.s_[max(0, -top) : max(0, min(high, HIGH - top)), max(0, -left) : max(0, min(wide, WIDE - left))]
    piece = picture[inside]
    if not piece.size:
        return
    across, down = np.linspace(-1, 1, wide), np.linspace(-1, 1, high)[:, None]
    shown = np.clip(6 * (1 - np.sqrt((across / 0.95) ** 2 + (down / 0.98) ** 2)), 0, 1)[inside][..., None]
    target = image[max(0, top) : max(0, top) + piece.shape[0], max(0, left) : max(0, left) + piece.shape[1]]
    target[:] = (shown * piece + (1 - shown) * target).round().astype(np.uint8)


class Sheet(Sink):
    """Keeps some frames, evenly spread, and all events."""

    def __init__(self) -> None:
        self.name = "contact sheet"
        self._kept: list[Image] = []
        self.events: list[Event] = []

    def open(self, spec: Spec) -> None:
        """Nothing to open."""

    def write(self, item: Item) -> None:
        """Keep a frame when it is its turn."""
        assert isinstance(item, Frame)
        step = FRAMES // (ACROSS * DOWN)
        if item.index % step == step // 2 and len(self._kept) < ACROSS * DOWN:
            self._kept.append(np.asarray(opencv().resize(item.image, (WIDE // 2, HIGH // 2), interpolation=opencv().INTER_AREA), np.uint8))

    def event(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def picture(self) -> Image:
        """All frames kept, side by side."""
        return np.concatenate([np.concatenate(self._kept[row * ACROSS : (row + 1) * ACROSS], axis=1) for row in range(DOWN)])
