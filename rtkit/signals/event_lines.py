"""The events of a stream as JSON lines."""

from __future__ import annotations

import dataclasses
import json

from rtkit.core.items import Event, Item, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Options
from rtkit.signals.lines import Lines


def as_line(event: Event) -> str:
    """One event as a line of JSON: its fields by name."""
    return json.dumps(dataclasses.asdict(event)) + "\n"


class EventLines(Sink):
    """A file in which each event is a line of JSON, written at once, so that a killed process loses none; items are not kept."""

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
