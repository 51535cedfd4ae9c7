"""What `arx` and `narx` share: channels and models, gaps, free runs, events, states, export."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rtkit import Block, Range, SampleProcessor, SampleSpec, SpecError, UsageError, restore
from rtkit_sysid.model import Form, Model, Predictor, Scale
from rtkit_sysid.regressors import Floats, Order

if TYPE_CHECKING:
    from rtkit.models import Network

#: Samples beyond this are no more measured than NaN is; products of them would overflow.
LARGEST = 1e30
#: Fewest samples between two events, unless told otherwise.
EVERY = 1000
# places in `counts`: samples until the next event; samples seen; complete samples from which scales are taken
LEFT, SEEN, SETTLED = range(3)


@dataclass(slots=True)
class Learner:
    """What predicts one output, and what it remembers.

    Parameters
    ----------
    form, scale, theta
        As of `rtkit_sysid.model.Predictor`; `theta` changes as it learns.
    upper, variances : ndarray
        Covariance of `theta`, ``[p, p]`` and ``[p]``; of no size where the rule has none.
    power : ndarray
        Mean squares of the terms ``[p]``.
    own : ndarray
        The last outputs ``[reach]`` as a free run sees them: the model's own, scaled.
    levels : ndarray
        Of `rtkit_sysid.identifier_kernel.finish`.
    away : ndarray
        ``[1]``: whether a free run has run away.
    """

    form: Form
    scale: Scale
    theta: Floats
    upper: Floats
    variances: Floats
    power: Floats
    own: Floats
    levels: Floats
    away: NDArray[np.bool_]

    @property
    def lags(self) -> tuple[int, int, int]:
        """Lags as the kernels take them."""
        return self.form.order.na, self.form.order.nb, self.form.order.delay

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that changes, as views."""
        names = ("theta", "upper", "variances", "power", "own", "levels", "away")
        return {name: getattr(self, name) for name in names}


