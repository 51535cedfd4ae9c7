"""`arx`: the ADALINE on tapped delays of a plant's inputs and output; LMS, NLMS and recursive least squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

import numpy as np

from rtkit import InputError, Range, UsageError
from rtkit_sysid.identifier import Identifier, Learner
from rtkit_sysid.linear import is_linear, linear_weights
from rtkit_sysid.model import Form, products
from rtkit_sysid.regressors import Floats, Order

if TYPE_CHECKING:
    from rtkit_sysid.transfer import TransferFunction

Rule = Literal["lms", "nlms", "rls"]


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
    na, nb, delay : int
        Past outputs, values of each input, and samples by which an input comes late; see `rtkit_sysid.regressors.Order`.
    bias : bool
        A constant beside the regressors, for signals with an offset.
    rule : str
        lms, nlms or rls.
    step_size : float
        α of LMS and NLMS.
    forgetting : float
        λ of RLS: it remembers about 1 / (1 - λ) samples.
    model : str
        A model that `rtkit identify` wrote, to run or to go on from; its regressors and channels go before the parameters here.
    outputs : str
        Names of the outputs, joined by +; the last channel when not given.
    learn : bool
        Learn; true without a model and false with one when not given.
    simulate : bool
        Run free: after the first samples the model sees its own outputs, and learns nothing. Outputs need not be there.
    initial : int
        Measured samples at the beginning of a free run; at least as many as the model looks back.
    every : int
        Samples between two events; a second's, and at least 1,000, when not given.

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
    step_size: Annotated[float, Range(0, 1.9)] = 0.5
    forgetting: Annotated[float, Range(0.9, 1)] = 1.0

    live: ClassVar[tuple[str, ...]] = ("learn", "step_size", "forgetting")

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

    def run(self, learner: Learner, u: Floats, y: Floats, start: int, out: Floats) -> None:
        """Predict and learn."""
        self._kernel(
            u, y, start, *learner.lags, learner.form.terms, learner.theta, learner.upper, learner.variances, learner.power,
            self._rule, self.learning, self.step_size, self.forgetting, out,
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
        from rtkit_sysid.transfer import TransferFunction

        return TransferFunction.of(self.predictor(output), input, self.spec.rate)
