"""A sink that keeps the events of a stream as JSON lines."""

from __future__ import annotations

from pathlib import Path

from rtkit.errors import InputError
from rtkit.events import as_line
from rtkit.items import Event, Item, Spec
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
        try:
            self._file = Path(self.name).open("w", buffering=1, encoding="utf-8")  # noqa: SIM115 - closed by close
        except OSError as error:
            raise InputError(f"{self.name}: cannot be written: {error.strerror}") from None

    def write(self, item: Item) -> None:
        """Forget it."""

    def event(self, event: Event) -> None:
        """Write one line. Raises InputError when the disk is full."""
        try:
            self._file.write(as_line(event))
        except OSError as error:
            raise InputError(f"{self.name}: cannot be written at {event.time:.3f} s: {error.strerror}") from None

    def close(self) -> None:
        """Finish the file."""
        self._file.close()
