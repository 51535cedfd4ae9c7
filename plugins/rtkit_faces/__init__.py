"""The faces plug-in: `faces` finds faces and says whose they are, and `rtkit faces enrol` teaches it people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rtkit.hookspecs import hookimpl
from rtkit_faces.faces import Faces

if TYPE_CHECKING:
    import typer


@hookimpl
def rtkit_register_processors(register: Callable[[str, type[Any]], None]) -> None:
    """The recogniser."""
    register("faces", Faces)


@hookimpl
def rtkit_register_commands(app: typer.Typer) -> None:
    """`rtkit faces enrol`, `list` and `forget`."""
    from rtkit_faces.command import commands

    app.add_typer(commands, name="faces")


def demo(folder: str) -> list[str]:
    """Enrol two people from shipped pictures and recognise them in a clip made of such; see `rtkit_faces.demo`."""
    from rtkit_faces.demo import run

    return run(folder)
