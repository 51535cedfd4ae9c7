"""Pictures of latents: where classes lie, what the plane looks like, and how a training went."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rtkit_vae import drawing
from rtkit_vae.elbo import Floats
from rtkit_vae.network import Decoder
from rtkit_vae.reference import MAP_EXTENT

from export.data.fashion_mnist import CLASSES
from rtkit.core.items import Image

#: Ten colours that people with any colour vision tell apart (M. A. Petroff: Accessible color sequences for data visualization, 2021).
COLOURS = ("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd")
MARKERS = "osD^v<>PX*"
#: Side of the map (pixels), and pictures across the sheet of the manifold.
MAP_SIDE_PX, PICTURES_ACROSS = 256, 14


def latent_map(latents: Floats, classes: NDArray[Any]) -> Image:
    """The map of latents ``[n, 2]`` that the processor lays on frames, coloured by class."""
    import cv2

    out = np.full((MAP_SIDE_PX, MAP_SIDE_PX, 3), 24, np.uint8)
    inks = [tuple(int(colour[at : at + 2], 16) for at in (5, 3, 1)) for colour in COLOURS]
    for (x, y), number in zip(drawing.on_map(latents, MAP_SIDE_PX).round().astype(int).tolist(), classes.tolist(), strict=True):
        cv2.circle(out, (x, y), 1, inks[number], -1)
    return out


def plot_latents(latents: Floats, classes: NDArray[Any], path: Path) -> None:
    """Plot latents ``[n, d]`` by class; of more than two values, along their two principal axes."""
    from matplotlib.figure import Figure

    names = ("z1", "z2")
    if latents.shape[1] > 2:
        centred = latents - latents.mean(axis=0)
        latents = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
        names = ("first principal axis of z", "second principal axis of z")
    figure = Figure(figsize=(8.2, 6.4), layout="constrained")
    axes = figure.subplots()
    for number, name in enumerate(CLASSES):
        x, y = latents[classes == number].T
        axes.plot(x, y, MARKERS[number], color=COLOURS[number], markersize=2.6, markeredgewidth=0, alpha=0.75, label=name)
    axes.set(xlabel=names[0], ylabel=names[1], xlim=(-MAP_EXTENT, MAP_EXTENT), ylim=(-MAP_EXTENT, MAP_EXTENT), aspect="equal")
    axes.grid(True, color="#d8d8d8", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, markerscale=2.6, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(path, format="png", dpi=100)


def manifold_sheet(decoder: Decoder) -> Image:
    """The plane in pictures, each as likely as the next."""
    pictures, _ = decoder(drawing.manifold(PICTURES_ACROSS))
    return drawing.sheet(pictures, PICTURES_ACROSS)


def plot_losses(losses: Sequence[Sequence[float]], path: Path) -> None:
    """Plot the negative bound of each epoch, in training and on the held-out pictures."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    table = np.array(losses, np.float64)
    epochs = np.arange(1, len(table) + 1)
    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes = figure.subplots()
    for column, name, colour in ((0, "training (mean over the epoch)", "#0072b2"), (1, "held out", "#d55e00")):
        axes.plot(epochs, table[:, column], "o-", color=colour, markersize=3, linewidth=1.4, label=name)
    middle = float(np.median(table))
    axes.set(xlabel="epoch", ylabel="-ELBO (nats)", ylim=(table.min() - 1, middle + 4 * (middle - table.min()) + 2))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(True, color="#d8d8d8", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, format="png", dpi=110)
