"""The base class of sinks that write a file: opening it, errors in one line, closing it after an error."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from rtkit.core.errors import InputError
from rtkit.core.items import SampleSpec, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Options


class FileSink(Sink):
    """A sink that writes a file. What the system refuses, such as a missing folder or a full disk, becomes an InputError of one line.

    Derive from it: set `file` in `open`, by `create` or by a library, and do in `writing` whatever touches it. `close` calls `finish`,
    which closes `file`; override that where something has to be written before.

    Parameters
    ----------
    path : str
        The file.
    options : Options
        None holds here.

    Attributes
    ----------
    file : object
        What is open; it has a method ``close``.
    failed : bool
        Something could not be written, and the error was raised.
    """

    file: Any

    def __init__(self, path: str, options: Options) -> None:
        self.name = path
        self.failed = False

    def create(self, mode: str, **how: Any) -> IO[Any]:
        """Open the file as `pathlib.Path.open` does; raises InputError if it cannot be written."""
        with self.writing():
            file: IO[Any] = Path(self.name).open(mode, **how)  # noqa: SIM115 - closed by finish
        return file

    def require_samples(self, spec: Spec, does: str = "holds") -> SampleSpec:
        """The format, if it is one of samples; raises InputError for another, which says what the sink `does` with samples."""
        if not isinstance(spec, SampleSpec):
            raise InputError(f"{self.name}: {does} samples, got {spec}")
        return spec

    @contextlib.contextmanager
    def writing(self, place: str = "") -> Iterator[None]:
        """A context in which an error of the system becomes an InputError; `place` follows “cannot be written” in its message."""
        try:
            yield
        except OSError as error:
            self.failed = True
            raise InputError(f"{self.name}: cannot be written{place}: {error.strerror or error}") from None

    def finish(self) -> None:
        """Write what is left, and close the file."""
        self.file.close()

    def close(self) -> None:
        """Finish the file. Raises InputError if that fails, as on a full disk, unless an error was raised before."""
        failed = self.failed
        try:
            with self.writing(" to its end"):
                self.finish()
        except InputError:
            if not failed:
                raise
