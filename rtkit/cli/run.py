"""`rtkit run`: made from the description of a run in `rtkit.core.settings`."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from rtkit.cli.progress import StreamProgress

SOURCE_HELP = "A file, near.wav+far.wav, mic[:DEVICE], camera:N, URL, -, synth:KIND, a pipeline.toml."
TO_HELP = "Where the output goes: a file, speaker[:DEVICE], window, -, null. Repeatable."
PLUGIN_HELP = "Load a plug-in from a Python file; may stand before any command. Repeatable."


def run_command() -> Callable[..., None]:
    """The function that typer makes the command of: its signature is read from the settings."""
    from rtkit.core.settings import described

    options = {
        parameter.name: (
            parameter.type if parameter.type is bool else parameter.type | None,
            typer.Option(
                f"--{parameter.name.replace('_', '-')}",
                help=parameter.doc,
                min=parameter.low if parameter.type in (int, float) and parameter.low > -1e300 else None,
                max=parameter.high if parameter.type in (int, float) and parameter.high < 1e300 else None,
                show_default=False,
            ),
            False if parameter.type is bool else None,
        )
        for parameter in described()
    }
    quiet = typer.Option("--quiet", "-q", help="No progress line and no report on standard error.")
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter("source", kind, annotation=Annotated[str, typer.Argument(help=SOURCE_HELP)]),
        inspect.Parameter(
            "steps",
            kind,
            default=None,
            annotation=Annotated[list[str] | None, typer.Argument(help="Processors, name:key=value,… each.", metavar="[PROCESSOR]...")],
        ),
        inspect.Parameter("to", kind, default=None, annotation=Annotated[list[str] | None, typer.Option(help=TO_HELP)]),
        *(
            inspect.Parameter(name, kind, default=value, annotation=Annotated[hint, option])
            for name, (hint, option, value) in options.items()
        ),
        inspect.Parameter("plugin", kind, default=None, annotation=Annotated[list[str] | None, typer.Option(help=PLUGIN_HELP)]),
        inspect.Parameter("quiet", kind, default=False, annotation=Annotated[bool, quiet]),
    ]

    def run(source: str, steps: list[str] | None, to: list[str] | None, plugin: list[str] | None, quiet: bool, **given: Any) -> None:
        """Run a source through processors into sinks."""
        run_stream(source, steps, to, quiet, given)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def run_stream(source: str, steps: list[str] | None, to: list[str] | None, quiet: bool, given: dict[str, Any]) -> None:
    """Run one stream: of a pipeline file, what was given on the command line goes before what stands in it."""
    from rtkit.core.stream import Stream
    from rtkit.files.pipeline import read_pipeline

    settings: dict[str, Any] = read_pipeline(source) if source.endswith(".toml") else {"source": source, "steps": [], "to": []}
    settings |= {name: value for name, value in (("steps", steps), ("to", to)) if value}
    settings |= {name: value for name, value in given.items() if value is not None and value is not False}  # and 0 is a value
    with StreamProgress(not quiet) as progress:
        stream = Stream(**settings, on_progress=progress)
        try:
            stream.run()
        except BrokenPipeError:  # whoever read standard output has seen enough
            stream.report.error = None
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at its end
        finally:
            progress.__exit__()
            if not quiet and stream.report.opened:
                from rtkit.cli.report import show

                show(stream.report)
