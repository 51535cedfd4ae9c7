"""`narx`: one hidden layer on tapped delays of a plant's inputs and output, learned by back-propagation, sample by sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rtkit import Range
from rtkit_sysid.identifier import SCALED, Identifier, OutputLearner
from rtkit_sysid.predictor import Form, Scale
from rtkit_sysid.regressors import Floats, Order

#: Complete samples from which means and scales are taken, before anything is learned.
SCALING_SAMPLES = 256
Rule = Literal["sgd", "ekf"]
#: A model of the shipped converter, for `Narx.examples`.
EXAMPLE_MODEL = str(Path(__file__).parent / "data" / "buck_narx.json")


@dataclass(eq=False)
class Narx(Identifier):
    """Neural network on tapped delays: a hidden layer of sigmoid or tanh units and a linear output predict a plant's output, and learn.

    The prediction is y[k] = c + Σ v_h s(b_h + Σ W_hr x_r), with x the inputs and the measured outputs of the past (series-parallel).
    With e the error and g the slopes of the prediction by the parameters θ, found by back-propagation, the rules are

    - sgd: θ ← θ + α e g / (1 + |g|²), a normalised step: to first order it takes away the share α |g|² / (1 + |g|²) of the error,
      which is below 2, and so stable, whatever the level of the input;
    - ekf: the recursive Gauss-Newton step, which is recursive least squares on g with forgetting λ, or the extended Kalman filter for θ.
      It needs some twenty times fewer samples, and its cost grows with the square of the number of parameters.

    Inputs and outputs are scaled by mean and standard deviation of the first 256 complete samples; learning begins after them, and
    nothing is predicted before. A model from a file brings its own scales, and any form: products of regressors, units, or both; all
    its parameters go on learning with `learn`.

    Channels, missing samples, and events of kind ``model`` are as those of `arx`; the events tell no coefficients.

    Parameters
    ----------
    hidden : int
        Hidden units (a number).
    activation : str
        Activation function of the hidden units: sigmoid or tanh.
    rule : str
        sgd or ekf.
    forgetting : float
        Forgetting factor λ of ekf (a ratio): it remembers about 1 / (1 - λ) samples. At 1, it stays with what it made of the first
        ones.
    seed : int
        Seed of the random weights at the beginning (a number).

    Raises
    ------
    SpecError
        By `open`, if there are not an input and an output at least, or not the channels of the model.
    InputError
        By `open`, if the model is missing or damaged; by `load_state`, if the state is of another model.
    UsageError
        By `open`, if there is nothing to predict from, or a free run has no model.

    References
    ----------
    D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating errors", Nature 323 (1986).
    D. P. Mandic, J. A. Chambers, Recurrent Neural Networks for Prediction (2001), on normalised steps. S. Singhal, L. Wu, "Training
    multilayer perceptrons with the extended Kalman algorithm", NIPS 1 (1989). L. Ljung, T. Söderström, Theory and Practice of
    Recursive Identification (1983).
    """

    hidden: Annotated[int, Range(1, 1000)] = 20
    activation: Literal["sigmoid", "tanh"] = "sigmoid"
    rule: Rule = "sgd"
    forgetting: Annotated[float, Range(0.9, 1)] = 0.999
    seed: Annotated[int, Range(0)] = 0

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"hidden": 5, "event_interval": 300},
        {"hidden": 3, "rule": "ekf", "activation": "tanh"},
        {"model": EXAMPLE_MODEL},
        {"model": EXAMPLE_MODEL, "learn": True, "rule": "ekf"},
        {"model": EXAMPLE_MODEL, "simulate": True, "initial": 20, "event_interval": 300},
    )

    @property
    def recursive(self) -> bool:
        """Whether the rule needs a covariance."""
        return self.rule == "ekf"

    def form(self, order: Order, inputs: int) -> Form:
        """A constant and the hidden units."""
        return Form(order, inputs, np.zeros((1, 3), np.int64), self.hidden, self.activation)

    def begin(self, form: Form) -> Floats:
        """Random weights, such that scaled regressors neither leave a unit without effect nor saturate it."""
        random = np.random.default_rng(self.seed)
        inner = random.standard_normal(form.hidden * form.width) / np.sqrt(form.width)
        bias = random.uniform(-1, 1, form.hidden)
        out = random.standard_normal(form.hidden) / np.sqrt(form.hidden)
        return np.concatenate(([0.0], inner, bias, out))

    def allocate(self) -> None:
        """Find the kernel, and allocate what the scales are taken from."""
        from rtkit_sysid import narx_kernel

        self._kernel = narx_kernel.run
        self._rule = get_args(Rule).index(self.rule)
        self._first = np.zeros((SCALING_SAMPLES if self.model is None else 0, len(self.spec.channels)))
        for learner in self._learners:
            learner.variances[:] = narx_kernel.INITIAL_VARIANCE

    @property
    def _scales_known(self) -> bool:
        return bool(self._counts[SCALED] == len(self._first))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything learned or remembered, and the samples from which the scales are taken."""
        return super().arrays() | {"first": self._first}

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave; errors as of `Identifier.load_state`."""
        super().load_state(state)
        self._take_scales()

    def _take_scales(self) -> None:
        if len(self._first) and self._scales_known:
            for learner, target in zip(self._learners, self._targets, strict=True):
                learner.scale = Scale.of(self._first[:, self._inputs], self._first[:, target])

    def advance(self, data: Floats, out: Floats, first: int) -> None:
        """Predict and learn; at the beginning, remember samples for the scales."""
        used = 0
        if not self._scales_known:
            scaled = int(self._counts[SCALED])
            whole = np.flatnonzero(np.isfinite(data).all(axis=1))[: len(self._first) - scaled]
            full = scaled + len(whole) == len(self._first)
            used = whole[-1] + 1 if full else len(data)
            super().advance(data[:used], out[:used], first)
            self._first[scaled : scaled + len(whole)] = data[whole]
            self._counts[SCALED] += len(whole)
            self._take_scales()
        super().advance(data[used:], out[used:], first + used)

    def run(self, learner: OutputLearner, u: Floats, y: Floats, start: int, out: Floats) -> None:
        """Predict and learn, once there are scales."""
        if not self._scales_known:
            out[:] = np.nan
            start = len(y)
        self._kernel(
            u, y, start, *learner.lags, *learner.form.kernel_form, learner.theta, learner.upper, learner.variances,
            learner.learned, self._rule, self._learning, self._step_size, self._forgetting, out,
        )  # fmt: skip
