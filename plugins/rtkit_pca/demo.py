"""The demo: the components of shipped pictures, learned picture by picture by every rule, beside exact ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtkit import make_folder
from rtkit_pca.pca import Pca
from rtkit_pca.rules import RULES, Floats, RuleName

PICTURES = Path(__file__).parent / "data" / "clothes.npz"
COMPONENTS = 10
#: After how many passes over the pictures the rules are compared.
PASSES = (1, 2, 5, 10, 20)
#: After how many pictures the components are drawn.
MOMENTS = (15, 50, 400, 2000)


class Curve(NamedTuple):
    """How a rule gets nearer: error over that of exact components and largest angle (degrees) after `PASSES`, and time (us) a picture."""

    ratios: list[float]
    angles: list[float]
    microseconds: float


def run(folder: str) -> list[str]:
    """Learn, compare and draw into `folder`; returns lines to print."""
    out = make_folder(folder)
    with np.load(PICTURES) as file:
        pictures = file["pictures"]
    rows = pictures.reshape(len(pictures), -1).astype(np.float32) / 255
    exact = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)[2][:COMPONENTS]
    curves = {rule: follow(rule, rows, exact) for rule in RULES}
    draw_components(rows, exact, pictures.shape[1:], out / "components.png")
    draw_curves(curves, out / "rules.png")
    five = PASSES.index(5)
    return [
        f"{len(rows)} pictures of {rows.shape[1]} pixels, {COMPONENTS} components, learned one by one in random order",
        *(
            f"    {rule:<12} error {curve.ratios[0]:.4f} x exact after one pass, {curve.ratios[five]:.5f} after five, "
            f"largest angle {curve.angles[five]:.2f} degrees; {curve.microseconds:.0f} us a picture"
            for rule, curve in curves.items()
        ),
        f"    look at {out / 'components.png'} and {out / 'rules.png'}",
        "Pictures: Fashion-MNIST, Zalando SE, MIT.",
    ]


def follow(rule: RuleName, rows: NDArray[np.float32], exact: NDArray[np.float32]) -> Curve:
    """Learn rows ``[n, d]`` by a rule, and compare with the exact components ``[k, d]``."""
    pca, random = Pca(components=len(exact), rule=rule), np.random.default_rng(0)
    pca.partial(rows[:0])  # the kernel is compiled before the clock runs
    ratios, angles, seconds = [], [], 0.0
    for number in range(1, max(PASSES) + 1):
        shuffled = rows[random.permutation(len(rows))]
        begin = time.perf_counter()
        pca.partial(shuffled)
        seconds += time.perf_counter() - begin
        if number in PASSES:
            ratios.append(_error(rows, pca.components) / _error(rows, exact))
            angles.append(_angle(pca.components, exact))
    return Curve(ratios, angles, seconds / max(PASSES) / len(rows) * 1e6)


def _error(rows: NDArray[np.float32], components: NDArray[np.float32]) -> float:
    """Mean squared error of rows as orthonormal components tell them."""
    centred = (rows - rows.mean(axis=0)).astype(np.float64)
    return float(((centred - centred @ components.T @ components) ** 2).mean())


def _angle(components: NDArray[np.float32], exact: NDArray[np.float32]) -> float:
    cosines = np.linalg.svd(components.astype(np.float64) @ exact.T, compute_uv=False)
    return float(np.degrees(np.arccos(cosines.min().clip(-1, 1))))


def draw_components(rows: NDArray[np.float32], exact: NDArray[np.float32], size: tuple[int, int], path: Path) -> None:
    """Draw mean and components as pictures after `MOMENTS` pictures, the exact ones, and some pictures as the components tell them."""
    from matplotlib.figure import Figure

    pca, random, seen = Pca(components=len(exact)), np.random.default_rng(0), 0
    order = np.concatenate([random.permutation(len(rows)) for _ in range(max(MOMENTS) // len(rows))])
    sheets: list[tuple[str, Floats, Floats]] = []
    for moment in MOMENTS:
        pca.partial(rows[order[seen:moment]])
        seen = moment
        sheets.append((f"after {moment}", pca.mean, pca.components.astype(np.float64)))
    sheets.append(("exact", rows.mean(axis=0, dtype=np.float64), exact.astype(np.float64)))

    shown = rows[: len(exact) + 1]
    told = pca.inverse(pca.transform(shown))
    figure = Figure(figsize=(11, 8), layout="constrained")
    axes = figure.subplots(len(sheets) + 2, len(exact) + 1)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[], frame_on=False)
    for line, (name, mean, components) in zip(axes, sheets, strict=False):
        line[0].set_ylabel(name)
        line[0].imshow(mean.reshape(size), cmap="gray")
        for axis, component, target in zip(line[1:], components, exact, strict=True):
            turned = component * (1 if component @ target >= 0 else -1)
            limit = float(np.abs(turned).max()) or 1.0
            axis.imshow(turned.reshape(size), cmap="RdBu_r", vmin=-limit, vmax=limit)
    for line, name, pictures in ((axes[-2], "pictures", shown), (axes[-1], f"by {len(exact)} scores", told)):
        line[0].set_ylabel(name)
        for axis, picture in zip(line, pictures, strict=True):
            axis.imshow(picture.reshape(size), cmap="gray", vmin=0, vmax=1)
    axes[0, 0].set_title("mean", fontsize="small")
    for number, axis in enumerate(axes[0, 1:]):
        axis.set_title(f"pc{number + 1}", fontsize="small")
    figure.savefig(path, dpi=110)


def draw_curves(curves: dict[RuleName, Curve], path: Path) -> None:
    """Draw error and angle over passes for all rules into a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for rule, curve in curves.items():
        left.loglog(PASSES, [max(ratio - 1, 1e-7) for ratio in curve.ratios], marker="o", label=rule)
        right.loglog(PASSES, curve.angles, marker="o", label=rule)
    left.axhline(1e-3, color="gray", linestyle=":", label="1.001 x exact")
    right.axhline(1, color="gray", linestyle=":", label="1 degree")
    left.set(xlabel="passes over the pictures", ylabel="reconstruction error over exact, less 1")
    right.set(xlabel="passes over the pictures", ylabel="largest angle to the exact subspace (degrees)")
    for axis in (left, right):
        axis.set_xticks(PASSES, [str(number) for number in PASSES])
        axis.minorticks_off()
        axis.legend(fontsize="small")
    figure.savefig(path, dpi=110)
