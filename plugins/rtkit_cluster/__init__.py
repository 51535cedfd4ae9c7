"""The cluster plug-in: `cluster` says which group of pictures a frame belongs to, and `rtkit cluster fit` finds the groups in a folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rtkit.hookspecs import hookimpl
from rtkit_cluster.cluster import Cluster

if TYPE_CHECKING:
    import typer


@hookimpl
def rtkit_register_processors(register: Callable[[str, type[Any]], None]) -> None:
    """The tagger."""
    register("cluster", Cluster)


@hookimpl
def rtkit_register_views(register: Callable[[str, str], None]) -> None:
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
