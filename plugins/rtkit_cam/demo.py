"""The demo: the shipped clip, looked at, as a video and as a sheet of pictures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from rtkit import Event, Frame, Image, Item, Sink, Spec, Stream, make_folder
from rtkit.images import write_picture

CLIP = Path(__file__).parent / "data" / "bottles.mp4"
#: Pictures on the sheet, across and down, and the width (pixels) of each.
ACROSS, DOWN, WIDTH = 4, 3, 320


class Sheet(Sink):
    """Keeps a few small frames, evenly spread over a stream of known length, and the events.

    Parameters
    ----------
    frames : int
        Frames of the whole stream.
    """

    def __init__(self, frames: int) -> None:
        self.name = "contact sheet"
        self._step = max(1, frames // (ACROSS * DOWN))
        self._kept: list[Image] = []
        self.events: list[Event] = []

    def open(self, spec: Spec) -> None:
        """Nothing to open."""

    def write(self, item: Item) -> None:
        """Keep a frame when it is its turn."""
        import cv2

        assert isinstance(item, Frame)
        if item.index % self._step == self._step // 2 and len(self._kept) < ACROSS * DOWN:
            height = WIDTH * item.image.shape[0] // item.image.shape[1]
            self._kept.append(np.asarray(cv2.resize(item.image, (WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8))

    def event(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def picture(self) -> Image:
        """All frames kept, side by side."""
        empty = np.zeros_like(self._kept[0])
        kept = [*self._kept, *[empty] * (ACROSS * DOWN - len(self._kept))]
        rows = [np.concatenate(kept[row * ACROSS : (row + 1) * ACROSS], axis=1) for row in range(DOWN)]
        return np.concatenate(rows)


def run(folder: str) -> list[str]:
    """Look at the clip and leave ``cam.mp4`` and ``cam.png`` in `folder`; returns lines to print."""
    out = make_folder(folder)
    step, movie, sheet = "cam:box=true,smooth=0.3", out / "cam.mp4", Sheet(360)
    report = Stream(str(CLIP), [step], to=[str(movie), sheet]).run()
    write_picture(str(out / "cam.png"), sheet.picture())
    seen = Counter(event.label for event in sheet.events)
    named = ", ".join(f"{label} ({count / len(sheet.events):.0%})" for label, count in seen.most_common(4))
    return [
        f"rtkit run {CLIP} {step} --to {movie}",
        f"    {report.items} frames, {report.items / report.busy_s:.0f} a second in the network and overlay; seen: {named}",
        f"    look at {movie} and {out / 'cam.png'}",
        "Clip: Intel IoT DevKit sample videos, CC BY 4.0.",
    ]
