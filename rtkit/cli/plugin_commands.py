"""What plug-ins add to the command line: commands, and functions such as ``demo``; one that fails hurts no other."""

from __future__ import annotations

from typing import Any

import typer

from rtkit.core.errors import RtkitError
from rtkit.core.extras import not_installed
from rtkit.core.host import host, one_line


def add_commands(app: typer.Typer) -> None:
    """Add the commands of every plug-in to the command line; of one that raises, or takes a name that is taken, none."""
    for hook in list(host().hooks("rtkit_register_commands")):
        commands, groups, before = list(app.registered_commands), list(app.registered_groups), _command_names(app)
        try:
            hook(app=app)
            taken = [name for name in set(before) if _command_names(app).count(name) > before.count(name)]
            if taken:
                raise ValueError(f"command {taken[0]!r} is there already")
        except (Exception, SystemExit) as error:
            app.registered_commands[:], app.registered_groups[:] = commands, groups
            host().drop(hook, "rtkit_register_commands", error)
        if hook.plugin in host().plugins:
            host().plugins[hook.plugin].commands = sorted({*_command_names(app)} - {*before})


def _command_names(app: typer.Typer) -> list[str]:
    commands = [info.name or getattr(info.callback, "__name__", "").replace("_", "-") for info in app.registered_commands]
    return commands + [str(info.name) for info in app.registered_groups]


def call_function(name: str, function: str, *arguments: Any) -> Any:
    """Call a function that a plug-in brings beside its hooks, such as ``demo``; None if there is no such plug-in or function.

    Parameters
    ----------
    name : str
        The plug-in's key or name, or a processor of it.
    function : str
        The function's name.
    *arguments
        Handed to it.

    Raises
    ------
    RtkitError
        As the function raises it, or because it failed.
    """
    key = host().processors.plugin(name) if name in host().processors else name
    key = next((info.key for info in host().plugins.values() if key in (info.key, info.name)), key)
    found = getattr(host().manager.get_plugin(key), function, None)
    try:
        return None if found is None else found(*arguments)
    except ModuleNotFoundError as error:
        raise not_installed(error, f"{function} {name}") from None
    except (RtkitError, KeyboardInterrupt):
        raise
    except (Exception, SystemExit) as error:
        raise RtkitError(f"plug-in {key}: its {function} failed: {one_line(error)}") from None
