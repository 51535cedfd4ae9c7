"""The colorizer: how right its colours are beside a table and the grey picture, frames a second beside the designed network, flicker."""

import os
import time
from pathlib import Path

import cv2
import numpy as np
from rtkit_colorize.colorize import Colorize
from rtkit_colorize.demo import CLIP, DATA

import rtkit
from export.data.pictures import read_fruits360, read_groceries
from export.evaluation.colorize import colour_flicker, evaluate, flicker, grey_copy, grey_to_colour_table, processor_colorizer
from rtkit import Frame, FrameSpec
from rtkit.video.stills import read_picture

#: A folder with the pictures of Fruits-360 and of shops, photos and videos; without it the shipped excerpts are taken.
FOLDER = os.environ.get("RTKIT_VISION_DATA")
TURNS = 7
WIDTH, HEIGHT = 640, 480


def pictures():
    """Sets of pictures, what a table learns from for each, and whether they are on white."""
    if FOLDER is None:
        fruits, shops = ([read_picture(path) for path in sorted((DATA / kind).glob("*.jpg"))] for kind in ("fruits", "shops"))
        yield "shipped fruits", fruits, fruits, True
        yield "shipped photographs of shops", shops, shops, False
        return
    folder = Path(FOLDER)
    yield "Fruits-360, test", list(read_fruits360(folder, "test")[0]), list(read_fruits360(folder, "train")[0]), True
    photos = read_groceries(folder)[0]
    yield "shops, held out", photos[::5], [photo for number, photo in enumerate(photos) if number % 5], False
    others = [read_picture(path) for path in sorted((folder / "photos").glob("*.jpg"))]
    yield "photos of other things (the table is of these very photos)", others, others, False


def seconds(processor, frames):
    """Median time (s) of a frame."""
    times = []
    for number, frame in enumerate(frames):
        begin = time.perf_counter()
        processor.process(Frame(frame, number, number / 30))
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


def clips():
    yield CLIP
    if FOLDER is not None:
        yield from sorted((Path(FOLDER) / "video").glob("*.mp4"))


def read_clip(path, count=150):
    capture, frames = cv2.VideoCapture(str(path)), []
    while len(frames) < count and (got := capture.read())[0]:
        frames.append(got[1])
    return frames, capture.get(cv2.CAP_PROP_FPS)


def rows():
    cv2.setNumThreads(1)
    yield "what", "measure", "colorize", "designed", "table", "grey copy"
    for name, truth, known, on_white in pictures():
        ways = [
            processor_colorizer("chroma"),
            processor_colorizer("designed") if on_white else None,
            grey_to_colour_table(known),
            grey_copy,
        ]
        found = [evaluate(way, truth, "", on_white) if way else None for way in ways]
        for number, row in enumerate(found[0]):
            yield name, f"{row['metric']} {row['unit']}", *(one[number]["value"] if one else "" for one in found)
    random = np.random.default_rng(0)
    frames = [random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8) for _ in range(8)]
    chroma, designed = Colorize(), Colorize(model="designed")
    for one in (chroma, designed):
        one.open(FrameSpec(WIDTH, HEIGHT, 30.0))
    turns = [(1 / seconds(chroma, frames * 4), 1 / seconds(designed, frames[:2])) for _ in range(TURNS)]
    yield (
        f"{WIDTH} x {HEIGHT}, one thread",
        "frames/s, median (least to most)",
        *(f"{np.median(rates):.2f} ({min(rates):.2f} to {max(rates):.2f})" for rates in zip(*turns, strict=True)),
    )
    for path in clips():
        truth, fps = read_clip(path)
        for smooth in (1.0, 0.0):
            made, _ = rtkit.apply(Colorize(smooth=smooth), np.stack(truth), fps=fps)
            for name, way in (("flicker", flicker), ("flicker of a* and b* alone", colour_flicker)):
                yield path.name, f"{name} against the video's own ({way(truth):.3f}), smooth={smooth:g}", round(way(made) / way(truth), 3)
