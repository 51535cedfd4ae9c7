"""A sink that keeps the events of a stream as JSON lines."""

from __future__ import annotations

from rtkit.events import as_line
from rtkit.items import Event, Item, Spec
from rtkit.lines import Lines
from rtkit.sink import Sink
from rtkit.source import Options


class EventLines(Sink):
    """A ``.jsonl`` file: each event is a line, written at once, so that a killed process loses none; samples are not kept."""

    def __init__(self, path: str, options: Options) -> None:
        self.name = path

    def open(self, spec: Spec) -> None:
        """Create the file.

        Raises
        ------
        InputError
            It cannot be written.
        """
        self._file = Lines(self.name)

    def write(self, item: Item) -> None:
        """Forget it."""

    def event(self, event: Event) -> None:
        """Write one line. Raises InputError when the disk is full."""
        self._file.write(as_line(event))

    def close(self) -> None:
        """Finish the file."""
        self._file.close()
