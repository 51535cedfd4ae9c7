"""What plug-ins provide, as data and as tables, for the command line."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from typing import Any

from rtkit.core.errors import UsageError
from rtkit.core.host import PluginInfo, host
from rtkit.core.parameters import Parameter, parameters_of
from rtkit.provided.views import PluginViews, find_views

Rows = list[dict[str, Any]]

#: Characters of a line of a table that goes to a file or another program: no name is broken in two there.
PIPE_WIDTH = 400


def plugins() -> Rows:
    """One row a plug-in."""
    views = find_views(host())
    return [_plugin(info, views.get(info.key, PluginViews())) for info in host().plugins.values()]


def _plugin(info: PluginInfo, views: PluginViews) -> dict[str, Any]:
    row = {"name": info.name, **dataclasses.asdict(info), "views": sorted(name for names in views.modules.values() for name in names)}
    return row | {"error": info.error or (views.error and f"views: {views.error}")}


def lines(rows: Rows) -> list[str]:
    """Plug-ins as lines of text: what each provides below its name and version."""
    told = []
    for row in rows:
        told.append(f"{row['key']} {row['version']}".rstrip())
        if row["origin"] not in row["key"].split(":"):
            told.append(f"    from        {row['origin']}")
        for what in ("processors", "sources", "sinks", "commands", "views"):
            if row[what]:
                told.append(f"    {what:12}{', '.join(row[what])}")
        told.append(f"    {'hooks':12}{', '.join(name.removeprefix('rtkit_') for name in row['hooks'])}" if row["hooks"] else "")
        told.append(f"    {'broken':12}{row['error']}" if row["error"] else "")
    return [line for line in told if line]


def describe(name: str) -> Rows:
    """The parameters of a processor, one row each; of a source or sink what it is; of a plug-in its row.

    Raises
    ------
    UsageError
        Nothing is called so.
    """
    if name in host().processors:
        return [_parameter(parameter) for parameter in parameters_of(host().processors[name])]
    ends = [
        {registry.what: name, "plug-in": registry.plugin(name), "meaning": inspect.getdoc(cls) or ""}
        for registry in (host().sources, host().sinks)
        if name in registry
        for cls in registry.named(name)
    ]
    found = ends or [row for row in plugins() if name in (row["key"], row["name"])]
    if not found:
        raise UsageError(
            f"nothing is called {name!r}; processors: {', '.join(host().processors)}; sources: {', '.join(host().sources)}; "
            f"sinks: {', '.join(host().sinks)}; plug-ins: {', '.join(host().plugins)}"
        )
    return found


def summary(name: str) -> str:
    """The first line of a processor's documentation, or nothing."""
    return (inspect.getdoc(host().processors[name]) or "").partition("\n")[0] if name in host().processors else ""


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "parameter": parameter.name,
        "default": "required" if parameter.required else parameter.default,
        "expects": parameter.expects(),
        "live": parameter.live,
        "meaning": parameter.doc,
    }


def show_table(rows: Rows) -> None:
    """Print rows as a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    shown = [name for name in rows[0] if any(row[name] not in (None, "", []) for row in rows)]
    table = Table(*shown, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(_text(row[name])) for name in shown))
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
