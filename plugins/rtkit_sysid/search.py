"""Which form fits a record best: every candidate learns, in rounds, and is judged on parts of the record that it has not seen."""

from __future__ import annotations

import itertools
import math
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rtkit_sysid import fit
from rtkit_sysid.families import Candidate
from rtkit_sysid.fit import WHOLE, ScaledRecord
from rtkit_sysid.predictor import Form, Predictor, Scale, rms
from rtkit_sysid.regressors import Floats, usable_times

#: Rounds: lengths (samples) of the free runs on whose errors candidates learn; the first, one step, is least squares where it can be.
ROUNDS = (1, 16, 64, 200, WHOLE)
#: Share of the candidates that goes on to the next round.
KEPT = (0.5, 0.5, 0.5, 0.5)
#: Steps of Levenberg-Marquardt a round.
STEPS = 25
#: The same for single rows, whose errors have no noise to be learned, with each penalty.
STEPS_SINGLE = 150
#: Penalties on their squared parameters, for each row, one after another: the first leads to units that are not so sharp that they
#: fit single rows, and the last hardly bends them any more.
HELD_SINGLE = (1e-6, 1e-9, 1e-12)
#: A record shorter than this is judged in three parts, each left out in turn, and its free runs overlap; of a longer one the last
#: quarter is left out.
SHORT_SAMPLES = 8000
FOLDS, LEFT_OUT = 3, 0.25
#: Samples to learn from in a search, and to judge by, at the most; the best form then learns from everything.
MAX_LEARNED_SAMPLES, MAX_JUDGED_SAMPLES = 8000, 8000
#: Where the error of a form with at most `SMALLER` times the parameters of the best is within this factor of the least, it is taken
#: instead: it will do better beyond what was seen, and in a short record, errors are that uncertain.
ALIKE_SHORT, ALIKE_LONG, ALIKE_ONE_STEP, SMALLER = 1.4, 1.1, 1.03, 0.6
#: Errors below this, on scaled outputs, are rounding.
EXACT = 1e-9
#: Other inputs on which a model must stay bounded: so much larger, and in so many pieces, put together anew so many times; how
#: many samples each fades into the next, at the least; and how far beyond the largest output that was seen a model may go.
LARGER_RATIO, PIECES, SHUFFLES, MIN_FADE_SAMPLES, MAX_OUTPUT_RATIO = 1.1, 12, 5, 20, 3.0
#: Free runs of so many samples from so many beginnings must not be worse than this many times what a model was judged to be.
STARTS, RUN_SAMPLES, MAX_ERROR_RATIO = 40, 400, 3.0
#: Forms of which it is found out whether they can be relied on; if none can, the best one is taken all the same.
TRIED = 12
#: Steps ahead of the k-step error, which decides for a plant that cannot run free.
AHEAD_SAMPLES = 10


@dataclass(slots=True)
class Trial:
    """A candidate and how far it got: for each part left out the parameters, and the errors on it after each round."""

    candidate: Candidate
    thetas: list[Floats]
    one_step: list[float] = field(default_factory=list)
    ahead: list[float] = field(default_factory=list)
    free_run: list[float] = field(default_factory=list)
    kept: list[list[Floats]] = field(default_factory=list)

    @property
    def form(self) -> Form:
        """The form tried."""
        return self.candidate.form

    @property
    def best(self) -> int:
        """The round after which the free-run error was least; of a plant that cannot run free, the error some steps ahead."""
        return min(range(len(self.free_run)), key=lambda number: (self.free_run[number], self.ahead[number]))

    @property
    def error(self) -> float:
        """The least free-run error."""
        return self.free_run[self.best]

    @property
    def rank(self) -> tuple[float, float]:
        """The least is the best: free-run error, and where that is infinite, the error some steps ahead."""
        return self.error, self.ahead[self.best]


