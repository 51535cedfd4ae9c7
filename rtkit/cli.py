"""The command line."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from rtkit.errors import RtkitError, UsageError
from rtkit.plugins import host

if TYPE_CHECKING:
    from rtkit.stream import Stream

app = typer.Typer(
    name="rtkit",
    help="Process signals and cameras live: a source, processors, sinks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help in plain text: loading rich would take as long as all the rest
    context_settings={"help_option_names": ["-h", "--help"]},
)

INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line; errors that rtkit raises on purpose become one line and an exit code."""
    logging.basicConfig(format="rtkit: %(message)s")
    signal.signal(signal.SIGTERM, _interrupt)
    host().manager.hook.rtkit_register_commands(app=app)
    try:
        code = app(standalone_mode=False)
    except RtkitError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        code = _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except typer.Abort:
        code = INTERRUPTED
    except Exception as error:
        show = getattr(error, "show", None)  # typer's own errors of usage know how to show themselves
        if show is None:
            raise
        show()
        code = getattr(error, "exit_code", 2)
    sys.exit(code or 0)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _fail(message: str, code: int) -> int:
    print(f"rtkit: {' '.join(message.split())}", file=sys.stderr)
    return code


@app.command()
def run(
    source: Annotated[str, typer.Argument(help="A file, near.wav+far.wav, mic[:DEVICE], camera:N, URL, -, synth:KIND, a pipeline.toml.")],
    steps: Annotated[list[str] | None, typer.Argument(help="Processors, name:key=value,… each.", metavar="[PROCESSOR]...")] = None,
    to: Annotated[
        list[str] | None, typer.Option(help="Where the output goes: a file, speaker[:DEVICE], window, -, null. Repeatable.")
    ] = None,
    far: Annotated[
        str | None, typer.Option(help="Far end: a file (played if the source is a microphone), mic:DEVICE, speaker-monitor.")
    ] = None,
    realtime: Annotated[bool, typer.Option("--realtime", help="Play a file as if it were a live device.")] = False,
    seconds: Annotated[float | None, typer.Option(help="End after this much stream time.", min=1e-6)] = None,
    rate: Annotated[float | None, typer.Option(help="Samples a second, for devices and raw samples.", min=1)] = None,
    channels: Annotated[int | None, typer.Option(help="Channels, likewise.", min=1, max=32)] = None,
    block: Annotated[int | None, typer.Option(help="Samples in a block.", min=1)] = None,
    latency: Annotated[float | None, typer.Option(help="Buffering asked of audio devices (s).", min=0)] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="Layout of raw samples (s16le, f32le, …) or frames (y4m, bgr24, …).")
    ] = None,
    reconnect: Annotated[float | None, typer.Option(help="Seconds for which a lost device is retried (30).", min=0)] = None,
    report: Annotated[str | None, typer.Option(help="Write the report to this file (JSON).")] = None,
    events: Annotated[str | None, typer.Option(help="Write the events to this file (JSON lines).")] = None,
    load_state: Annotated[str | None, typer.Option(help="Start from the state in this file (npz).")] = None,
    save_state: Annotated[str | None, typer.Option(help="Leave the state in this file (npz).")] = None,
    save_model: Annotated[str | None, typer.Option(help="Leave what a step learned, as an ONNX model, in this folder.")] = None,
    plugin: Annotated[list[str] | None, typer.Option(help="Load a plug-in from a Python file. Repeatable.")] = None,
    fps: Annotated[
        float | None, typer.Option(help="Most frames a second; the rate of pictures and raw frames.", min=0.001, max=1000)
    ] = None,
    size: Annotated[str | None, typer.Option(help="Size of frames, 640x480; others are fitted into it.")] = None,
    threads: Annotated[int | None, typer.Option(help="Frames processed at once, each in a thread (1).", min=1, max=64)] = None,
    view: Annotated[bool, typer.Option("--view", help="Show the stream on a page in the browser, to be watched and steered.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress line and no report on standard error.")] = False,
) -> None:
    """Run a source through processors into sinks."""
    from rtkit.events import EventLog
    from rtkit.pipeline import read_pipeline
    from rtkit.source import Options
    from rtkit.stream import Stream

    for path in plugin or []:
        host().add_file(path)
    given = {
        "steps": steps,
        "to": to,
        "far": far,
        "realtime": realtime,
        "seconds": seconds,
        "rate": rate,
        "channels": channels,
        "block": block,
        "latency": latency,
        "format": format_,
        "reconnect": reconnect,
        "report": report,
        "events": events,
        "load_state": load_state,
        "save_state": save_state,
        "save_model": save_model,
        "fps": fps,
        "size": size,
        "threads": threads,
    }
    written = read_pipeline(source) if source.endswith(".toml") else {"source": source}
    settings: dict[str, Any] = written | {key: value for key, value in given.items() if value not in (None, False)}
    report, events = settings.pop("report", None), settings.pop("events", None)
    options = Options(**{key: settings.pop(key) for key in Options.__slots__ if key in settings})
    stream = Stream(**settings, options=options, progress=not quiet)
    if events is not None:
        host().manager.register(EventLog(events, stream))
    try:
        with _viewed(stream) if view else contextlib.nullcontext():
            stream.run()
    except BrokenPipeError:  # whoever read standard output has seen enough
        stream.report.error = None
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at its end
    finally:
        _show(stream, report, quiet)


