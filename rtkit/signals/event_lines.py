"""The events of a stream as JSON lines."""

from __future__ import annotations

import dataclasses
import json

from rtkit.core.items import Event, Item, Spec
from rtkit.files.sink import FileSink


class EventLines(FileSink):
    """A file in which each event is a line of JSON, written at once, so that a killed process loses none; items are not kept."""

    def open(self, spec: Spec) -> None:
        """Create the file.

        Raises
        ------
        InputError
            It cannot be written.
        """
        self.file = self.create("w", newline="", buffering=1, encoding="utf-8")

    def write(self, item: Item) -> None:
        """Forget it."""

    def event(self, event: Event) -> None:
        """Write one line. Raises InputError when the disk is full."""
        with self.writing():
            self.file.write(json.dumps(dataclasses.asdict(event)) + "\n")
