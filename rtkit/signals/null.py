"""A sink that keeps nothing, for measuring and for streams of which only the events matter."""

from __future__ import annotations

from rtkit.core.items import Item, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Options


class Null(Sink):
    """``null``: takes everything, keeps nothing."""

    def __init__(self, rest: str, options: Options) -> None:
        self.name = "null"

    def open(self, spec: Spec) -> None:
        """Accept any format."""

    def write(self, item: Item) -> None:
        """Forget it."""
