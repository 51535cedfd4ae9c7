"""Progress lines for long work, on standard error, when that is a terminal."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterator
from types import TracebackType

from rtkit.source import Source


class Progress:
    """Shows how far a stream has come, as a context manager; silent unless wanted and on a terminal.

    Parameters
    ----------
    wanted : bool
        Whether to show anything.
    source : Source
        An open source; its name and length.
    limit : float
        Samples or frames after which the stream ends by itself, or infinity.
    period : float
        Seconds a sample or frame.
    """

    def __init__(self, wanted: bool, source: Source, limit: float, period: float) -> None:
        self._line = None
        self._period = period
        if not (wanted and sys.stderr.isatty()):
            return
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Line

        length = min(limit, math.inf if source.length is None else source.length)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.1f} s"), TimeElapsedColumn())
        self._line = Line(*columns, console=Console(stderr=True), transient=True)
        self._task = self._line.add_task(source.name, total=None if math.isinf(length) else length * period)

    def __enter__(self) -> Progress:
        if self._line is not None:
            self._line.start()
        return self

    def update(self, done: int) -> None:
        """Show that `done` samples or frames are through."""
        if self._line is not None:
            self._line.update(self._task, completed=done * self._period)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._line is not None:
            self._line.stop()


@contextlib.contextmanager
def telling(wanted: bool) -> Iterator[Callable[[str, float], None]]:
    """A progress line for work that is no stream: the context gives what is told what is done, and how far it is, 0 to 1."""
    if not (wanted and sys.stderr.isatty()):
        yield lambda text, done: None
        return
    from rich.console import Console
    from rich.progress import Progress as Line

    with Line(console=Console(stderr=True), transient=True) as line:
        task = line.add_task("", total=1.0)
        yield lambda text, done: line.update(task, description=text, completed=done)
