"""`rtkit vae sample`: pictures that a decoder makes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtkit import UsageError, make_folder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Most pictures on a sheet.
MAX_PICTURES = 10_000

commands = typer.Typer(help="Pictures by variational autoencoders.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """Pictures by variational autoencoders."""


@commands.command("sample")
def sample_command(
    model: Annotated[str, typer.Option(help="A shipped model (2d, 16d, designed), or a folder.")] = "2d",
    count: Annotated[int | None, typer.Option(min=1, max=MAX_PICTURES, help="How many pictures: 64, or 8 with --between.")] = None,
    grid: Annotated[
        int | None, typer.Option(min=1, max=100, help="N x N pictures of the plane instead of random ones, each as likely as the next.")
    ] = None,
    between: Annotated[tuple[str, str] | None, typer.Option(help="The way from one picture of yours to another, instead.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what is random.")] = 0,
    out: Annotated[str, typer.Option(help="Picture to write.")] = "samples.png",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No report.")] = False,
) -> None:
    """Write a sheet of pictures of latents that were drawn at random, that cover the plane, or that lie between two pictures of yours."""
    told = sample(Path(out), model, count, grid, between, seed)
    if not quiet:
        print(told)


def sample(
    out: Path,
    model: str = "2d",
    count: int | None = None,
    grid: int | None = None,
    between: tuple[str, str] | None = None,
    seed: int = 0,
) -> str:
    """Write a sheet of pictures that a decoder makes; gives a line that says what it shows.

    Parameters
    ----------
    out : Path
        Picture to write, of the type of its suffix.
    model : str
        A shipped model, with or without ``vae_``, or a folder with ``decoder.onnx``.
    count : int, optional
        How many pictures: drawn at random (64 when not given), or from the one picture to the other (8).
    grid : int, optional
        So many pictures across and down, of the whole plane, each as likely as the next; for models with two values.
    between : tuple of str, optional
        Two picture files.
    seed : int
        Of what is random.

    Raises
    ------
    InputError
        No such model or picture, or a file that cannot be written.
    UsageError
        Two ways at once, or a grid of a latent with other than two values.
    """
    import numpy as np

    from rtkit.images import write_picture
    from rtkit_vae import drawing
    from rtkit_vae.network import Decoder

    if grid is not None and (count is not None or between is not None):
        raise UsageError("vae sample: --grid goes with neither --count nor --between")
    decoder = Decoder(model)
    if grid is not None:
        if decoder.size != 2:
            raise UsageError(f"vae sample: --grid needs a model with two values; {model} has {decoder.size}")
        z, across, told = drawing.manifold(grid), grid, f"{grid} x {grid} pictures of the plane"
    elif between is not None:
        one, other = _latents(model, between)
        z = drawing.between(one, other, count or 8)
        across, told = len(z), f"{len(z)} pictures from {between[0]} to {between[1]}"
    else:
        z = np.random.default_rng(seed).standard_normal((count or 64, decoder.size)).astype(np.float32)
        across, told = math.ceil(math.sqrt(len(z))), f"{len(z)} pictures at random, seed {seed}"
    made, _ = decoder(z)
    make_folder(out.parent)
    write_picture(str(out), drawing.sheet(made, across))
    return f"{out}: {told}, by {decoder.path.parent.name}"


def _latents(model: str, files: tuple[str, str]) -> list[NDArray[np.floating[Any]]]:
    """The latents of two picture files."""
    import numpy as np

    from rtkit.images import read_picture
    from rtkit_vae.network import Autoencoder
    from rtkit_vae.preprocessing import centre_square, normalise_background

    network = Autoencoder(model)
    pictures = [normalise_background(network.picture(centre_square(read_picture(file))), "auto") for file in files]
    return list(network.encode(np.array(pictures))[0])
