"""Views of the live page that plug-ins bring: ES modules, by the kinds of events and the processors that they show."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from rtkit.core.host import Host

#: How signals come to a view: as samples, or as envelopes and spectra.
Form: TypeAlias = Literal["trace", "sound"]
#: A module is a script.
SCRIPT_SUFFIXES = (".js", ".mjs")


@dataclass(slots=True)
class PluginViews:
    """The views of one plug-in.

    Attributes
    ----------
    modules : dict of str to list of str
        Kinds of events and names of processors that a module shows, by the name of its file.
    forms : dict of str to str
        How signals have to come, for each kind or processor for which the view says so.
    folder : Path or None
        Where the modules are; None if there are none.
    error : str or None
        Why they were refused, in one line.
    """

    modules: dict[str, list[str]] = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)
    folder: Path | None = None
    error: str | None = None


def find_views(host: Host) -> dict[str, PluginViews]:
    """The views of each plug-in that registers some, by its name; one that does it badly has an error and no views."""
    found = {}
    for implementation in host.manager.hook.rtkit_register_views.get_hookimpls():
        views = PluginViews()
        home = _home(implementation.plugin)

        def register(name: str, path: str | Path, form: Form | None = None, *, views: PluginViews = views, home: Path = home) -> None:
            module = (home / path).resolve()
            if not isinstance(name, str) or not name:
                raise TypeError(f"{name!r} is no kind of event and no name of a processor")
            if form not in (None, *get_args(Form)):
                raise ValueError(f"view {name!r}: form {form!r}; expected {' or '.join(get_args(Form))}")
            if module.suffix not in SCRIPT_SUFFIXES or not module.is_file():
                raise ValueError(f"view {name!r}: {path} is no file {' or '.join(SCRIPT_SUFFIXES)}, looked for in {home}")
            if views.folder not in (None, module.parent):
                raise ValueError(f"view {name!r}: {path} lies in another folder than the views before it")
            views.folder = module.parent
            views.modules.setdefault(module.name, []).append(name)
            if form is not None:
                views.forms[name] = form

        try:
            implementation.function(**dict.fromkeys(implementation.argnames, register))
        except (Exception, SystemExit) as error:  # a stranger's code may raise anything; the rest must go on
            views = PluginViews(error=" ".join(f"{type(error).__name__}: {error}".split()))
        found[implementation.plugin_name] = views
    return found


def _home(plugin: Any) -> Path:
    """The folder of a plug-in's module."""
    file = getattr(plugin, "__file__", None) or getattr(sys.modules.get(type(plugin).__module__), "__file__", None)
    return Path(file).parent if file else Path()
