"""`arx`: the ADALINE on tapped delays of a plant's inputs and output; LMS, NLMS and recursive least squares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from rtkit import InputError, UsageError
from rtkit_sysid.identifier import Identifier, OutputLearner
from rtkit_sysid.linear import is_linear, linear_weights
from rtkit_sysid.predictor import Form, products
from rtkit_sysid.regressors import Floats, Order
from rtkit_sysid.transfer import TransferFunction

Rule = Literal["lms", "nlms", "rls"]
#: A model of the shipped converter, for `Arx.examples`.
EXAMPLE_MODEL = str(Path(__file__).parent / "data" / "buck_arx.json")
#: RLS finds this many times the noise's share in the weight of an input that acts on nothing; less is believed to be no effect.
NO_EFFECT = 10.0


@dataclass(eq=False)
class Arx(Identifier):
    """ADALINE on tapped delays: one linear neuron predicts a plant's output from its inputs and from its own past, and learns.

    The prediction is y[k] = Σ b_i u[k - delay - i] + Σ a_i y[k - i], with the measured past. With e the error, x the regressors and θ
    the weights, the rules are LMS, θ ← θ + min(α, 1 / |x|²) e x, so that it cannot diverge; NLMS, with α divided by |x|² and a little of
    its mean; and recursive least squares with forgetting λ, which gives at each sample the weights that fit best the past, weighted by
    λ to the power of its age. Its covariance is kept factorised (U D Uᵀ), so that rounding never makes it indefinite, and no
    variance grows by forgetting beyond what makes it as bold as after the first sample or so: where nothing is learned, nothing is
    forgotten.

    The last channel is the output, the others are inputs, unless `outputs` or a model says otherwise. Several outputs have a learner
    each, which sees all inputs and the past of its own output.

    A sample that is not finite, or beyond 10³⁰, is missing: nothing is predicted or learned from regressors that it is among; the last
    prediction is held, and the error is 0.

    Events of kind ``model``: ``coefficients`` by name in the channels' own units, ``poles`` and ``zeros`` (of the first input, in the z
    plane, real and imaginary parts), ``one_step_error`` (rms since the last event, in the
    output's unit; None where nothing was known; ``free_run_error`` in a free run), and ``output`` where there are several. One with
    the label ``diverged`` tells that a free run has run away; its last prediction is held from there on.

    Parameters
    ----------
    bias : bool
        A constant beside the regressors, for signals with an offset.
    rule : str
        lms, nlms or rls.

    Raises
    ------
    SpecError
        By `open`, if there are not an input and an output at least, or not the channels of the model.
    InputError
        By `open`, if the model is missing, damaged or neural; by `load_state`, if the state is of another model.
    UsageError
        By `open`, if there is nothing to predict from, or a free run has no model.

    References
    ----------
    B. Widrow, M. E. Hoff, "Adaptive switching circuits", IRE WESCON (1960). L. Ljung, T. Söderström, Theory and Practice of
    Recursive Identification (1983). G. J. Bierman, Factorization Methods for Discrete Sequential Estimation (1977).
    """

    bias: bool = False
    rule: Rule = "rls"

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"event_interval": 300},
        {"rule": "lms", "bias": True},
        {"rule": "nlms", "delay": 2, "event_interval": 97},
        {"model": EXAMPLE_MODEL},
        {"model": EXAMPLE_MODEL, "learn": True, "forgetting": 0.999},
        {"model": EXAMPLE_MODEL, "simulate": True, "initial": 20, "event_interval": 300},
    )

    @property
    def recursive(self) -> bool:
        """Whether the rule needs a covariance."""
        return self.rule == "rls"

    def form(self, order: Order, inputs: int) -> Form:
        """A weight for each regressor, and perhaps a constant."""
        return Form(order, inputs, products(order.width(inputs), 1, constant=self.bias))

    def allocate(self) -> None:
        """Find the kernel.

        Raises
        ------
        InputError
            The model has hidden units.
        """
        from rtkit_sysid import arx_kernel

        if any(learner.form.hidden for learner in self._learners):
            raise InputError(f"{self.model}: a model with hidden units, which arx does not run; narx does")
        self._kernel = arx_kernel.run
        self._rule = get_args(Rule).index(self.rule)
        self._regressors = [
            learner.form.order.names(self._input_names, name) for learner, name in zip(self._learners, self._names, strict=True)
        ]

    def run(self, learner: OutputLearner, u: Floats, y: Floats, start: int, out: Floats) -> None:
        """Predict and learn."""
        self._kernel(
            u, y, start, *learner.lags, learner.form.terms, learner.theta, learner.upper, learner.variances, learner.power,
            learner.learned, self._rule, self._learning, self._step_size, self._forgetting, out,
        )  # fmt: skip

    def findings(self, output: int) -> dict[str, Any]:
        """The coefficients by name, and the constant as 1; poles and zeros of the first input to the output; if the model is linear."""
        predictor = self.predictor(output)
        if not is_linear(predictor.form):
            return {}
        weights, constant = linear_weights(predictor)
        found = dict(zip(self._regressors[output], weights.tolist(), strict=True))
        told: dict[str, Any] = {"coefficients": found | ({"1": constant} if constant else {})}
        if predictor.form.inputs and np.isfinite(weights).all():
            transfer = self.transfer_function(output)
            for name, roots in (("poles", transfer.poles), ("zeros", transfer.zeros)):
                told[name] = [[float(root.real), float(root.imag)] for root in roots]
        return told

    def doubts(self, output: int, learned: int, error: float | None) -> list[str]:
        """Whether the inputs act on the output, as far as recursive least squares tells.

        Where an input does not act at all, the weights of its `nb` values b_i still have variances: together, nb / n of the error's mean
        square, in the unit of b_i u[k - i].
        """
        learner, rows = self._learners[output], min(learned, 1 / (1 - self._forgetting) if self._forgetting < 1 else learned)
        inputs = learner.form.inputs * learner.form.order.nb
        if self.rule != "rls" or error is None or self.model is not None or not inputs or rows < NO_EFFECT * learner.form.size:
            return []
        of_inputs = slice(int(self.bias), int(self.bias) + inputs)
        effect = float((learner.theta[of_inputs] ** 2 * learner.power[of_inputs]).sum())
        if effect > NO_EFFECT * inputs * error**2 / rows:
            return []
        return ["the inputs explain nothing of the output; are the channels in order?"]

    def coefficients(self, output: int = 0) -> Floats:
        """Weights of the regressors of an output ``[width]``, in the channels' own units, in the order of `Order.names`.

        Raises
        ------
        UsageError
            The model, from a file, has products of regressors.
        """
        predictor = self.predictor(output)
        if not is_linear(predictor.form):
            raise UsageError(f"{self.model}: has products of regressors, and so no coefficients of a linear model")
        return linear_weights(predictor)[0]

    def transfer_function(self, output: int = 0, input: int = 0) -> TransferFunction:
        """The transfer function from an input to an output, both by number, by what was learned up to now.

        Raises
        ------
        InputError
            The model, from a file, is not linear.
        """
        return TransferFunction.of(self.predictor(output), input, self.spec.rate)
