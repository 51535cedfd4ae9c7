"""The demo: a shipped buck converter and the unstable plant, identified, run free, and drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rtkit import Stream, make_folder
from rtkit_sysid import plots
from rtkit_sysid.command import described, draw
from rtkit_sysid.identify import IdentificationOptions, identify
from rtkit_sysid.predictor import rms
from rtkit_sysid.recording import read_recording
from rtkit_sysid.regressors import Order
from rtkit_sysid.transfer import TransferFunction

TRAIN, TEST = (Path(__file__).parent / "data" / f"buck_{part}.csv" for part in ("train", "test"))
CREDIT = "Buck converter: github.com/wilsonrljr/sysidentpy-data, MIT."
#: Measured samples at the beginning of the free run.
INITIAL = 20
#: The plant of ``synth:plant``: y[k] = 2 u[k] + 4 u[k-1] - 6 y[k-1] - 8 y[k-2].
PLANT = TransferFunction(np.array([2.0, 4.0]), np.array([1.0, 6.0, 8.0]), 1.0)
#: Samples of the impulse response of the plant that are drawn: it grows fourfold a sample.
IMPULSE = 8


def run(folder: str) -> list[str]:
    """Identify both, leave models and plots in `folder`; returns lines to print."""
    out = make_folder(folder)
    return [*_converter(out), "", *_plant(out), CREDIT]


def _converter(out: Path) -> list[str]:
    """A converter between two voltages: the model learns from one record and runs free on another."""
    train, test = (read_recording(str(path), None, None, None) for path in (TRAIN, TEST))
    model, table = out / "buck.json", out / "buck-free-run.csv"
    made = identify(train, IdentificationOptions())
    made.write(model)
    draw(made, test, out / "buck")
    step = f"narx:model={model},simulate=true,initial={INITIAL}"
    Stream(str(TEST), [step], to=[str(table)]).run()
    measured = test.y[:, 0]
    said = np.loadtxt(table, delimiter=",", skiprows=1)[:, 1]
    error = rms((said - measured)[INITIAL:])
    return [
        f"rtkit identify {TRAIN} --out {model}",
        *described(made),
        f"rtkit run {TEST} {step} --to {table}",
        f"    free run over {len(measured)} samples it has not seen: {error:.3f} V rms; look at {out / 'buck'}",
    ]


def _plant(out: Path) -> list[str]:
    """A plant that runs away by itself: single rows of its regressors, in random order, tell its transfer function."""
    record = read_recording("synth:plant", None, None, None)
    made = identify(record, IdentificationOptions("arx", Order(2, 3), single=True))
    made.write(out / "plant.json")
    found = made.transfer_function()
    draw(made, record, out / "plant")
    plots.impulse_response({"as identified": found, "the plant": PLANT.impulse(IMPULSE)}, record.rate, out / "plant.png", IMPULSE)
    wrong = max(np.abs(found.numerator - [*PLANT.numerator, 0]).max(), np.abs(found.denominator - PLANT.denominator).max())
    return [
        f"rtkit identify synth:plant --model arx --order 2,3 --random-regressors --out {out / 'plant.json'}",
        *described(made),
        f"    coefficients right to {wrong:.1e}; look at {out / 'plant.png'}",
    ]
