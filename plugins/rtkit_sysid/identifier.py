"""What `arx` and `narx` share: channels and models, gaps, free runs, events, states, export."""

# Annotations are objects here and not text: the subclasses, in modules of their own, inherit those of the parameters.
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rtkit import Block, Range, SampleProcessor, SampleSpec, SpecError, UsageError, restore
from rtkit_sysid.model import Model
from rtkit_sysid.predictor import ROUNDING, Form, Predictor, Scale
from rtkit_sysid.regressors import Floats, Order

if TYPE_CHECKING:
    from rtkit.models import TapNetwork

#: Samples beyond this are no more measured than NaN is; products of them would overflow.
MAX_MAGNITUDE = 1e30
#: Fewest samples between two events, unless told otherwise.
MIN_EVENT_INTERVAL_SAMPLES = 1000
#: A new model is judged in the summary after so many predictions a parameter; before, it shows what it began with.
WARM_UP_SAMPLES_PER_PARAMETER = 2
#: Below this share of the output's variance, a model counts as explaining nothing.
LEAST_EXPLAINED = 0.01
# places in `counts`: samples until the next event; samples seen; complete samples from which scales are taken
UNTIL_EVENT, SEEN, SCALED = range(3)


@dataclass(slots=True)
class OutputLearner:
    """The predictor of one output while it learns, and what it remembers.

    Parameters
    ----------
    form, scale, theta
        As of `rtkit_sysid.predictor.Predictor`; `theta` changes as it learns.
    upper, variances : ndarray
        Covariance of `theta`, ``[p, p]`` and ``[p]``; of no size where the rule has none.
    power : ndarray
        Mean squares of the terms ``[p]``.
    simulated : ndarray
        The last outputs ``[max_lag]`` as a free run sees them: the model's own, scaled.
    levels, totals : ndarray
        Of `rtkit_sysid.identifier_kernel.finish`: since the last event, and since `Identifier.open`.
    diverged : ndarray
        ``[1]``: whether a free run has run away.
    learned : ndarray
        ``[1]``: samples that it has learned from since `Identifier.open`.
    diverged_at : float
        When (s) a free run first ran away; infinite if it has not.
    """

    form: Form
    scale: Scale
    theta: Floats
    upper: Floats
    variances: Floats
    power: Floats
    simulated: Floats
    levels: Floats
    diverged: NDArray[np.bool_]
    totals: Floats
    learned: NDArray[np.int64]
    diverged_at: float = math.inf

    @property
    def lags(self) -> tuple[int, int, int]:
        """Lags as the kernels take them."""
        return self.form.order.na, self.form.order.nb, self.form.order.delay

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that a state holds, as views, by the names that it has in a file."""
        names = ("theta", "upper", "variances", "power", "levels")
        return {name: getattr(self, name) for name in names} | {"own": self.simulated, "away": self.diverged}


@dataclass(eq=False)
class Identifier(SampleProcessor):
    """Inputs and outputs of a plant in, prediction and error of each output out; a subclass says what the model is and how it learns.

    A subclass gives the form of a new model in `form`, tells by `recursive` whether its rule needs a covariance, and runs its kernel
    in `run`.

    Parameters
    ----------
    na : int
        Past values of the output among the regressors (samples).
    nb : int
        Values of each input among the regressors (samples).
    delay : int
        Dead time: by how much an input acts late (samples); 0 if u[k] acts on y[k].
    model : str
        File of a model that `rtkit identify` wrote, to run or to go on from; its form and channels go before the parameters here.
    outputs : str
        Names of the outputs, joined by +; the last channel when not given.
    learn : bool
        Learn; true without a model and false with one when not given.
    simulate : bool
        Free-run simulation: after the first samples the model sees its own outputs, and learns nothing. Outputs need not be there.
    initial : int
        Measured samples at the beginning of a free run (samples); at least as many as the model looks back.
    event_interval : int
        Interval of events (samples); a second's, and at least 1,000, when not given.
    step_size : float
        α of the gradient rules, lms, nlms and sgd (a ratio): the share of the error that a step takes away; smaller for noisy outputs.
    forgetting : float
        Forgetting factor λ of the recursive rules, rls and ekf (a ratio): they remember about 1 / (1 - λ) samples.
    """

    na: Annotated[int, Range(0, 1000)] = 2
    nb: Annotated[int, Range(0, 1000)] = 3
    delay: Annotated[int, Range(0, 100_000)] = 0
    model: str | None = None
    outputs: str | None = None
    learn: bool | None = None
    simulate: bool = False
    initial: Annotated[int, Range(0)] = 0
    event_interval: Annotated[int, Range(1)] | None = None
    step_size: Annotated[float, Range(0, 1.9)] = 0.5
    forgetting: Annotated[float, Range(0.9, 1)] = 1.0

    renamed: ClassVar[dict[str, str]] = {"every": "event_interval"}
    live: ClassVar[tuple[str, ...]] = ("learn", "step_size", "forgetting")
    dtype: ClassVar[type[np.floating[Any]]] = np.float64
    default_rate: ClassVar[float | None] = 1.0

    @property
    def learning(self) -> bool:
        """Whether it learns: if asked to, or if nobody gave it a model; never while it runs free."""
        return not self.simulate and (self.model is None if self.learn is None else self.learn)

    @property
    def recursive(self) -> bool:
        """Whether the rule needs a covariance of the parameters."""
        raise NotImplementedError

    def form(self, order: Order, inputs: int) -> Form:
        """The form of a new model with these regressors."""
        raise NotImplementedError

    def begin(self, form: Form) -> Floats:
        """Parameters of a new model."""
        return np.zeros(form.size)

    def run(self, learner: OutputLearner, u: Floats, y: Floats, start: int, out: Floats) -> None:
        """Run the kernel over scaled samples from `start` on: fill `out`, NaN where there is no prediction, and learn."""
        raise NotImplementedError

    def findings(self, output: int) -> dict[str, Any]:
        """What an event tells of the model beside its error."""
        return {}

    def open(self, spec: SampleSpec) -> SampleSpec:
        """Accept inputs and outputs, at any rate.

        Raises
        ------
        SpecError
            No output or no input among the channels, or not those of the model.
        InputError
            The model file is missing or damaged, or of a kind that this identifier cannot learn.
        UsageError
            A free run without a model, or a model of nothing.
        """
        from rtkit_sysid import identifier_kernel

        super().open(spec)
        self._finish = identifier_kernel.finish
        self._hold_parameters()
        self._find_predictors(spec)
        predictors = self._predictors
        self._max_lag = max(one.form.order.max_lag for one in predictors)
        self._past = np.full((self._max_lag, len(spec.channels)), np.nan)
        self._event_interval = self.event_interval or max(MIN_EVENT_INTERVAL_SAMPLES, round(spec.rate))
        self._counts = np.array([self._event_interval, 0, 0])
        self._position = np.zeros(1, np.int64)  # in the stream, of the sample to come
        sizes = [one.form.size if self.recursive and not self.simulate else 0 for one in predictors]
        self._learners = [
            OutputLearner(
                one.form, one.scale, one.theta.copy(), np.zeros((size, size)), np.zeros(size), np.zeros(one.form.size),
                np.zeros(self._max_lag), np.zeros(identifier_kernel.LEVELS), np.zeros(1, np.bool_), np.zeros(identifier_kernel.TOTALS),
                np.zeros(1, np.int64),
            )
            for one, size in zip(predictors, sizes, strict=True)
        ]  # fmt: skip
        new = self.model is None
        self._warm_up = [WARM_UP_SAMPLES_PER_PARAMETER * one.form.size if new else 0 for one in predictors]
        self.allocate()
        suffixes = [f" {name}" for name in self._names] if len(self._names) > 1 else [""]
        self._channels = tuple(f"{what}{suffix}" for suffix in suffixes for what in ("prediction", "error"))
        self.advance(np.zeros((0, len(spec.channels))), np.zeros((0, len(self._channels))), 0)  # a live stream cannot wait for kernels
        return SampleSpec(spec.rate, self._channels)

    def allocate(self) -> None:
        """Allocate what a subclass remembers beside its learners."""

    def _find_predictors(self, spec: SampleSpec) -> None:
        """The channels of inputs and outputs (none of those of outputs that are not there), their names, and a predictor an output."""
        channels = spec.channels
        if self.model is not None:
            found = Model.read(self.model)
            self._inputs, self._targets = self._match(found, spec)
            self._names: tuple[str, ...] = found.outputs
            self._input_names: tuple[str, ...] = found.inputs
            self._predictors = found.simulate if self.simulate else found.predict
            return
        if self.simulate:
            raise UsageError(f"{type(self).__name__}: simulate=true needs model=FILE, written by rtkit identify")
        names = tuple(self.outputs.split("+")) if self.outputs else channels[-1:]
        if len({*names}) != len(names):
            raise UsageError(f"{type(self).__name__}: outputs={self.outputs} names an output twice")
        if missing := [name for name in names if name not in channels]:
            raise SpecError(f"no output {', '.join(missing)} among the channels of {spec}")
        self._names = names
        self._input_names = tuple(name for name in channels if name not in names)
        if not self._input_names:
            raise SpecError(f"needs an input and an output at least (2 channels), got {spec}")
        self._inputs = [channels.index(name) for name in self._input_names]
        self._targets = [channels.index(name) for name in names]
        order, inputs = Order(self.na, self.nb, self.delay), len(self._inputs)
        form = self.form(order, inputs)
        if not form.width:
            raise UsageError(f"{type(self).__name__}: na=0 and nb=0 leave nothing to predict from")
        self._predictors = tuple(Predictor(form, Scale.none(inputs), self.begin(form)) for _ in names)

    def _match(self, model: Model, spec: SampleSpec) -> tuple[list[int], list[int]]:
        """Places of a model's inputs and outputs among the channels: by name, or, where none of the names is there, by position."""
        channels, wanted = spec.channels, model.inputs + model.outputs
        options = [wanted] + [model.inputs] * self.simulate
        for names in options:
            if all(name in channels for name in names):
                places = [channels.index(name) for name in names]
                return places[: len(model.inputs)], places[len(model.inputs) :]
        for names in options if not {*wanted} & {*channels} else ():
            if len(names) == len(channels):
                places = list(range(len(names)))
                return places[: len(model.inputs)], places[len(model.inputs) :]
        expected = f"inputs {', '.join(model.inputs) or 'none'} and outputs {', '.join(model.outputs)}"
        raise SpecError(f"{self.model}: expected {len(wanted)} channels, {expected}; got {spec}")

    def _hold_parameters(self) -> None:
        """Take the live parameters as they are now: they do not change within a block."""
        self._learning, self._step_size, self._forgetting = self.learning, self.step_size, self.forgetting

    def process(self, block: Block) -> Block:
        """Predict one block ``[n, channels]``; gives ``[n, 2 * outputs]``: prediction and error of each output."""
        self._hold_parameters()
        data = block.data.astype(np.float64)
        data[~(np.abs(data) <= MAX_MAGNITUDE)] = np.nan
        out = np.empty((len(data), len(self._channels)))
        done = 0
        while done < len(data):
            stop = min(len(data), done + int(self._counts[UNTIL_EVENT]))
            self.advance(data[done:stop], out[done:stop], block.start + done)
            self._counts[UNTIL_EVENT] -= stop - done
            done = stop
            self._position[0] = block.start + done
            if self._counts[UNTIL_EVENT] == 0:
                self._emit_model()
        return block.with_data(out, self._channels)

    def advance(self, data: Floats, out: Floats, first: int) -> None:
        """Predict, and learn from, some samples ``[n, channels]``, NaN where missing; `first` is the number of the first."""
        record = np.concatenate((self._past, data))
        u = record[:, self._inputs]
        departures = []
        for index, learner in enumerate(self._learners):
            y = record[:, self._targets[index]] if self._targets else np.full(len(record), np.nan)
            scaled_u, scaled_y = learner.scale.apply(u, y)
            judge = y[self._max_lag :].copy()
            if self.simulate:
                raw = self._run_free(learner, scaled_u, scaled_y, judge)
                departures += [(place, index) for place in self._departures(learner, raw)]
            else:
                raw = np.empty(len(data))
                self.run(learner, scaled_u, scaled_y, self._max_lag, raw)
            raw = raw * learner.scale.y_scale + learner.scale.y_mean
            error = np.empty(len(data))
            self._finish(raw, judge, error, learner.levels, learner.totals, self._warm_up[index])
            out[:, 2 * index], out[:, 2 * index + 1] = raw, error
        self._past[...] = record[len(data) :]
        self._counts[SEEN] += len(data)
        for place, index in sorted(departures):
            time = (first + place) / self.spec.rate
            self._learners[index].diverged_at = min(self._learners[index].diverged_at, time)
            self.emit(time, "model", "diverged", **self._which(index))

    def _run_free(self, learner: OutputLearner, u: Floats, y: Floats, judge: Floats) -> Floats:
        """`rtkit_sysid.kernel.free_run` over a part of the stream; what was measured at its beginning is not to be judged by.

        Outputs that are missing there, or altogether, count as 0: the plant was at rest.
        """
        from rtkit_sysid import kernel

        start = max(learner.form.order.max_lag, self.initial)
        measured = min(len(judge), max(0, start - int(self._counts[SEEN])))
        judge[:measured] = np.nan
        rest = -learner.scale.y_mean / learner.scale.y_scale
        assumed = measured if self._targets else len(judge)
        seen = np.concatenate((learner.simulated, y[self._max_lag :]))
        early = seen[self._max_lag :][:assumed]
        early[np.isnan(early)] = rest
        raw: Floats = kernel.free_run(
            u, seen, self._max_lag + measured, len(seen) + 1, *learner.lags, learner.theta, *learner.form.kernel_form
        )
        learner.simulated[...] = np.where(np.isnan(raw), seen, raw)[len(judge) :]
        return raw[self._max_lag :]

    def _departures(self, learner: OutputLearner, raw: Floats) -> list[int]:
        """Where a free run begins to run away."""
        diverged = np.concatenate((learner.diverged, np.isinf(raw)))
        learner.diverged[...] = diverged[-1]
        return [int(place) for place in np.flatnonzero(diverged[1:] & ~diverged[:-1])]

    def _which(self, index: int) -> dict[str, Any]:
        return {"output": self._names[index]} if len(self._names) > 1 else {}

    def _emit_model(self) -> None:
        from rtkit_sysid.identifier_kernel import JUDGED, SQUARES

        time = int(self._position[0]) / self.spec.rate
        for index, learner in enumerate(self._learners):
            squares, judged = learner.levels[SQUARES], learner.levels[JUDGED]
            rms = math.sqrt(squares / judged) if judged and squares < math.inf else None
            error = {self._error_name: rms}
            self.emit(time, "model", **(self.findings(index) | error | self._which(index)))
            learner.levels[[SQUARES, JUDGED]] = 0
        self._counts[UNTIL_EVENT] = self._event_interval

    def close(self) -> None:
        """Tell of the samples since the last event."""
        if self._counts[UNTIL_EVENT] < self._event_interval:
            self._emit_model()

    @property
    def _error_name(self) -> str:
        return "free_run_error" if self.simulate else "one_step_error"

    def summary(self) -> dict[str, Any]:
        """The outcome since `open`; of several outputs, for each by its name under ``outputs``.

        ``one_step_error`` (rms in the output's unit; ``free_run_error`` in a free run) and ``explained`` (share of the output's variance
        that the predictions explain: 1 less the mean squared error over the variance, below 0 where the mean would be better) are
        taken over all predictions but the first of a new model, `WARM_UP_SAMPLES_PER_PARAMETER` for each of its parameters. Then
        ``samples_learned``, and what `findings` knows. What is not known is left out. ``warnings``: sentences about what looks wrong.
        """
        if not hasattr(self, "_warm_up"):
            return {}
        several = len(self._names) > 1
        parts = {name: self._summary_of(index) for index, name in enumerate(self._names)}
        warnings = [f"{name}: {warning}" if several else warning for name, part in parts.items() for warning in part.pop("warnings")]
        outcome = {"outputs": parts} if several else parts[self._names[0]]
        return outcome | ({"warnings": warnings} if warnings else {})

    def _summary_of(self, index: int) -> dict[str, Any]:
        from rtkit_sysid.identifier_kernel import FIRST, PREDICTED, SQUARED_ERRORS, SUM, SUM_OF_SQUARES, WARM

        learner, warnings = self._learners[index], list[str]()
        totals, count, learned = learner.totals, int(learner.totals[WARM]), int(learner.learned[0])
        outcome: dict[str, Any] = {}
        if count and totals[SQUARED_ERRORS] < math.inf:
            outcome[self._error_name] = math.sqrt(totals[SQUARED_ERRORS] / count)
            spread = totals[SUM_OF_SQUARES] - totals[SUM] ** 2 / count  # about the mean
            if spread > count * (ROUNDING * totals[FIRST]) ** 2:
                outcome["explained"] = explained = 1 - totals[SQUARED_ERRORS] / spread
                if explained < 0:
                    warnings.append(f"the predictions are worse than the mean of the output (fit {explained:.2g})")
                elif explained < LEAST_EXPLAINED:
                    warnings.append(f"inputs and past outputs explain nothing of the output ({explained:.1%} of its variance)")
        if not self.simulate and (learned or self._learning):
            outcome["samples_learned"] = learned
        if self._counts[SEEN] and self._learning and not learned:
            warnings.append("no sample was learned from; inputs or outputs are missing or silent")
        elif self._targets and self._counts[SEEN] > self._max_lag and not totals[PREDICTED]:
            warnings.append("no prediction could be judged; inputs or outputs are missing")
        if learner.diverged_at < math.inf:
            warnings.append(f"the free run ran away at {learner.diverged_at:g} s")
        error = outcome.get(self._error_name)
        known = learned > 0 or self.model is not None
        return outcome | (self.findings(index) if known else {}) | {"warnings": warnings + self.doubts(index, learned, error)}

    def doubts(self, output: int, learned: int, error: float | None) -> list[str]:
        """What looks wrong with what was learned of an output, in sentences, given the one-step error (rms)."""
        return []

    def predictor(self, output: int = 0) -> Predictor:
        """What was learned up to now of the output with this number."""
        learner = self._learners[output]
        return Predictor(learner.form, learner.scale, learner.theta.copy())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything learned or remembered, as views; NaN and Inf may be among it."""
        own = {"past": self._past, "counts": self._counts, "position": self._position}
        return own | {f"{name}.{i}": array for i, learner in enumerate(self._learners) for name, array in learner.arrays().items()}

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of everything learned or remembered; beside it, as ``NAME.missing``, where NaN stood, and ``NAME.away``, where Inf did."""
        state: dict[str, NDArray[Any]] = {}
        for name, array in self.arrays().items():
            state[name] = np.nan_to_num(array, posinf=0)
            if not np.isfinite(array).all():
                state |= {f"{name}.missing": np.isnan(array), f"{name}.away": np.isinf(array)}
        return state

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            An array is missing or of another shape: the state is of another model.
        """
        targets = self.arrays()
        if "position" not in state and "counts" in state:  # of an older version
            state = state | {"position": state["counts"][SEEN : SEEN + 1]}
        restore(type(self).__name__, targets, state)
        self._warm_up = [0] * len(self._learners)
        for name, target in targets.items():
            for mark, value in (("missing", np.nan), ("away", np.inf)):
                if f"{name}.{mark}" in state:
                    target[state[f"{name}.{mark}"]] = value

    def network(self) -> "TapNetwork":
        """What was learned up to now, as a network that can be written as a model: all channels in, the predictions out.

        Raises
        ------
        UsageError
            It runs free: the network knows measured outputs only.
        """
        from rtkit.models import TapNetwork
        from rtkit_sysid.layers import as_layers

        if self.simulate:
            raise UsageError("a free run cannot be written as a model, as that would see measured outputs; leave out simulate")
        predictors = [self.predictor(index) for index in range(len(self._names))]
        layers = as_layers(predictors, self._inputs, self._targets, len(self.spec.channels))
        name = type(self).__name__.lower()
        does = f"Predicts {', '.join(self._names)} one step ahead from {', '.join(self._input_names)} and the past, as {name} learned it."
        return TapNetwork(name, does, self.spec.channels, layers, rate=self.spec.rate)
