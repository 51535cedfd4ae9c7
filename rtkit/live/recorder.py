"""Recordings of a running stream: its input, its output and its events, switched on and off from the page."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from rtkit.core.endpoints import make_sink
from rtkit.core.errors import InputError
from rtkit.core.items import Event, FrameSpec, Item, SampleSpec, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Options
from rtkit.signals.event_lines import EventLines

#: Bytes after which a recording ends, so that a forgotten one does not fill the disk.
MAX_BYTES = 2 * 2**30
#: Items between two looks at the size.
CHECK_INTERVAL_ITEMS = 64
#: Below this rate (Hz) a signal is no sound, and a table is of more use.
SOUND_RATE_HZ = 4000.0


class Recorder:
    """Writes what a stream takes in, puts out and finds.

    Parameters
    ----------
    folder : Path
        Where the files go: ``input-1.wav``, ``output-1.wav``, ``events-1.jsonl``, then 2, 3, ….

    Attributes
    ----------
    on : bool
        It records.
    error : str or None
        Why it ended by itself.
    """

    def __init__(self, folder: Path) -> None:
        self.on = False
        self.error: str | None = None
        self._folder = folder
        self._specs: dict[str, Spec] = {}
        self._sinks: dict[str, Sink] = {}
        self._lines: EventLines | None = None
        self._items = 0
        self._lock = threading.Lock()  # the page switches, the stream writes

    def expect(self, side: str, spec: Spec) -> None:
        """Note the format of ``input`` or ``output``."""
        self._specs[side] = spec

    def switch(self, on: bool) -> None:
        """Begin new files, or finish those that are being written.

        Raises
        ------
        InputError
            A file cannot be written, or there is nothing to record yet.
        """
        with self._lock:
            if on == self.on:
                return
            if not on:
                self._finish()
                return
            if len(self._specs) < 2:
                raise InputError("recording: the stream has not begun")
            self.error = None
            number = next(number for number in range(1, 10**6) if not any(self._folder.glob(f"*-{number}.*")))
            try:
                lines = EventLines(str(self._folder / f"events-{number}.jsonl"), Options())
                lines.open(self._specs["output"])
                self._lines = lines
                for side, spec in self._specs.items():
                    sink = make_sink(str(self._folder / f"{side}-{number}{suffix(spec)}"), Options())
                    sink.open(spec)
                    self._sinks[side] = sink
            except InputError:
                self._finish()
                raise
            self.on = True

    def write(self, side: str, item: Item) -> None:
        """Add one item. What goes wrong ends the recording, not the stream."""
        with self._attempt():
            if self.on:
                self._sinks[side].write(item)
                self._items += 1
                if self._items % CHECK_INTERVAL_ITEMS == 0 and sum(size for _, size in self.files()) > MAX_BYTES:
                    raise InputError(f"recording ended at {MAX_BYTES / 2**30:g} GiB")

    def event(self, event: Event) -> None:
        """Add one event, likewise."""
        with self._attempt():
            if self._lines is not None:
                self._lines.event(event)

    @contextlib.contextmanager
    def _attempt(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except InputError as error:
                self.error = str(error)
                self._finish()

    def files(self) -> list[tuple[str, int]]:
        """Name and size (bytes) of each file."""
        return [(path.name, path.stat().st_size) for path in sorted(self._folder.iterdir())]

    def _finish(self) -> None:
        self.on = False
        for sink in self._sinks.values():
            try:
                sink.close()
            except InputError as error:
                self.error = str(error)
        self._sinks.clear()
        if self._lines is not None:
            self._lines.close()
            self._lines = None


def suffix(spec: Spec) -> str:
    """What a recording of this format is written as."""
    if isinstance(spec, FrameSpec):
        return ".mp4"
    return ".wav" if isinstance(spec, SampleSpec) and spec.rate >= SOUND_RATE_HZ else ".csv"
