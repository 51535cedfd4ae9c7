"""Progress lines for long work, on standard error, when that is a terminal."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtkit.core.report import Report


class StreamProgress:
    """Shows how far a stream has come: a context manager that is called with its report; silent unless wanted and on a terminal.

    Parameters
    ----------
    wanted : bool
        Whether to show anything.
    """

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted and sys.stderr.isatty()
        self._line: Any = None

    def __enter__(self) -> StreamProgress:
        return self

    def __call__(self, report: Report) -> None:
        """Show what was processed by now."""
        if not self._wanted:
            return
        if self._line is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.completed:.1f} s"),
                TimeElapsedColumn(),
            )
            self._line = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._line.add_task(report.source, total=report.length_s if math.isfinite(report.length_s) else None)
            self._line.start()
        self._line.update(self._task, completed=report.stream_s)

    def __exit__(self, *error: object) -> None:
        if self._line is not None:
            self._line.stop()


@contextlib.contextmanager
def show_progress(wanted: bool) -> Iterator[Callable[[str, float], None]]:
    """A progress line for work that is no stream: the context gives what is told what is done, and how far it is, 0 to 1."""
    if not (wanted and sys.stderr.isatty()):
        yield lambda text, done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True, markup=False), transient=True) as line:
        task = line.add_task("", total=1.0)
        yield lambda text, done: line.update(task, description=text.replace("[", "\\["), completed=done)
