"""The demo: clothes and stranger things, looked at by the shipped networks, and pictures that these make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Image, apply
from rtkit.images import read_picture, write_line, write_picture
from rtkit_vae import drawing
from rtkit_vae.command import sample

PICTURES = Path(__file__).parent / "data" / "clothes"
#: Folders of the pictures, in the order of Fashion-MNIST's classes.
KINDS = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot")
#: Side (pixels) of a frame that is made of a picture, and frames across a sheet.
SIDE, ACROSS = 224, 6
MODELS = ("2d", "16d")


def run(folder: str) -> list[str]:
    """Look at pictures, make new ones, and leave sheets of them in `folder`; returns lines to print."""
    out = Path(folder)
    files = [path for kind in KINDS for path in sorted((PICTURES / kind).glob("*.png"))]
    clothes = np.array([read_picture(path) for path in files], np.uint8)
    first = clothes[:: len(clothes) // len(KINDS)]
    groups = {
        "as they are": first,
        "dark on light": 255 - first,
        "upside down": first[:, ::-1],
        "letters": np.array([_letter(letter) for letter in "ABEGKMRSXZ"], np.uint8),
        "noise": np.random.default_rng(0).integers(0, 256, first.shape, np.uint8),
    }
    lines = [f"rtkit vae sample --grid 20: {sample(out / 'manifold.png', grid=20)}"]
    lines += [f"rtkit vae sample --model 16d: {sample(out / 'samples.png', '16d')}"]
    way = (str(files[0]), str(files[-1]))
    lines += [f"rtkit vae sample --between …: {sample(out / 'between.png', '16d', between=way)}"]
    for model in MODELS:
        lines += [f"rtkit run … vae:model={model}"]
        rows = []
        for title, pictures in groups.items():
            frames = np.repeat(np.repeat(pictures, SIDE // pictures.shape[1], axis=1), SIDE // pictures.shape[2], axis=2)
            drawn, events = apply(f"vae:model={model}", frames, fps=1)
            rows.append(np.concatenate(list(drawn), axis=1))
            cost = -np.mean([event.data["elbo"] for event in events])
            by_excess = apply(f"vae:model={model},anomaly=excess", frames, fps=1)[1]
            usual, other = (np.median([event.score or 0 for event in found]) for found in (events, by_excess))
            lines.append(f"    {title:14} -ELBO {cost:4.0f} nats; anomaly {usual:.2f}, by excess {other:.2f} (medians of {len(events)})")
        write_picture(str(out / f"looked-at-{model}.png"), np.concatenate(rows))
        write_picture(str(out / f"made-{model}.png"), _pairs(clothes, model))
        lines.append(f"    look at {out / f'looked-at-{model}.png'} and, picture over reconstruction, {out / f'made-{model}.png'}")
    return [*lines, "Pictures: Fashion-MNIST, copyright 2017 Zalando SE, MIT."]


def _pairs(clothes: Image, model: str) -> Image:
    """Each picture ``[n, h, w, 3]`` above what a network makes of it, a kind a column."""
    from rtkit_vae.network import Autoencoder

    network = Autoencoder(model)
    seen = np.array([network.picture(picture) for picture in clothes])
    made = network(seen).made
    per = len(clothes) // len(KINDS)
    rows: list[NDArray[np.floating[Any]]] = [part[number::per] for number in range(per) for part in (seen, made)]
    return drawing.sheet(np.concatenate(rows), len(KINDS))


def _letter(letter: str) -> Image:
    """A letter, light on black, as large as the clothes."""
    image = np.zeros((28, 28, 3), np.uint8)
    write_line(image, letter, (4, 24), 0.9, (255, 255, 255), 2)
    return image
