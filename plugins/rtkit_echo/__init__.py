"""Echo cancellers: `adaline` and `slpr` for telephone lines, `echo` for rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtkit import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtkit import Register


@hookimpl
def rtkit_register_processors(register: Register) -> None:
    """The cancellers."""
    register("adaline", "rtkit_echo.adaline:Adaline")
    register("slpr", "rtkit_echo.slpr:Slpr")
    register("echo", "rtkit_echo.echo:Echo")


@hookimpl
def rtkit_register_views(register: Callable[..., None]) -> None:
    """Echo return loss enhancement over time, and what else is told of the echo."""
    register("echo", "views/erle.js")


def bench(name: str) -> list[dict[str, Any]]:
    """`echo` beside the other cancellers and every peer that is installed, on shipped recordings; see `rtkit_echo.comparison`."""
    from rtkit_echo import comparison

    return list(comparison.compare(comparison.shipped())) if name == "echo" else []


def demo(folder: str) -> list[str]:
    """Cancel the echo of the shipped scenes; see `rtkit_echo.demo`."""
    from rtkit_echo.demo import run

    return run(folder)
