"""`rtkit cluster fit`: clusters from a folder of pictures."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtkit import InputError, UsageError, make_folder, show_progress

if TYPE_CHECKING:
    from rtkit_cluster.fit import Fit, Progress

#: What is written beside the model to look at.
SHEET, CHOICE = "typical.jpg", "choice.png"
#: Fewer pictures say nothing about clusters.
MIN_PICTURES = 10

commands = typer.Typer(help="Clusters of pictures, found without labels.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """Clusters of pictures, found without labels."""


@commands.command("fit")
def fit_command(
    folder: Annotated[str, typer.Argument(help="Pictures, in this folder or anywhere below it.")],
    k: Annotated[str, typer.Option("--k", help="How many clusters; auto: the smallest number with 95 % of the best silhouette.")] = "auto",
    out: Annotated[str, typer.Option(help="Folder to write.")] = "clusters",
    encoder: Annotated[str, typer.Option(help="Encoder: a shipped model (fruits, designed), an ONNX file, or a folder.")] = "fruits",
    grey: Annotated[bool, typer.Option("--grey", help="Make pictures grey first.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no report.")] = False,
) -> None:
    """Find clusters in a folder of pictures, and write a model for the processor `cluster`."""
    from rtkit_cluster.clusters import NAMES

    wanted = parse_k(k)
    with show_progress(not quiet) as progress:
        made = fit_folder(Path(folder), Path(out), wanted, encoder, grey, progress)
    if not quiet:
        print("\n".join(described(made, folder)))
        print(f"{out}: rtkit run camera:0 cluster:model={out} --to window; names are in {out}/{NAMES}, pictures in {out}/{SHEET}")


def parse_k(text: str) -> int | None:
    """The number that ``auto`` (None) or a number means.

    Raises
    ------
    UsageError
        It is neither.
    """
    if text == "auto":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise UsageError(f"cluster fit: --k {text} does not fit; expected auto or a number from 1 to 1000")
    return int(text)


@dataclass(frozen=True, slots=True)
class FolderFit:
    """What was found in a folder, in how many pictures, and how many could not be read."""

    fit: Fit
    pictures: list[Path]
    unreadable: int


def fit_folder(
    folder: Path,
    out: Path,
    k: int | None = None,
    encoder: str = "fruits",
    grey: bool = False,
    progress: Progress = lambda text, done: None,
) -> FolderFit:
    """Find clusters in the pictures of a folder and write them into another one.

    Parameters
    ----------
    folder : Path
        Pictures, in it or below it; an unreadable one is named on standard error and left out.
    out : Path
        Folder to write: the model, ``typical.jpg`` and ``choice.png``.
    k : int, optional
        How many clusters; chosen when not given.
    encoder : str
        A shipped model, with or without ``cluster_``, an ONNX file, or a folder with ``model.onnx``.
    grey : bool
        Whether to make pictures grey first.
    progress : callable
        Is told what is done and how far it is, 0 to 1.

    Raises
    ------
    InputError
        No such folder, too few pictures, no such encoder, or a folder that cannot be written.
    """
    import numpy as np

    from rtkit.images import PICTURE_SUFFIXES, read_picture
    from rtkit_cluster.encoder import Encoder
    from rtkit_cluster.fit import PictureSet, fit

    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected one with pictures")
    network = Encoder(encoder)
    make_folder(out)
    own = {(out / name).resolve() for name in (SHEET, CHOICE)}  # of an earlier run, where `out` is in the folder
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file())
    found = [path for path in files if path.resolve() not in own]
    paths, features = [], []
    for number, path in enumerate(found):
        progress(f"picture {number + 1} of {len(found)}", number / len(found))
        try:
            features.append(network(read_picture(path), grey))
        except InputError as error:
            print(f"{' '.join(str(error).split())}; left out", file=sys.stderr)
        else:
            paths.append(path)
    if len(paths) < max(MIN_PICTURES, k or 0):
        raise InputError(f"{folder}: {len(paths)} readable pictures; expected at least {max(MIN_PICTURES, k or 0)}")
    pictures = PictureSet(lambda number: read_picture(paths[number]), ["" if path.parent == folder else path.parent.name for path in paths])
    try:
        made = fit(np.array(features), pictures, network.sha256, grey, k, progress)
    except InputError as error:
        raise InputError(f"{folder}: {error}") from None
    write(made, out, network.path)
    return FolderFit(made, paths, len(found) - len(paths))


def write(made: Fit, out: Path, encoder: Path) -> None:
    """Write clusters beside a copy of their encoder, with the sheet of typical pictures and the plot of the choice of k."""
    from rtkit.images import write_picture
    from rtkit_cluster import sheets

    made.clusters.write(out, encoder)
    write_picture(str(out / SHEET), sheets.sheet(made.clusters, sizes(made)))
    sheets.plot(made.choice, out / CHOICE)


def sizes(made: Fit) -> list[int]:
    """Pictures of each cluster."""
    return [int((made.labels == number).sum()) for number in range(len(made.clusters.names))]


def described(made: FolderFit, folder: str) -> list[str]:
    """What was found, in lines."""
    choice = made.fit.choice
    tried = " ".join(f"{k}:{value:.3f}" for k, value in enumerate(choice.silhouettes, 1) if k > 1)
    left_out = f", {made.unreadable} unreadable" if made.unreadable else ""
    return [
        f"{folder}: {len(made.pictures)} pictures{left_out}; {choice.k} clusters",
        *(f"    {name:24} {size:6}" for name, size in zip(made.fit.clusters.names, sizes(made.fit), strict=True)),
        *([f"    silhouettes {tried}"] if tried else []),
    ]
