"""System identification: `arx` and `narx` on streams, and the command `rtkit identify` on records."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rtkit.hookspecs import hookimpl
from rtkit_sysid.arx import Arx
from rtkit_sysid.narx import Narx

if TYPE_CHECKING:
    import typer


@hookimpl
def rtkit_register_processors(register: Callable[[str, type[Any]], None]) -> None:
    """The identifiers that learn sample by sample."""
    register("arx", Arx)
    register("narx", Narx)


@hookimpl
def rtkit_register_views(register: Callable[[str, str], None]) -> None:
    """Measured and predicted output, coefficients, poles and zeros."""
    for name in ("arx", "narx", "model"):
        register(name, "views/identification.js")


@hookimpl
def rtkit_register_commands(app: typer.Typer) -> None:
    """`rtkit identify`."""
    from rtkit_sysid.command import identify_command

    app.command("identify")(identify_command)


def demo(folder: str) -> list[str]:
    """Identify a shipped converter and an unstable plant; see `rtkit_sysid.demo`."""
    from rtkit_sysid.demo import run

    return run(folder)
