"""Faces followed from frame to frame, so that names hold still."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]

#: Least overlap (of the union) of the boxes of one face in two frames, and how long (s) a face may be out of sight.
OVERLAP, PATIENCE = 0.3, 1.0


@dataclass(slots=True)
class Track:
    """A face that is followed: where it was last, when, and the votes for each person and, last, for a stranger."""

    box: Box
    time: float
    votes: NDArray[np.float64]


class Tracks:
    """Keeps the votes for each face; of a new face, the first vote decides."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []

    def clear(self) -> None:
        """Forget all faces: the scene has changed."""
        self._tracks = []

    def __call__(self, boxes: list[Box], votes: list[NDArray[np.float64]], time: float, seconds: float) -> list[NDArray[np.float64]]:
        """Take in the faces of a frame; gives the steadied votes of each.

        Parameters
        ----------
        boxes : list of tuple
            Where they are.
        votes : list of ndarray
            ``[people + 1]`` each, of sum 1.
        time : float
            Of the frame (s).
        seconds : float
            Time constant (s); 0 for none.
        """
        free = [track for track in self._tracks if 0 <= time - track.time <= PATIENCE]
        kept: list[Track] = []
        pairs = sorted(
            ((overlap(box, track.box), place, number) for place, box in enumerate(boxes) for number, track in enumerate(free)), reverse=True
        )
        before: dict[int, int] = {}
        for share, place, number in pairs:
            if share >= OVERLAP and place not in before and number not in before.values():
                before[place] = number
        for place, (box, vote) in enumerate(zip(boxes, votes, strict=True)):
            if place in before and seconds > 0:
                track = free[before[place]]
                weight = -math.expm1(-max(0.0, time - track.time) / seconds)
                kept.append(Track(box, time, track.votes + weight * (vote - track.votes)))
            else:
                kept.append(Track(box, time, vote.copy()))
        lost = [track for number, track in enumerate(free) if number not in before.values()]
        self._tracks = kept + lost
        return [track.votes for track in kept]


def overlap(one: Box, other: Box) -> float:
    """Share of two boxes' union that is in both."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(0, across) * max(0, down)
    return common / (one[2] * one[3] + other[2] * other[3] - common)
