"""The command line."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import traceback
import warnings
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from rtkit.cli.plugin_commands import add_commands, call_function
from rtkit.cli.run import PLUGIN_HELP, run_command
from rtkit.core.errors import RtkitError, UsageError
from rtkit.core.extras import not_installed
from rtkit.core.host import host


class WholeHelp(TyperGroup):
    """Help in which no line is cut: what a command does is wrapped."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a line for each command, or several."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, (command.help or "").partition("\n\n")[0].replace("\n", " ")) for name, command in commands if command]
            )


app = typer.Typer(
    name="rtkit",
    cls=WholeHelp,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help in plain text: loading rich would take as long as all the rest
    context_settings={"help_option_names": ["-h", "--help"]},
)

#: Exit code after Ctrl-C: 128 + SIGINT, as shells have it.
INTERRUPTED_EXIT_CODE = 130


def main() -> NoReturn:
    """Run the command line; errors that rtkit raises on purpose become one line and an exit code."""
    logging.basicConfig(format="rtkit: %(message)s")
    signal.signal(signal.SIGTERM, _interrupt)
    warnings.filterwarnings("default", r".* is called .* now", DeprecationWarning)  # a name that goes away: users should know
    warnings.showwarning = lambda message, *rest, **more: print(f"rtkit: {message}", file=sys.stderr)
    try:
        code = _run(sys.argv[1:])
    except RtkitError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        code = _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED_EXIT_CODE
    except ModuleNotFoundError as error:
        code = _fail(str(not_installed(error, f"rtkit {' '.join(sys.argv[1:2])}")), UsageError.exit_code)
    except Exception as error:
        show = getattr(error, "show", None)  # typer's own errors of usage know how to show themselves
        if show is None:
            raise
        show()
        code = getattr(error, "exit_code", 2)
    sys.exit(code or 0)


def _run(arguments: list[str]) -> int | None:
    if "--version" in arguments[:1]:
        from rtkit import __version__

        print(f"rtkit {__version__}")
        return 0
    arguments, files = split_plugins(arguments)
    for path in files:  # before the commands are known: a plug-in may bring some
        host().add_file(path)
    whole = "run" in arguments or "_RTKIT_COMPLETE" in os.environ  # else its name and help are enough, and take less time
    app.command("run")(run_command() if whole else run)
    app.registered_commands.insert(0, app.registered_commands.pop())
    add_commands(app)
    code: int | None = app(arguments, prog_name="rtkit", standalone_mode=False)
    return code


def split_plugins(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The arguments without the options ``--plugin``, wherever they stand, and the files that these name."""
    rest, files, given = list[str](), list[str](), iter(arguments)
    for argument in given:
        if argument == "--plugin" and (file := next(given, None)) is not None:
            files.append(file)
        elif argument.startswith("--plugin="):
            files.append(argument.partition("=")[2])
        else:
            rest.append(argument)
    return rest, files


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _fail(message: str, code: int) -> int:
    print(f"rtkit: {' '.join(message.split())}", file=sys.stderr)
    return code


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
    plugin: Annotated[list[str] | None, typer.Option(help=PLUGIN_HELP)] = None,
) -> None:
    """Process signals and cameras live: a source, processors, sinks."""


def run() -> None:
    """Run a source through processors into sinks."""


@app.command()
def plugins(
    name: Annotated[str | None, typer.Argument(help="A processor, a source, a sink, or a plug-in.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List plug-ins and what they provide; of a processor its parameters, of a source or sink what it takes."""
    from rtkit.cli import listing

    found = listing.plugins() if name is None else listing.describe(name)
    if as_json:
        print(json.dumps(found, indent=2, default=str))
    elif "key" in found[0]:
        print("\n".join(listing.lines(found)))
    elif "meaning" in found[0] and "plug-in" in found[0]:
        print("\n\n".join(f"{', '.join(f'{key} {row[key]}' for key in row if key != 'meaning')}\n{row['meaning']}" for row in found))
    else:
        print(listing.summary(name or ""))
        listing.show_table(found)


@app.command()
def devices(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the devices that are there: audio devices with their rates and channels, cameras, and what else plug-ins know of."""
    from rtkit.cli import listing
    from rtkit.provided.devices import list_devices

    found, problems = list_devices(host())
    for problem in problems:
        print(f"rtkit: {problem}", file=sys.stderr)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for group in dict.fromkeys(device["group"] for device in found):
        print(group)
        listing.show_table(
            [{key: value for key, value in device.items() if key != "group"} for device in found if device["group"] == group]
        )
    there = {(device["source"] or "").partition(":")[0] for device in found}
    for kind in (kind for kind in host().sources if host().sources[kind].open_to_pages and kind not in there):
        print(f"no {kind}")


@app.command()
def demo(
    name: Annotated[str, typer.Argument(help="Which one: a plug-in that has a demo.")] = "echo",
    out: Annotated[str, typer.Option(help="Folder for what it makes.")] = "rtkit-demo",
) -> None:
    """Run a plug-in's main job on shipped real recordings; no device needed."""
    lines = call_function(name, "demo", out)
    if lines is None:
        raise UsageError(f"no plug-in has a demo called {name!r}")
    for line in lines:
        print(line)


@app.command()
def bench(name: Annotated[str | None, typer.Argument(help="A processor; all when not given.")] = None) -> None:
    """Time processors on blocks of several sizes, in this process; of one, whatever else its plug-in measures."""
    from rtkit.cli import listing
    from rtkit.cli.bench import bench_processors

    listing.show_table(bench_processors([name] if name else list(host().processors)))
    if name and (rows := call_function(name, "bench", name)):
        listing.show_table(rows)
