"""Tracking: faces followed from frame to frame, so that names hold still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import read_state
from rtkit.images import smoothing_weight

Box = tuple[int, int, int, int]

#: Least overlap (of the union) of the boxes of one face in two frames.
MIN_OVERLAP = 0.3
#: How long a face may be out of sight.
LOST_TIMEOUT_S = 1.0


@dataclass(slots=True)
class Track:
    """A face that is followed: where it was last, when (s), and the votes for each person and, last, for an impostor."""

    box: Box
    time: float
    votes: NDArray[np.float64]


class Tracks:
    """Keeps the votes for each face, smoothed over time; of a new face, the first vote decides."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []

    def clear(self) -> None:
        """Forget all faces: the scene has changed."""
        self._tracks = []

    def __call__(
        self, boxes: list[Box], votes: list[NDArray[np.float64]], time: float, time_constant_s: float
    ) -> list[NDArray[np.float64]]:
        """Take in the faces of a frame; gives the smoothed votes of each.

        Parameters
        ----------
        boxes : list of tuple
            Where they are.
        votes : list of ndarray
            ``[people + 1]`` each, of sum 1.
        time : float
            Of the frame (s).
        time_constant_s : float
            0 for no smoothing.
        """
        free = [track for track in self._tracks if 0 <= time - track.time <= LOST_TIMEOUT_S]
        kept: list[Track] = []
        pairs = sorted(
            ((overlap(box, track.box), place, number) for place, box in enumerate(boxes) for number, track in enumerate(free)), reverse=True
        )
        before: dict[int, int] = {}
        for share, place, number in pairs:
            if share >= MIN_OVERLAP and place not in before and number not in before.values():
                before[place] = number
        for place, (box, vote) in enumerate(zip(boxes, votes, strict=True)):
            if place in before and time_constant_s > 0:
                track = free[before[place]]
                weight = smoothing_weight(time - track.time, time_constant_s)
                kept.append(Track(box, time, track.votes + weight * (vote - track.votes)))
            else:
                kept.append(Track(box, time, vote.copy()))
        lost = [track for number, track in enumerate(free) if number not in before.values()]
        self._tracks = kept + lost
        return [track.votes for track in kept]

    def state(self, voters: int) -> dict[str, NDArray[Any]]:
        """Boxes, times (s) and votes ``[n, voters]`` of the faces that are followed."""
        return {
            "boxes": np.array([track.box for track in self._tracks], np.int64).reshape(-1, 4),
            "times": np.array([track.time for track in self._tracks], np.float64),
            "votes": np.array([track.votes for track in self._tracks], np.float64).reshape(-1, voters),
        }

    def load_state(self, state: Mapping[str, NDArray[Any]], voters: int) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            An array is missing or of another shape.
        """
        count = len(state["times"]) if "times" in state else None
        arrays = read_state("faces", {"times": (count,), "boxes": (count, 4), "votes": (count, voters)}, state)
        boxes: list[Box] = [(x, y, wide, high) for x, y, wide, high in arrays["boxes"].tolist()]
        self._tracks = [Track(*track) for track in zip(boxes, arrays["times"].tolist(), list(arrays["votes"]), strict=True)]


def overlap(one: Box, other: Box) -> float:
    """Share of two boxes' union that is in both."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(0, across) * max(0, down)
    return common / (one[2] * one[3] + other[2] * other[3] - common)
