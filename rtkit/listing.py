"""What plug-ins provide, as data and as tables, for the command line."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from rtkit.errors import UsageError
from rtkit.parameters import Parameter, parameters_of
from rtkit.plugins import PluginInfo, host
from rtkit.views import PluginViews, find_views

Rows = list[dict[str, Any]]


def plugins() -> Rows:
    """One row a plug-in."""
    views = find_views(host())
    return [_plugin(info, views.get(info.name, PluginViews())) for info in host().infos.values()]


def _plugin(info: PluginInfo, views: PluginViews) -> dict[str, Any]:
    row = dataclasses.asdict(info) | {"views": sorted(name for names in views.modules.values() for name in names)}
    return row | {"error": info.error or (views.error and f"views: {views.error}")}


def describe(name: str) -> Rows:
    """The parameters of a processor, one row each; or, for the name of a plug-in, its row.

    Raises
    ------
    UsageError
        Neither a processor nor a plug-in.
    """
    if name in host().processors:
        return [_row(parameter) for parameter in parameters_of(host().processors[name])]
    if name in host().infos:
        return [row for row in plugins() if row["name"] == name]
    raise UsageError(
        f"no processor or plug-in is called {name!r}; processors: {', '.join(host().processors)}; plug-ins: {', '.join(host().infos)}"
    )


def summary(name: str) -> str:
    """The first line of a processor's documentation, or nothing."""
    return (inspect.getdoc(host().processors[name]) or "").partition("\n")[0] if name in host().processors else ""


def _row(parameter: Parameter) -> dict[str, Any]:
    return {
        "parameter": parameter.name,
        "default": "required" if parameter.required else parameter.default,
        "expects": parameter.expects(),
        "live": parameter.live,
        "meaning": parameter.doc,
    }


def show(rows: Rows) -> None:
    """Print rows as a table."""
    from rich.console import Console
    from rich.table import Table

    if not rows:
        return
    table = Table(*rows[0], box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(_text(value) for value in row.values()))
    Console(highlight=False).print(table)


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
