"""The colorizer plug-in: `colorize` gives grey frames colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtkit import hookimpl

if TYPE_CHECKING:
    from rtkit import Register


@hookimpl
def rtkit_register_processors(register: Register) -> None:
    """The colorizer."""
    register("colorize", "rtkit_colorize.colorize:Colorize")


def demo(folder: str) -> list[str]:
    """Give shipped pictures and a clip their colours; see `rtkit_colorize.demo`."""
    from rtkit_colorize.demo import run

    return run(folder)
