"""The vae plug-in: `vae` says where a picture lies among known ones, and how strange it is; `rtkit vae sample` makes new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtkit import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    import typer

    from rtkit import Register


@hookimpl
def rtkit_register_processors(register: Register) -> None:
    """The processor of frames."""
    register("vae", "rtkit_vae.vae:Vae")


@hookimpl
def rtkit_register_views(register: Callable[..., None]) -> None:
    """How strange the picture is, and where it lies in the latent space."""
    register("latent", "views/latent.js")


@hookimpl
def rtkit_register_commands(app: typer.Typer) -> None:
    """`rtkit vae sample`."""
    from rtkit_vae.command import commands

    app.add_typer(commands, name="vae")


def demo(folder: str) -> list[str]:
    """Look at shipped pictures of clothes, and make new ones; see `rtkit_vae.demo`."""
    from rtkit_vae.demo import run

    return run(folder)
