"""The built-in observer of a stream: its events as JSON lines."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

from rtkit.hookspecs import hookimpl
from rtkit.items import Event
from rtkit.lines import Lines

if TYPE_CHECKING:
    from rtkit.report import Report
    from rtkit.stream import Stream


def as_line(event: Event) -> str:
    """One event as a line of JSON: its fields by name."""
    return json.dumps(dataclasses.asdict(event)) + "\n"


class EventLog:
    """Writes each event of one stream as a line of JSON, at once, so that a killed process loses none.

    Register it with ``rtkit.plugins.host().manager.register(EventLog(path, stream))`` before the stream runs.

    Raises
    ------
    InputError
        The file cannot be written.
    """

    def __init__(self, path: str | Path, stream: Stream) -> None:
        self._stream = stream
        self._file = Lines(path)

    @hookimpl
    def rtkit_event(self, stream: Stream, event: Event) -> None:
        """Write one line."""
        if stream is self._stream:
            self._file.write(as_line(event))

    @hookimpl
    def rtkit_stream_stopped(self, stream: Stream, report: Report) -> None:
        """Close the file."""
        if stream is self._stream:
            self._file.close()
