"""Standard input, whatever flows in: samples or frames."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from rtkit.errors import UsageError
from rtkit.items import Item, Spec
from rtkit.signals.raw import FORMATS, RawInput
from rtkit.source import Options, Source
from rtkit.video.pipe import LAYOUTS, MAGIC, Y4M, FramePipe


class StandardInput(Source):
    """Frames if the format is one of frames or the stream begins like Y4M, else raw samples."""

    def __init__(self, rest: str, options: Options) -> None:
        self.name = "standard input"
        self._options = options
        self._given: Source | None = None
        if options.format in (*LAYOUTS, Y4M):
            self._given = FramePipe(options)
        elif options.format is not None:
            if options.format not in FORMATS:
                known = f"of samples: {', '.join(FORMATS)}; of frames: {', '.join([Y4M, *LAYOUTS])}"
                raise UsageError(f"format {options.format!r} is not known; {known}")
            self._given = RawInput(options)

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> Spec:
        """Look at the first bytes, if no format was given; errors as of what they are.

        Raises
        ------
        UsageError
            Standard input is a terminal.
        """
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("standard input is a terminal; pipe samples or frames into it")
        if self._given is None:
            head = b""
            while MAGIC.startswith(head) and len(head) < len(MAGIC) and (more := os.read(sys.stdin.fileno(), len(MAGIC) - len(head))):
                head += more
            self._given = FramePipe(self._options, head) if head == MAGIC else RawInput(self._options, head)
        return self._given.open(dtype)

    def __iter__(self) -> Iterator[Item]:
        """Items as they arrive."""
        assert self._given is not None
        return iter(self._given)
