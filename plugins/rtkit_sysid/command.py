"""`rtkit identify`: a model from a file."""

from __future__ import annotations

import errno
import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtkit import InputError, UsageError, make_folder, show_progress

if TYPE_CHECKING:
    from rtkit_sysid.model import Model
    from rtkit_sysid.recording import PlantRecord
    from rtkit_sysid.regressors import Order

#: Forms of which the errors are printed.
PRINTED = 8


class Kind(StrEnum):
    """What to look for."""

    arx = "arx"
    narx = "narx"


def identify_command(
    data: Annotated[str, typer.Argument(help="A record: CSV, NPZ, NPY, MAT, WAV, a text table, or synth:plant.")],
    model: Annotated[Kind, typer.Option(help="arx: linear; narx: linear, polynomial or neural, whichever is best.")] = Kind.narx,
    inputs: Annotated[str | None, typer.Option(help="Columns of the inputs, u1,u2; all but the output when not given.")] = None,
    outputs: Annotated[str | None, typer.Option(help="Columns of the outputs; the last one when not given.")] = None,
    order: Annotated[
        str, typer.Option(help="auto, or na,nb,delay: past outputs, values of each input, samples until an input acts.")
    ] = "auto",
    hidden: Annotated[int | None, typer.Option(help="A network of so many sigmoids and nothing beside.", min=1, max=1000)] = None,
    random_regressors: Annotated[
        bool, typer.Option("--random-regressors", help="Learn from single rows in random order, judge by one step: for unstable plants.")
    ] = False,
    rate: Annotated[float | None, typer.Option(help="Samples a second, where the file does not tell.", min=1e-9)] = None,
    out: Annotated[str, typer.Option(help="The model to write.")] = "model.json",
    plots: Annotated[str | None, typer.Option(help="Folder for plots (PNG).")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no report.")] = False,
) -> None:
    """Identify a plant from a record of its inputs and outputs."""
    from rtkit_sysid.identify import IdentificationOptions, identify
    from rtkit_sysid.recording import read_recording

    options = IdentificationOptions(model.value, parse_order(order), hidden, random_regressors)
    if hidden is not None and model is Kind.arx:
        raise UsageError("identify: --hidden is for --model narx; an arx model has no units")
    if rate is not None and not math.isfinite(rate):
        raise UsageError(f"identify: --rate {rate:g} does not fit; expected a number of samples a second")
    check_writable(Path(out))
    if plots is not None:
        make_folder(plots)
    recording = read_recording(data, inputs, outputs, rate)
    with show_progress(not quiet) as tell:
        made = identify(recording, options, tell)
    made.write(out)
    if plots is not None:
        draw(made, recording, Path(plots))
    if not quiet:
        print("\n".join(described(made)))
        free = "" if random_regressors else ",simulate=true"
        print(f"{out}: rtkit run {data} {made.kind}:model={out}{free} --to out.csv")


def check_writable(path: Path) -> None:
    """Find out before minutes of search whether a file can be written. Raises InputError if not."""
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        part = path.with_name(path.name + ".part")
        part.touch()
        part.unlink()
    except OSError as error:
        raise InputError(f"{path}: the model cannot be written: {error.strerror}") from None


def parse_order(text: str) -> Order | None:
    """The order that ``auto`` (None), ``na``, ``na,nb`` or ``na,nb,delay`` means.

    Raises
    ------
    UsageError
        It is none of these.
    """
    from rtkit_sysid.regressors import Order

    if text == "auto":
        return None
    words = text.split(",")
    if not 1 <= len(words) <= 3 or not all(word.strip().isdecimal() and int(word) <= 1000 for word in words):
        raise UsageError(f"identify: --order {text} does not fit; expected auto or na,nb,delay, such as 2,3,0, each up to 1000")
    numbers = [int(word) for word in words]
    na, nb, delay = numbers + [numbers[0] + 1, 0][len(numbers) - 1 :]
    if na + nb == 0:
        raise UsageError(f"identify: --order {text} sees nothing; expected past outputs or inputs")
    return Order(na, nb, delay)


def described(model: Model) -> list[str]:
    """What was found, in lines."""
    lines = [f"{model.report['data']}: {model.report['samples']} samples; inputs {', '.join(model.inputs)}"]
    for number, name in enumerate(model.outputs):
        found = model.report["outputs"][name]
        lines.append(f"{name}: {found['forms']} forms tried; errors (rms) on what each had not learned from:")
        names = f"{'family':18} {'na':>3} {'nb':>3} {'delay':>5} {'units':>5} {'parameters':>10}"
        lines.append(f"    {names} {'one step':>11} {'10 steps':>11} {'free run':>11}")
        lines += [f"    {_line(row)}" for row in found["tried"][:PRINTED]]
        for what in ("one_step", "free_run"):
            lines.append(f"  for {what.replace('_', ' ')}: {_line(found[what])}")
        white = found["residuals"]["whiteness"]
        verdict = "may be white" if white["p_value"] >= 0.01 else "is not white"
        outside = max((one["outside"] for one in found["residuals"]["independence"]), default=0.0)
        lines.append(f"  one-step error {verdict} (Ljung-Box p = {white['p_value']:.3g}); {outside:.0%} of lags depend on an input")
        lines += _transfer_lines(model, number)
    return lines


def _line(row: dict[str, Any]) -> str:
    from rtkit_sysid.identify import ERRORS

    errors = [f"{row[key]:11.4g}" if row[key] is not None else f"{'-':>11}" for key in ERRORS]
    numbers = f"{row['na']:3} {row['nb']:3} {row['delay']:5} {row['units']:5} {row['parameters']:10}"
    return " ".join([f"{row['family']:18}", numbers, *errors])


def _transfer_lines(model: Model, output: int) -> list[str]:
    """Transfer functions of a linear model."""
    lines = []
    for number, name in enumerate(model.inputs):
        try:
            found = model.transfer_function(output, number)
        except InputError:  # it is not linear
            return []
        if len(found.numerator) + len(found.denominator) <= 12:
            above, below = (" ".join(f"{value:.6g}" for value in side) for side in (found.numerator, found.denominator))
            lines.append(f"  from {name}: ({above}) / ({below}) in powers of 1/z; {'stable' if found.stable else 'unstable'}")
    return lines


def draw(model: Model, recording: PlantRecord, folder: Path) -> None:
    """Plots of a model: free run, errors over order, residuals, and, of a linear one, poles and zeros, Bode plot, impulse response."""
    import numpy as np

    from rtkit_sysid import plots
    from rtkit_sysid.residuals import independence, whiteness

    make_folder(folder)
    time = np.arange(len(recording.y)) / recording.rate
    for number, name in enumerate(model.outputs):
        plain = "".join(letter if letter.isalnum() else "-" for letter in name)
        measured = recording.y[:, number]
        one_step = model.predict[number].one_step(recording.u, measured)
        runs = {"one step": one_step, "free run": model.simulate[number].free_run(recording.u, measured)}
        plots.free_run(time, measured, runs, folder / f"{plain}-run.png")
        left = measured - one_step
        plots.residuals(whiteness(left), independence(left, recording.u), folder / f"{plain}-residuals.png")
        tried = model.report["outputs"][name]["tried"]
        rows = [
            {"family": row["family"], "reach": max(row["na"], row["delay"] + row["nb"] - 1), "error": row["free_run_error"]}
            for row in tried
            if row["free_run_error"] is not None
        ]
        plots.order_errors(rows, folder / f"{plain}-orders.png")
        for place, input_name in enumerate(model.inputs):
            try:
                found = model.transfer_function(number, place)
            except InputError:  # it is not linear
                break
            start = f"{plain}-from-{''.join(letter if letter.isalnum() else '-' for letter in input_name)}"
            plots.poles_and_zeros(found, folder / f"{start}-poles.png")
            plots.bode(found, folder / f"{start}-bode.png")
            plots.impulse_response({input_name: found}, model.rate, folder / f"{start}-impulse.png")
