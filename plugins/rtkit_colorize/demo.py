"""The demo: shipped pictures, made grey and given colours again, beside their own; and a clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rtkit import Image, Stream, apply, make_folder
from rtkit.images import PICTURE_SUFFIXES, fit, read_picture, to_colour, to_grey, write_picture

DATA = Path(__file__).parent / "data"
CLIP = DATA / "cars.mp4"
#: Side (pixels) of a picture on a sheet.
SIDE = 200
CREDIT = "Pictures: Fruits-360 and Grocery Store Dataset, MIT. Clip: Intel IoT DevKit sample videos, CC BY 4.0."


def run(folder: str) -> list[str]:
    """Leave ``fruits.png``, ``shops.png`` and ``cars.mp4`` in `folder`; returns lines to print."""
    out = make_folder(folder)
    sheets = [out / f"{kind}.png" for kind in ("fruits", "shops")]
    for path in sheets:
        pictures = [read_picture(one) for one in sorted((DATA / path.stem).iterdir()) if one.suffix in PICTURE_SUFFIXES]
        write_picture(str(path), sheet(pictures))
    movie = out / "cars.mp4"
    report = Stream(str(CLIP), ["colorize"], to=[str(movie)]).run()
    return [
        f"rtkit run {DATA / 'shops'} colorize --to {out}/%d.png",
        f"    look at {' and '.join(map(str, sheets))}: true colours, what the network sees, its colours",
        f"rtkit run {CLIP} colorize --to {movie}",
        f"    {report.items} frames, {report.items / report.busy_s:.0f} a second",
        CREDIT,
    ]


def sheet(pictures: list[Image]) -> Image:
    """Three rows: pictures as they are, grey, and in the colours that they are given, each by itself."""
    columns = []
    for picture in pictures:
        made, _ = apply("colorize", picture[None], fps=1)
        columns.append(np.concatenate([fit(one, SIDE, SIDE) for one in (picture, to_colour(to_grey(picture)), made[0])]))
    return np.concatenate(columns, axis=1)
