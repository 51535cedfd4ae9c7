"""The demo: fruits, found in shipped pictures without labels, and tagged by the shipped model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rtkit import Image, apply
from rtkit.images import read_picture, write_picture
from rtkit_cluster.clusters import UNKNOWN
from rtkit_cluster.command import described, fit_folder

PICTURES = Path(__file__).parent / "data" / "fruits"
#: Pictures in a row of the contact sheet, and the side (pixels) of each.
ACROSS, SIDE = 10, 160
#: Pieces across and down into which a picture is cut to see whether what is left of it is unknown.
PIECES = 4


def run(folder: str) -> list[str]:
    """Find clusters, tag the pictures, and leave the model and the contact sheet in `folder`; returns lines to print."""
    import cv2

    out = Path(folder)
    made = fit_folder(PICTURES, out / "clusters")
    pictures = [read_picture(path) for path in made.pictures]
    fruits = np.array([cv2.resize(picture, (SIDE, SIDE)) for picture in pictures], np.uint8)
    frames = np.concatenate([fruits, [_scrambled(picture) for picture in fruits[:: len(fruits) // ACROSS]]])  # nothing that is known
    tagged, events = apply("cluster", frames, fps=1)
    write_picture(str(out / "tagged.png"), _contact_sheet(tagged))
    right = sum(event.label == path.parent.name for event, path in zip(events, made.pictures, strict=False))
    return [
        f"rtkit cluster fit {PICTURES} --out {out / 'clusters'}",
        *described(made, str(PICTURES)),
        f"    look at {out / 'clusters' / 'typical.jpg'} and {out / 'clusters' / 'choice.png'}",
        f"rtkit run … cluster: {right} of {len(pictures)} by the name of their fruit; "
        f"{sum(event.label == UNKNOWN for event in events[len(pictures) :])} of {ACROSS} cut up and scrambled are unknown",
        f"    look at {out / 'tagged.png'}",
        "Pictures: Fruits-360, H. Muresan and M. Oltean, MIT.",
    ]


def _scrambled(picture: Image) -> Image:
    """A square picture, cut into pieces, in another order."""
    pieces = [piece for row in np.split(picture, PIECES) for piece in np.split(row, PIECES, axis=1)]
    mixed = [pieces[number] for number in np.random.default_rng(0).permutation(len(pieces))]
    return np.concatenate([np.concatenate(mixed[start : start + PIECES], axis=1) for start in range(0, len(mixed), PIECES)])


def _contact_sheet(frames: Image) -> Image:
    """Frames ``[n, h, w, 3]`` in rows of `ACROSS`."""
    rows = [np.concatenate(list(frames[start : start + ACROSS]), axis=1) for start in range(0, len(frames), ACROSS)]
    return np.concatenate(rows)
