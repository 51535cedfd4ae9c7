"""The report of a run, as tables for a person."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from rtkit.core.report import Report


def show(report: Report) -> None:
    """Print it on standard error; nothing in it is markup, whatever files and users are called."""
    Console(stderr=True, highlight=False, markup=False).print(_tables(report))


def _tables(report: Report) -> RenderableType:
    facts = Table(show_header=False, box=None, pad_edge=False)
    for name, fact in report.facts():
        facts.add_row(Text(name), Text(fact, "yellow" if name == "warning" else ""))
    if not report.steps:
        return facts
    times = Table("step", "p50 us", "p99 us", "max us", box=None, pad_edge=False)
    for column in times.columns[1:]:
        column.justify = "right"
    for step in report.steps:
        times.add_row(Text(step.name), *(f"{value:,.1f}" for value in (step.p50_us, step.p99_us, step.max_us)))
    return Group(facts, times)