@dataclass(eq=False)
class Identifier(SampleProcessor):
    """Inputs and outputs of a plant in, prediction and error of each output out; a subclass says what the model is and how it learns.

    A subclass gives the form of a new model in `form`, tells by `recursive` whether its rule needs a covariance, and runs its kernel
    in `run`. Its parameters are those of `Arx` and `Narx`.
    """

    na: Annotated[int, Range(0, 1000)] = 2
    nb: Annotated[int, Range(0, 1000)] = 3
    delay: Annotated[int, Range(0, 100_000)] = 0
    model: str | None = None
    outputs: str | None = None
    learn: bool | None = None
    simulate: bool = False
    initial: Annotated[int, Range(0)] = 0
    every: Annotated[int, Range(1)] | None = None

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

    def run(self, learner: Learner, u: Floats, y: Floats, start: int, out: Floats) -> None:
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
        self._find_predictors(spec)
        predictors = self._predictors
        self._reach = max(one.form.order.reach for one in predictors)
        self._past = np.full((self._reach, len(spec.channels)), np.nan)
        self._period = self.every or max(EVERY, round(spec.rate))
        self._counts = np.array([self._period, 0, 0])
        sizes = [one.form.size if self.recursive and not self.simulate else 0 for one in predictors]
        self._learners = [
            Learner(
                one.form, one.scale, one.theta.copy(), np.zeros((size, size)), np.zeros(size), np.zeros(one.form.size),
                np.zeros(self._reach), np.zeros(identifier_kernel.LEVELS), np.zeros(1, np.bool_),
            )
            for one, size in zip(predictors, sizes, strict=True)
        ]  # fmt: skip
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

    def process(self, block: Block) -> Block:
        """Predict one block ``[n, channels]``; gives ``[n, 2 * outputs]``: prediction and error of each output."""
        data = block.data.astype(np.float64)
        data[~(np.abs(data) <= LARGEST)] = np.nan
        out = np.empty((len(data), len(self._channels)))
        done = 0
        while done < len(data):
            stop = min(len(data), done + int(self._counts[LEFT]))
            self.advance(data[done:stop], out[done:stop], block.start + done)
            self._counts[LEFT] -= stop - done
            done = stop
            if self._counts[LEFT] == 0:
                self._tell((block.start + done) / block.rate)
        return block.with_data(out, self._channels)

    def advance(self, data: Floats, out: Floats, first: int) -> None:
        """Predict, and learn from, some samples ``[n, channels]``, NaN where missing; `first` is the number of the first."""
        record = np.concatenate((self._past, data))
        u = record[:, self._inputs]
        away = []
        for index, learner in enumerate(self._learners):
            y = record[:, self._targets[index]] if self._targets else np.full(len(record), np.nan)
            scaled_u, scaled_y = learner.scale.apply(u, y)
            judge = y[self._reach :].copy()
            if self.simulate:
                raw = self._run_free(learner, scaled_u, scaled_y, judge)
                away += [(place, index) for place in self._departures(learner, raw)]
            else:
                raw = np.empty(len(data))
                self.run(learner, scaled_u, scaled_y, self._reach, raw)
            raw = raw * learner.scale.y_scale + learner.scale.y_mean
            error = np.empty(len(data))
            self._finish(raw, judge, error, learner.levels)
            out[:, 2 * index], out[:, 2 * index + 1] = raw, error
        self._past[...] = record[len(data) :]
        self._counts[SEEN] += len(data)
        for place, index in sorted(away):
            self.emit((first + place) / self.spec.rate, "model", "diverged", **self._which(index))

    def _run_free(self, learner: Learner, u: Floats, y: Floats, judge: Floats) -> Floats:
        """`rtkit_sysid.kernel.free_run` over a part of the stream; what was measured at its beginning is not to be judged by.

        Outputs that are missing there, or altogether, count as 0: the plant was at rest.
        """
        from rtkit_sysid import kernel

        start = max(learner.form.order.reach, self.initial)
        measured = min(len(judge), max(0, start - int(self._counts[SEEN])))
        judge[:measured] = np.nan
        rest = -learner.scale.y_mean / learner.scale.y_scale
        assumed = measured if self._targets else len(judge)
        seen = np.concatenate((learner.own, y[self._reach :]))
        early = seen[self._reach :][:assumed]
        early[np.isnan(early)] = rest
        raw: Floats = kernel.free_run(
            u, seen, self._reach + measured, len(seen) + 1, *learner.lags, learner.theta, *learner.form.kernel_form
        )
        learner.own[...] = np.where(np.isnan(raw), seen, raw)[len(judge) :]
        return raw[self._reach :]

    def _departures(self, learner: Learner, raw: Floats) -> list[int]:
        """Where a free run begins to run away."""
        away = np.concatenate((learner.away, np.isinf(raw)))
        learner.away[...] = away[-1]
        return [int(place) for place in np.flatnonzero(away[1:] & ~away[:-1])]

    def _which(self, index: int) -> dict[str, Any]:
        return {"output": self._names[index]} if len(self._names) > 1 else {}

    def _tell(self, time: float) -> None:
        from rtkit_sysid.identifier_kernel import JUDGED, SQUARES

        for index, learner in enumerate(self._learners):
            squares, judged = learner.levels[SQUARES], learner.levels[JUDGED]
            rms = math.sqrt(squares / judged) if judged and squares < math.inf else None
            error = {"free_run_error" if self.simulate else "one_step_error": rms}
            self.emit(time, "model", **(self.findings(index) | error | self._which(index)))
            learner.levels[[SQUARES, JUDGED]] = 0
        self._counts[LEFT] = self._period

    def close(self) -> None:
        """Tell of the samples since the last event."""
        if self._counts[LEFT] < self._period:
            self._tell(int(self._counts[SEEN]) / self.spec.rate)

    def predictor(self, output: int = 0) -> Predictor:
        """What was learned up to now of the output with this number."""
        learner = self._learners[output]
        return Predictor(learner.form, learner.scale, learner.theta.copy())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything learned or remembered, as views; NaN and Inf may be among it."""
        own = {"past": self._past, "counts": self._counts}
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
        restore(type(self).__name__, targets, state)
        for name, target in targets.items():
            for mark, value in (("missing", np.nan), ("away", np.inf)):
                if f"{name}.{mark}" in state:
                    target[state[f"{name}.{mark}"]] = value

    def network(self) -> Network:
        """What was learned up to now, as a network that can be written as a model: all channels in, the predictions out.

        Raises
        ------
        UsageError
            It runs free: the network knows measured outputs only.
        """
        from rtkit.models import Network
        from rtkit_sysid.layers import as_layers

        if self.simulate:
            raise UsageError("a free run cannot be written as a model, as that would see measured outputs; leave out simulate")
        predictors = [self.predictor(index) for index in range(len(self._names))]
        layers = as_layers(predictors, self._inputs, self._targets, len(self.spec.channels))
        name = type(self).__name__.lower()
        does = f"Predicts {', '.join(self._names)} one step ahead from {', '.join(self._input_names)} and the past, as {name} learned it."
        return Network(name, does, self.spec.channels, layers, rate=self.spec.rate)
