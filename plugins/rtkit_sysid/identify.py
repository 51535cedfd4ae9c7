"""A model from a record: search, choice, and a report of how good it is on what it has not learned from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from rtkit import InputError
from rtkit_sysid import fit
from rtkit_sysid.families import SEEDS, Candidate, candidates
from rtkit_sysid.fit import ScaledRecord
from rtkit_sysid.model import Model
from rtkit_sysid.predictor import Form, Predictor, Scale, is_constant, products, rms
from rtkit_sysid.recording import PlantRecord
from rtkit_sysid.regressors import Floats, Order
from rtkit_sysid.residuals import independence, whiteness
from rtkit_sysid.search import AHEAD_SAMPLES, EXACT, Search, Trial

#: Longest dead time that is looked for (samples), and how much smaller it must make the error to be believed.
MAX_DELAY_SAMPLES, BELIEVED = 100, 0.9
#: Forms in the report's table.
SHOWN = 20
#: The errors (rms) in a row of it: one step, 1 to 10 steps, and any number of steps ahead.
ERRORS = ("one_step_error", f"{AHEAD_SAMPLES}_step_error", "free_run_error")

Tell = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class IdentificationOptions:
    """What is to be found.

    Parameters
    ----------
    kind : str
        arx: linear; narx: linear, polynomial or neural, whichever is best.
    order : Order, optional
        The order; found when not given.
    hidden : int, optional
        Units of a network of sigmoids and nothing beside, as in the textbooks; the search decides when not given.
    single : bool
        Learn from single rows of regressors in random order and judge by one step: for a plant that cannot run free.
    """

    kind: Literal["arx", "narx"] = "narx"
    order: Order | None = None
    hidden: int | None = None
    single: bool = False


def identify(recording: PlantRecord, options: IdentificationOptions, tell: Tell = lambda line, done: None) -> Model:
    """Find a model of each output.

    Parameters
    ----------
    recording : PlantRecord
        Inputs and outputs.
    options : IdentificationOptions
        What kind.
    tell : callable, optional
        Called with what is being done, and how much of it is done (0 to 1).

    Raises
    ------
    InputError
        The record is too short for any model of this kind, or an output does not change.
    """
    from threadpoolctl import threadpool_limits

    predict, simulate, reports = [], [], {}
    with threadpool_limits(1, "blas"):  # its threads take ten times as long for matrices of this size, and candidates have their own
        for number, name in enumerate(recording.outputs):
            one, free, reports[name] = _identify_output(recording, number, options, tell)
            predict.append(one)
            simulate.append(free)
    report = {"data": recording.name, "samples": len(recording.y), "outputs": reports}
    return Model(options.kind, recording.inputs, recording.outputs, recording.rate, tuple(predict), tuple(simulate), report)


def _identify_output(
    recording: PlantRecord, number: int, options: IdentificationOptions, tell: Tell
) -> tuple[Predictor, Predictor, dict[str, Any]]:
    u, y, name = np.ascontiguousarray(recording.u), np.ascontiguousarray(recording.y[:, number]), recording.outputs[number]
    if is_constant(y):
        raise InputError(f"{recording.name}: output {name} does not change; expected a signal")
    search = Search(u, y, options.single, tell)
    delay = 0 if options.order or not recording.inputs else dead_time(search.u, search.y)
    tried = search.run(_candidates(options, len(recording.inputs), len(y), delay))
    if not tried:
        what = f"order na={options.order.na}, nb={options.order.nb}" if options.order else "any model"
        raise InputError(f"{recording.name}: {len(y)} samples, too few without a gap for {what} of {name}")
    one, one_theta = search.best_one_step(tried)
    free, free_theta = search.best_free_run(tried)
    report = _report(search, tried, one, free, recording.inputs, name)
    predictors = Predictor(one.form, search.scale, one_theta), Predictor(free.form, search.scale, free_theta)
    report["residuals"] = _residuals(predictors[0], recording, number)
    return *predictors, report


def _candidates(options: IdentificationOptions, inputs: int, samples: int, delay: int) -> list[Candidate]:
    if options.hidden is None:
        return candidates(options.kind, inputs, samples, options.order, delay)
    orders = [options.order] if options.order else [Order(lag, lag + 1, delay) for lag in (1, 2, 3, 5, 8)]
    constant = np.zeros((1, 3), np.int64)
    forms = [Form(order, inputs, constant, options.hidden, "sigmoid") for order in orders]
    return [Candidate("network", form, seed) for form in forms for seed in range(SEEDS)]


def dead_time(u: Floats, y: Floats) -> int:
    """Samples after which the inputs act on the output: where a small linear model is best, if that is clearly better than none."""
    errors = []
    for delay in range(min(MAX_DELAY_SAMPLES, len(y) // 20) + 1):
        order = Order(2, 3, delay)
        form = Form(order, u.shape[1], products(order.width(u.shape[1]), 1))
        record = ScaledRecord.of(form, u, y)
        if len(record.times) < 4 * form.size:
            break
        theta = fit.least_squares(form, record)
        errors.append(rms((Predictor(form, Scale.none(u.shape[1]), theta).one_step(u, y) - y)[record.times]))
    if not errors:
        return 0
    best = int(np.argmin(errors))
    return best if errors[best] < BELIEVED * errors[0] and errors[0] > EXACT else 0


def _report(search: Search, tried: list[Trial], one: Trial, free: Trial, inputs: tuple[str, ...], name: str) -> dict[str, Any]:
    return {
        "one_step": _row(one, 0, search),
        "free_run": _row(free, free.best, search),
        "regressors": list(free.form.order.names(inputs, name)),
        "judged_on": "random rows" if search.single else [list(part) for part in search.parts],
        "tried": [_row(trial, trial.best, search) for trial in tried[:SHOWN]],
        "forms": len(tried),
    }


def _row(trial: Trial, round_: int, search: Search) -> dict[str, Any]:
    order, form = trial.form.order, trial.form
    made = {"family": trial.candidate.family, "na": order.na, "nb": order.nb, "delay": order.delay, "units": form.hidden}
    found = [trial.one_step[round_], trial.ahead[round_], trial.free_run[round_]]
    if search.single:  # there were no runs
        found[1:] = math.inf, math.inf
    errors = {key: error * search.scale.y_scale for key, error in zip(ERRORS, found, strict=True)}
    return made | {"parameters": form.size} | {key: value if math.isfinite(value) else None for key, value in errors.items()}


def _residuals(predictor: Predictor, recording: PlantRecord, number: int) -> dict[str, Any]:
    error = recording.y[:, number] - predictor.one_step(recording.u, recording.y[:, number])
    return {"whiteness": asdict(whiteness(error)), "independence": [asdict(one) for one in independence(error, recording.u)]}