def _viewed(stream: Stream) -> contextlib.AbstractContextManager[None]:
    from rtkit.live.plugin import viewed

    return viewed(stream)


def _show(stream: Stream, path: str | None, quiet: bool) -> None:
    if path is not None:
        stream.report.write(path)
    if not quiet:
        from rich.console import Console

        Console(stderr=True, highlight=False).print(stream.report.table())


@app.command()
def plugins(
    name: Annotated[str | None, typer.Argument(help="A processor, for its parameters, or a plug-in.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List plug-ins and what they provide, or the parameters of a processor."""
    from rtkit import listing

    found = listing.plugins() if name is None else listing.describe(name)
    if as_json:
        print(json.dumps(found, indent=2, default=str))
    else:
        if name is not None:
            print(listing.summary(name))
        listing.show(found)


@app.command()
def devices(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the devices that are there: audio devices with their rates and channels, cameras, and what else plug-ins know of."""
    from rtkit import listing
    from rtkit.devices import list_devices

    found, problems = list_devices(host())
    for problem in problems:
        print(f"rtkit: {problem}", file=sys.stderr)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for group in dict.fromkeys(device["group"] for device in found):
        print(group)
        listing.show([{key: value for key, value in device.items() if key != "group"} for device in found if device["group"] == group])
    there = {(device["source"] or "").partition(":")[0] for device in found}
    for kind in (kind for kind in host().sources if host().sources[kind].open_to_pages and kind not in there):
        print(f"no {kind}")


@app.command()
def demo(
    name: Annotated[str, typer.Argument(help="Which one: a plug-in that has a demo.")] = "echo",
    out: Annotated[str, typer.Option(help="Folder for what it makes.")] = "rtkit-demo",
) -> None:
    """Run a plug-in's main job on shipped real recordings; no device needed."""
    plugin = host().manager.get_plugin(host().processors.plugin(name) if name in host().processors else name)
    if plugin is None or not hasattr(plugin, "demo"):
        raise UsageError(f"no plug-in has a demo called {name!r}")
    for line in plugin.demo(out):
        print(line)


@app.command()
def bench(name: Annotated[str | None, typer.Argument(help="A processor; all when not given.")] = None) -> None:
    """Time processors on blocks of several sizes, in this process; of one, whatever else its plug-in measures."""
    from rtkit import listing
    from rtkit.bench import bench_processors, of_plugin

    listing.show(bench_processors([name] if name else list(host().processors)))
    if name and (rows := of_plugin(name)):
        listing.show(rows)


@app.command()
def model(
    name: Annotated[str | None, typer.Argument(help="An ONNX file, a folder with model.onnx, a shipped model; or: bench MODEL.")] = None,
    which: Annotated[str | None, typer.Argument(help="After bench: the model to time.", metavar="[MODEL]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the shipped models, show the card of one, or time one: rtkit model bench MODEL."""
    from rtkit import listing
    from rtkit.onnx import command

    if which is not None and name != "bench":
        raise UsageError(f"model: {name!r} {which!r}: expected one model, or bench and one model")
    if name == "bench":
        if which is None:
            raise UsageError("model bench: which? rtkit model lists them")
        rows = command.bench(which)
        print(json.dumps(rows, indent=2)) if as_json else listing.show(rows)
    elif name is None:
        print(json.dumps(command.listed(), indent=2)) if as_json else listing.show(command.listed())
    elif as_json:
        print(command.as_json(name))
    else:
        print("\n".join(command.show(name)))
