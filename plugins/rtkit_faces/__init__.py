"""The faces plug-in: `faces` finds faces and says whose they are, and `rtkit faces enrol` teaches it people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtkit import hookimpl

if TYPE_CHECKING:
    import typer

    from rtkit import Register


@hookimpl
def rtkit_register_processors(register: Register) -> None:
    """The recogniser."""
    register("faces", "rtkit_faces.faces:Faces")


@hookimpl
def rtkit_register_commands(app: typer.Typer) -> None:
    """`rtkit faces enrol`, `list` and `forget`."""
    from rtkit_faces.command import commands

    app.add_typer(commands, name="faces")


def demo(folder: str) -> list[str]:
    """Enrol two people from shipped pictures and recognise them in a clip made of such; see `rtkit_faces.demo`."""
    from rtkit_faces.demo import run

    return run(folder)
