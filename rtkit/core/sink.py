"""The contract of a sink."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from rtkit.core.errors import InputError
from rtkit.core.items import Event, FrameSpec, Item, SampleSpec, Spec


class Sink(ABC):
    """Where items and events go. Made from its name (the text after ``kind:``, or a path) and the `Options`.

    Attributes
    ----------
    name : str
        What it is called in errors and in the report.
    live : bool
        The source is live, so `write` must not wait; a stream sets it before `open`.
    takes : tuple of type
        Kinds of format that it takes. Sinks of one name and different kinds stand side by side: what comes decides.
    """

    name: str = ""
    live: bool = False
    takes: ClassVar[tuple[type[Spec], ...]] = (SampleSpec, FrameSpec)

    @abstractmethod
    def open(self, spec: Spec) -> None:
        """Open it for items of this format.

        Raises
        ------
        InputError
            It cannot hold this format, or cannot be written.
        DeviceError
            A device that is not there or does not open.
        """

    @abstractmethod
    def write(self, item: Item) -> None:
        """Take one item; keep no reference to its array.

        Raises
        ------
        InputError
            It cannot be written, as on a full disk; what was written before stays valid.
        StopStream
            Nobody wants more: the stream then ends well.
        """

    def event(self, event: Event) -> None:
        """Take one event; most sinks have no room for them."""

    def close(self) -> None:
        """Finish: everything written is then safe. Called once, also after an error."""

    def counts(self) -> dict[str, int]:
        """What went wrong, counted in samples or frames: such as ``underrun``."""
        return {}

    def delays(self) -> dict[str, float]:
        """Delays behind the last processor, in seconds, by where they arise."""
        return {}


class Alternatives(Sink):
    """Sinks of one name for different kinds of format, such as ``.png`` for a chart and for a picture: the format that comes chooses.

    Parameters
    ----------
    sinks : sequence of Sink
        No two of them take the same kind.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks
        self._chosen = sinks[0]
        self.name = sinks[0].name

    def open(self, spec: Spec) -> None:
        """Open the one that takes this format; errors as it has them.

        Raises
        ------
        InputError
            None takes it.
        """
        chosen = next((sink for sink in self._sinks if isinstance(spec, sink.takes)), None)
        if chosen is None:
            raise InputError(f"{self.name}: cannot hold {spec}")
        self._chosen, self.name, chosen.live = chosen, chosen.name, self.live
        chosen.open(spec)

    def write(self, item: Item) -> None:
        """Hand it on."""
        self._chosen.write(item)

    def event(self, event: Event) -> None:
        """Hand it on."""
        self._chosen.event(event)

    def close(self) -> None:
        """Finish."""
        self._chosen.close()

    def counts(self) -> dict[str, int]:
        """What the chosen one counted."""
        return self._chosen.counts()

    def delays(self) -> dict[str, float]:
        """Delays of the chosen one."""
        return self._chosen.delays()
