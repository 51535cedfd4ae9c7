"""The pca plug-in: `pca` learns the principal components of a stream, or of rows of an array, sample by sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtkit.hookspecs import hookimpl
from rtkit_pca.pca import Pca


@hookimpl
def rtkit_register_processors(register: Callable[[str, type[Any]], None]) -> None:
    """The learner."""
    register("pca", Pca)


def demo(folder: str) -> list[str]:
    """Learn the components of shipped pictures; see `rtkit_pca.demo`."""
    from rtkit_pca.demo import run

    return run(folder)