class Search:
    """The candidates on one record of one output.

    Parameters
    ----------
    u, y : ndarray
        ``[n, m]`` and ``[n]``; NaN where samples are missing.
    single : bool
        Judge and learn by one step ahead only, single rows of regressors left out at random: for a plant that cannot run free.
    tell : callable
        Called with a line about what is being done, and how much of it (0 to 1) is done.
    """

    def __init__(self, u: Floats, y: Floats, single: bool, tell: Callable[[str, float], None]) -> None:
        self.scale = Scale.of(u, y)
        self.u, self.y = self.scale.apply(u, y)
        self.single, self._tell = single, tell
        self._interrupted = threading.Event()
        self.short = len(y) < SHORT_SAMPLES
        self.parts = self._left_out()

    def _left_out(self) -> list[tuple[int, int]]:
        n = len(self.y)
        if self.single or not self.short:
            return [(n - int(LEFT_OUT * n), n)]
        edges = np.linspace(0, n, FOLDS + 1).astype(int)
        return [(int(begin), int(end)) for begin, end in itertools.pairwise(edges)]

    def run(self, candidates: Sequence[Candidate]) -> list[Trial]:
        """Let all learn and judge them; the best first."""
        trials = [Trial(one, []) for one in candidates]
        rounds = ROUNDS[:1] if self.single else ROUNDS
        going = trials
        pool = ThreadPoolExecutor(os.cpu_count() or 1)
        try:
            for number, horizon in enumerate(rounds):
                for done, _ in enumerate(pool.map(self._round, going, itertools.repeat(horizon)), 1):
                    self._tell(f"round {number + 1} of {len(rounds)}: {len(going)} forms", (number + done / len(going)) / len(rounds))
                going = sorted((trial for trial in going if trial.free_run), key=lambda trial: trial.rank)
                if number < len(KEPT):
                    going = going[: max(4, math.ceil(KEPT[number] * len(going)))]
        except BaseException:  # an interrupt does not wait for all that is going on and to come
            self._interrupted.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
        return sorted((trial for trial in trials if trial.free_run), key=lambda trial: trial.rank)

    def _round(self, trial: Trial, horizon: int) -> None:
        """Let one candidate learn on free runs of one length, and judge it."""
        found = []
        for part, (begin, end) in enumerate(self.parts):
            learned, judged = self._split(trial.form, begin, end)
            if len(learned) < 1.5 * trial.form.size or not len(judged):
                return
            record = ScaledRecord(self.u, self.y, learned[-MAX_LEARNED_SAMPLES:])
            theta = trial.thetas[part] if len(trial.thetas) > part else begin_with(trial.candidate, record)
            if horizon > 1 or trial.form.hidden:
                theta = self.descend(trial.form, record, theta, horizon)
            trial.thetas[part : part + 1] = [theta]
            found.append(self.errors(trial.form, theta, begin, end, judged))
        one, ahead, free = (math.sqrt(np.mean(np.square(column))) for column in zip(*found, strict=True))
        trial.one_step.append(one)
        trial.ahead.append(one if self.single else ahead)
        trial.free_run.append(one if self.single else free)
        trial.kept.append(list(trial.thetas))

    def _split(self, form: Form, begin: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Times to learn from and to judge by, when a part is left out; of single rows, some at random."""
        times = usable_times(self.u, self.y, form.order)
        if self.single:
            chosen = np.random.default_rng(0).random(len(times)) < LEFT_OUT
            return times[~chosen], times[chosen]
        inside = (times >= begin) & (times < end)
        return times[(times < begin) | (times >= end + form.order.max_lag)], times[inside]

    def errors(self, form: Form, theta: Floats, begin: int, end: int, judged: NDArray[np.int64]) -> tuple[float, ...]:
        """Errors one step ahead, 1 to `AHEAD_SAMPLES` steps ahead, and of a free run over a part, scaled."""
        predictor = Predictor(form, Scale.none(form.inputs), theta)
        one = rms((predictor.one_step(self.u, self.y) - self.y)[judged])
        part = slice(begin, min(end, begin + MAX_JUDGED_SAMPLES))
        skipped = max(form.order.max_lag, min(50, (part.stop - part.start) // 10))
        run = predictor.free_run(self.u[part], self.y[part], skipped)
        ahead = predictor.free_run(self.u[part], self.y[part], horizon=AHEAD_SAMPLES)
        errors = (rms((values - self.y[part])[skipped:]) for values in (ahead, run))
        return one, *(math.inf if math.isnan(error) else error for error in errors)

    def descend(self, form: Form, record: ScaledRecord, theta: Floats, horizon: int) -> Floats:
        """Learn on free runs of one length.

        Units and products are held back by a penalty as large as if they were known to be about 0 ± 1 beforehand (weight decay,
        in the measure of the errors that are there), which keeps a short record's noise from being learned. Single rows, of a plant
        that is learned without its noise, end with next to none.
        """
        record = self.windows(record, horizon)
        evaluate = fit.errors_of(form, record, horizon)
        if self.single:
            for held in HELD_SINGLE:
                penalty = np.full(form.size, held * len(record.times))
                theta = fit.levenberg_marquardt(fit.with_penalty(evaluate, penalty), theta, STEPS_SINGLE, self._goes_on)
            return theta
        cost = evaluate(theta)[0]
        if not math.isfinite(cost):
            return theta
        bent = (form.terms > 0).sum(axis=1) > 1
        penalty = np.concatenate([bent, np.ones(form.size - len(bent))]) * (cost / len(record.times))
        return fit.levenberg_marquardt(fit.with_penalty(evaluate, penalty), theta, STEPS, self._goes_on)

    def _goes_on(self, theta: Floats) -> bool:
        return not self._interrupted.is_set()

    def windows(self, record: ScaledRecord, horizon: int) -> ScaledRecord:
        """The times of free runs that overlap, so that a short record has many beginnings."""
        times = record.times
        if horizon in (1, WHOLE) or not self.short or len(times) <= horizon:
            return record
        begins = range(0, len(times) - horizon // 2, max(1, horizon // 4))
        return ScaledRecord(record.u, record.y, np.concatenate([times[begin : begin + horizon] for begin in begins]))

    def best_one_step(self, trials: Sequence[Trial]) -> tuple[Trial, Floats]:
        """The form for one-step prediction, and its parameters."""
        chosen = preferred(trials, lambda trial: trial.one_step[0], ALIKE_ONE_STEP)[0]
        return chosen, self.finish(chosen, 0)

    def best_free_run(self, trials: Sequence[Trial]) -> tuple[Trial, Floats]:
        """The form for free runs, and its parameters: the first that can be relied on. Where none runs free at all, it is the best
        some steps ahead.
        """
        finite = [trial for trial in trials if math.isfinite(trial.error)]
        order = preferred(finite, lambda trial: trial.error, ALIKE_SHORT if self.short else ALIKE_LONG) if finite else []
        for trial in order[:TRIED] if not self.single else []:
            theta = self.finish(trial, trial.best)
            if self.stays_within_bounds(trial.form, theta) and self.starts_anywhere(trial.form, theta, trial.error):
                return trial, theta
        chosen = order[0] if order else trials[0]
        return chosen, self.finish(chosen, chosen.best)

    def stays_within_bounds(self, form: Form, theta: Floats) -> bool:
        """Whether free runs on other inputs of the same kind stay where outputs have been, and some way beyond.

        A polynomial that fits a record can still run away on the next one. The inputs are the record's own: larger, and, as a short
        record shows only a little of what may come, in pieces put together in another order, too.
        """
        u = np.nan_to_num(self.u[:MAX_LEARNED_SAMPLES])
        others = [LARGER_RATIO * u]
        if self.short:
            random, pieces = np.random.default_rng(0), np.array_split(u, PIECES)
            fade = max(MIN_FADE_SAMPLES, 2 * form.order.max_lag)
            others += [_faded([pieces[number] for number in random.permutation(PIECES)], fade) for _ in range(SHUFFLES)]
        predictor = Predictor(form, Scale.none(form.inputs), theta)
        bound = MAX_OUTPUT_RATIO * np.nanmax(np.abs(self.y))
        return all(np.abs(predictor.free_run(inputs, np.zeros(len(inputs)))).max() < bound for inputs in others)

    def starts_anywhere(self, form: Form, theta: Floats, error: float) -> bool:
        """Whether free runs that begin at many places of the record are all about as good as it was judged to be.

        A network may have a second place of rest, which it reaches from few beginnings only.
        """
        predictor, n = Predictor(form, Scale.none(form.inputs), theta), len(self.y)
        for begin in range(0, n - 2 * form.order.max_lag, max(1, n // STARTS)):
            u, y = self.u[begin : begin + RUN_SAMPLES], self.y[begin : begin + RUN_SAMPLES]
            if rms((predictor.free_run(u, y) - y)[form.order.max_lag :]) > MAX_ERROR_RATIO * error:
                return False
        return True

    def finish(self, trial: Trial, round_: int) -> Floats:
        """Let a form learn from all of the record, from where each part left out had led it; the best of these."""
        record = ScaledRecord.of(trial.form, self.u, self.y)
        if round_ == 0 and not trial.form.hidden:
            return fit.least_squares(trial.form, record)
        horizon = ROUNDS[round_]
        whole = self.windows(record, horizon)
        found = [self.descend(trial.form, record, theta, horizon) for theta in trial.kept[round_]]
        return min(found, key=lambda theta: fit.errors_of(trial.form, whole, horizon)(theta)[0])


def preferred(trials: Sequence[Trial], by: Callable[[Trial], float], factor: float) -> list[Trial]:
    """The trials in the order in which they are to be taken: the much smaller ones that are about as good as the best, then by error.

    Of the former, those without units come first, as they can be read, and then those with few parameters.
    """
    best = min(trials, key=by)

    def rank(trial: Trial) -> tuple[float, ...]:
        smaller = by(trial) <= factor * by(best) and trial.form.size <= SMALLER * best.form.size
        if smaller or by(trial) <= EXACT:
            return (0, trial.form.hidden > 0, trial.form.size, by(trial))
        return (1, by(trial))

    return sorted(trials, key=rank)


def _faded(pieces: Sequence[Floats], length: int) -> Floats:
    """Pieces ``[n, m]`` put together, each fading into the next over so many samples."""
    made = pieces[0]
    for piece in pieces[1:]:
        count = min(length, len(made), len(piece))
        rise = np.linspace(0, 1, count)[:, None]
        made = np.concatenate([made[:-count], (1 - rise) * made[-count:] + rise * piece[:count], piece[count:]])
    return made


def begin_with(candidate: Candidate, record: ScaledRecord) -> Floats:
    """Least squares for the terms, small random weights for the units."""
    form, count = candidate.form, len(candidate.form.terms)
    theta = fit.least_squares(form, record)
    if form.hidden:
        random = np.random.default_rng(candidate.seed)
        slope = 1.0 if count > 1 else 0.3  # without linear terms, units stand in for them at first
        theta[count : count + form.hidden * form.width] = random.normal(0, slope * form.width**-0.5, form.hidden * form.width)
        theta[count + form.hidden * form.width : -form.hidden] = random.normal(0, 1, form.hidden)
        theta[-form.hidden :] = random.normal(0, 0.01 if count > 1 else 0.5, form.hidden)
    return theta
