"""The cluster plug-in: `cluster` says which group of pictures a frame belongs to, and `rtkit cluster fit` finds the groups in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtkit import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    import typer

    from rtkit import Register


@hookimpl
def rtkit_register_processors(register: Register) -> None:
    """The tagger."""
    register("cluster", "rtkit_cluster.cluster:Cluster")


@hookimpl
def rtkit_register_views(register: Callable[..., None]) -> None:
    """Where the picture lies among the clusters."""
    register("cluster", "views/map.js")


@hookimpl
def rtkit_register_commands(app: typer.Typer) -> None:
    """`rtkit cluster fit`."""
    from rtkit_cluster.command import commands

    app.add_typer(commands, name="cluster")


def demo(folder: str) -> list[str]:
    """Find the fruits in shipped pictures and tag them; see `rtkit_cluster.demo`."""
    from rtkit_cluster.demo import run

    return run(folder)
