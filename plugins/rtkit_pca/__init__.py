"""The pca plug-in: `pca` learns the principal components of a stream, or of rows of an array, sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtkit import hookimpl

if TYPE_CHECKING:
    from rtkit import Register


@hookimpl
def rtkit_register_processors(register: Register) -> None:
    """The learner."""
    register("pca", "rtkit_pca.pca:Pca")


def demo(folder: str) -> list[str]:
    """Learn the components of shipped pictures; see `rtkit_pca.demo`."""
    from rtkit_pca.demo import run

    return run(folder)
