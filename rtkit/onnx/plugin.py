"""The plug-in of models: `rtkit model`, and saving what a step learned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from rtkit.core.errors import UsageError
from rtkit.core.hookspecs import hookimpl

if TYPE_CHECKING:
    from rtkit.core.stream import Stream


@hookimpl
def rtkit_register_commands(app: typer.Typer) -> None:
    """`rtkit model`."""
    app.command("model")(model_command)


@hookimpl
def rtkit_stream_created(stream: Stream) -> None:
    """If the run is to leave a model behind: find the steps that learn one now, and write them when the run has ended well."""
    folder = stream.settings.get("save_model")
    if folder is None:
        return
    from rtkit.onnx.writer import find_exportable, write_learned

    chain, report = stream.chain, stream.report
    find_exportable(chain.names, chain.steps)  # better now than at the end of a long run

    def write() -> None:
        seen = {"learned_from": report.source, "seconds": round(report.stream_s, 3), "steps": [repr(step) for step in chain.steps]}
        write_learned(folder, find_exportable(chain.names, chain.steps), seen)

    stream.at_end.append(write)


def model_command(
    name: Annotated[str | None, typer.Argument(help="An ONNX file, a folder with model.onnx, a shipped model; or: bench MODEL.")] = None,
    which: Annotated[str | None, typer.Argument(help="After bench: the model to time.", metavar="[MODEL]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the shipped models, show the card of one, or time one: rtkit model bench MODEL."""
    from rtkit import show_table
    from rtkit.onnx import command

    if which is not None and name != "bench":
        raise UsageError(f"model: {name!r} {which!r}: expected one model, or bench and one model")
    if name == "bench":
        if which is None:
            raise UsageError("model bench: which? rtkit model lists them")
        rows = command.bench(which)
        print(json.dumps(rows, indent=2)) if as_json else show_table(rows)
    elif name is None:
        print(json.dumps(command.listed(), indent=2)) if as_json else show_table(command.listed())
    elif as_json:
        print(command.as_json(name))
    else:
        print("\n".join(command.show(name)))
