"""Standard input, whatever flows in: the source reads it whose format is asked for, or whose streams begin like this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rtkit.core.errors import UsageError
from rtkit.core.items import Item, Spec
from rtkit.core.source import Options, Source


class StandardInput(Source):
    """Sources that stand side by side under one name, of which one reads standard input.

    Parameters
    ----------
    classes : sequence of type
        Each with `Source.formats`, and `Source.magic` if its streams can be told by their first bytes; called with the text after the
        name, the options, and what was read already (bytes). The first without `Source.magic` reads what nobody else claims.
    options : Options
        `format` decides, if it is given.

    Raises
    ------
    UsageError
        A format that nobody reads.
    """

    def __init__(self, classes: Sequence[Any], options: Options) -> None:
        self.name = "standard input"
        self._classes = classes
        self._options = options
        self._chosen: Source | None = None
        if options.format is not None:
            reader = next((cls for cls in classes if options.format in cls.formats), None)
            if reader is None:
                known = ", ".join(name for cls in self._classes for name in cls.formats)
                raise UsageError(f"format {options.format!r} is not known; known: {known}")
            self._chosen = reader("", options)

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> Spec:
        """Look at the first bytes, if no format was given; errors as of what they are.

        Raises
        ------
        UsageError
            Standard input is a terminal.
        """
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("standard input is a terminal; pipe samples or frames into it")
        if self._chosen is None:
            head = b""
            magics = {cls.magic: cls for cls in self._classes if cls.magic}
            while any(magic.startswith(head) and len(head) < len(magic) for magic in magics):
                more = os.read(sys.stdin.fileno(), 1)
                if not more:
                    break
                head += more
            plain = next(cls for cls in self._classes if not cls.magic)
            self._chosen = magics.get(head, plain)("", self._options, head)
        return self._chosen.open(dtype)

    def __iter__(self) -> Iterator[Item]:
        """Items as they arrive."""
        assert self._chosen is not None
        return iter(self._chosen)

    def close(self) -> None:
        """Close what reads it."""
        if self._chosen is not None:
            self._chosen.close()
