"""System identification: `arx` and `narx` on streams, and the command `rtkit identify` on records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtkit import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    import typer

    from rtkit import Register


@hookimpl
def rtkit_register_processors(register: Register) -> None:
    """The identifiers that learn sample by sample."""
    register("arx", "rtkit_sysid.arx:Arx")
    register("narx", "rtkit_sysid.narx:Narx")


@hookimpl
def rtkit_register_views(register: Callable[..., None]) -> None:
    """Measured and predicted output, coefficients, poles and zeros."""
    for name in ("arx", "narx", "model"):
        register(name, "views/identification.js", form="trace")  # single samples, whatever the rate


@hookimpl
def rtkit_register_commands(app: typer.Typer) -> None:
    """`rtkit identify`."""
    from rtkit_sysid.command import identify_command

    app.command("identify")(identify_command)


def demo(folder: str) -> list[str]:
    """Identify a shipped converter and an unstable plant; see `rtkit_sysid.demo`."""
    from rtkit_sysid.demo import run

    return run(folder)
