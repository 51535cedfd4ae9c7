"""The colorizer plug-in: `colorize` gives grey frames colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtkit.hookspecs import hookimpl
from rtkit_colorize.colorize import Colorize


@hookimpl
def rtkit_register_processors(register: Callable[[str, type[Any]], None]) -> None:
    """The colorizer."""
    register("colorize", Colorize)


def demo(folder: str) -> list[str]:
    """Give shipped pictures and a clip their colours; see `rtkit_colorize.demo`."""
    from rtkit_colorize.demo import run

    return run(folder)
