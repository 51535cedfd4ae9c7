"""Faces to test with: the shipped pictures, posed and lit anew, and the databases in ../shared, where they are there."""

import os
from functools import cache
from pathlib import Path

import numpy as np
from rtkit_faces.demo import ENROLLED, PICTURES, STRANGER, posed

from rtkit.video.stills import read_picture

DATA = Path(os.environ.get("RTKIT_FACES_DATA", Path(__file__).parents[3] / "shared" / "data" / "faces"))
HOPPER, COLLINS = (PICTURES / file for file in ENROLLED.values())
STRANGE = PICTURES / STRANGER


@cache
def album(path, count=8, seed=3):
    """Pictures of one face in poses and light that the demo does not have."""
    random, picture = np.random.default_rng(seed), read_picture(path)
    return [posed(picture, random.uniform(-1, 1, 3), random.uniform(-1, 1)) for _ in range(count)]


def on_wall(*pictures, width=640, height=360):
    """Pictures side by side on a grey frame."""
    frame = np.full((height, width, 3), 120, np.uint8)
    for number, picture in enumerate(pictures):
        left = 10 + number * (width - 10) // len(pictures)
        frame[20 : 20 + picture.shape[0], left : left + picture.shape[1]] = picture
    return frame
