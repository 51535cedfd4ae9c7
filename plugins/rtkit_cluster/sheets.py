"""Pictures of clusters: the sheet of typical pictures, the strip below a frame, and the plot of the choice of k."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtkit import Image, InputError
from rtkit.images import write_line
from rtkit_cluster.clusters import SIDE, TYPICAL, Clusters
from rtkit_cluster.fit import SILHOUETTE_SHARE, Choice

#: Width (pixels) of the names on a sheet, and of the gap between pictures.
NAMES_WIDTH, GAP = 200, 4
BLACK = (0, 0, 0)


def sheet(clusters: Clusters, sizes: Sequence[int]) -> Image:
    """A row for each cluster: its name, how many pictures it has, and the typical ones."""
    step = SIDE + GAP
    out = np.full((len(sizes) * step + GAP, NAMES_WIDTH + TYPICAL * step, 3), 255, np.uint8)
    for row, (name, size) in enumerate(zip(clusters.names, sizes, strict=True)):
        top = row * step + GAP
        write_line(out, name, (8, top + 28), 0.55, BLACK, 1)
        write_line(out, f"{size} pictures", (8, top + 50), 0.45, (96, 96, 96), 1)
        out[top : top + SIDE, NAMES_WIDTH:] = _row(clusters.typical[row])
    return out


def _row(pictures: NDArray[np.uint8]) -> Image:
    """Pictures ``[TYPICAL, SIDE, SIDE, 3]`` side by side, white for what there is not."""
    tiles = [np.pad(picture if picture.any() else picture + 255, ((0, 0), (0, GAP), (0, 0)), constant_values=255) for picture in pictures]
    return np.concatenate(tiles, axis=1)


def strip(image: Image, pictures: NDArray[np.uint8]) -> None:
    """Lay typical pictures ``[n, SIDE, SIDE, 3]`` side by side along the lower edge of a picture, in place."""
    import cv2

    side = min(image.shape[1] // len(pictures), image.shape[0] // 3)
    if side:
        row = cv2.resize(np.concatenate(list(pictures), axis=1), (side * len(pictures), side), interpolation=cv2.INTER_AREA)
        image[-side:, : row.shape[1]] = row


def plot(choice: Choice, path: Path) -> None:
    """Draw how k was chosen: the elbow of the squared distances, and the silhouettes, over k.

    Raises
    ------
    InputError
        The picture cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    tried = np.arange(1, len(choice.inertias) + 1)
    figure = Figure(figsize=(7.2, 5.4), layout="constrained")
    elbow, silhouettes = figure.subplots(2, sharex=True)
    elbow.semilogy(tried, choice.inertias, "o-", color="#0072b2", markersize=4)
    elbow.set(ylabel="squared distances, summed")
    elbow.set_title(f"{choice.k} clusters", loc="left")
    silhouettes.plot(tried, choice.silhouettes, "o-", color="#0072b2", markersize=4)
    if len(tried) > 1:
        limit = SILHOUETTE_SHARE * float(np.nanmax(choice.silhouettes))
        silhouettes.axhline(limit, color="#009e73", linestyle="--", linewidth=1, label=f"{SILHOUETTE_SHARE:.0%} of the best")
    silhouettes.set(xlabel="k", ylabel="silhouette")
    silhouettes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (elbow, silhouettes):
        axes.axvline(choice.k, color="#d55e00", linewidth=1.2, label=f"k = {choice.k}")
        axes.grid(True, color="#d8d8d8", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    silhouettes.legend(frameon=False)
    try:
        figure.savefig(path, format="png", dpi=130)
    except OSError as error:
        raise InputError(f"{path}: the picture cannot be written: {error.strerror}") from None
