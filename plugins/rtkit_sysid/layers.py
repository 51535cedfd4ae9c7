"""Models as layers on taps of the channels, in the channels' own units, as ONNX files have them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import block_diag

from rtkit.models import Concatenation, Layer, Part, Product
from rtkit_sysid.linear import is_linear, linear_weights, regressor_scales
from rtkit_sysid.predictor import Predictor
from rtkit_sysid.regressors import Floats


def as_layers(predictors: Sequence[Predictor], inputs: Sequence[int], targets: Sequence[int], channels: int) -> tuple[Part, ...]:
    """The layers that predict one step ahead.

    Parameters
    ----------
    predictors : sequence of Predictor
        One an output.
    inputs, targets : sequence of int
        Places of inputs and outputs among the channels.
    channels : int
        How many there are.

    Returns
    -------
    tuple
        One layer if all models are linear. Else products of regressors and hidden units, those of all outputs side by side, and a
        linear layer on them.
    """
    shape = 1 + max(one.form.order.max_lag for one in predictors), channels
    made = [_layers_of(one, inputs, target, shape) for one, target in zip(predictors, targets, strict=True)]
    parts = tuple(part for own, _, _ in made for part in own)
    first: Part = parts[0] if len(parts) == 1 else Concatenation(parts)
    if all(is_linear(one.form) for one in predictors):
        return (first,)
    return first, Layer(block_diag(*(weights for _, weights, _ in made))[:, None], np.array([constant for _, _, constant in made]))


def _layers_of(
    predictor: Predictor, inputs: Sequence[int], target: int, shape: tuple[int, int]
) -> tuple[list[Layer | Product], Floats, float]:
    """First layers of one output, and the weights and the constant by which its prediction is the sum of their units."""
    form, scale, theta = predictor.form, predictor.scale, predictor.theta
    order, width = form.order, form.width
    lags = [order.delay + back for _ in inputs for back in range(order.nb)] + [1 + back for back in range(order.na)]
    columns = [place for place in inputs for _ in range(order.nb)] + [target] * order.na

    def spread(weights: Floats) -> Floats:
        """Weights of the regressors ``[units, width]`` on taps of the channels."""
        out = np.zeros((len(weights), *shape))
        out[:, lags, columns] = weights
        return out

    if is_linear(form):
        weights, constant = linear_weights(predictor)
        return [Layer(spread(weights[None]), np.array([constant]))], np.ones(1), 0.0

    means, scales = regressor_scales(form, scale)
    parts: list[Layer | Product] = []
    is_product = form.terms.any(axis=1)
    terms = form.terms[is_product]
    if len(terms):
        picked = np.eye(width + 1)[terms][:, :, 1:]  # [terms, 3, width]: which regressor each factor is; none for the factor 1
        factors = [
            Layer(spread(pick / scales), np.where(pick.any(axis=1), -pick @ (means / scales), 1.0))
            for pick in np.moveaxis(picked, 1, 0)
            if pick.any()
        ]
        parts.append(factors[0] if len(factors) == 1 else Product(tuple(factors)))
    inner, bias, out = np.split(theta[len(form.terms) :], np.cumsum([form.hidden * width, form.hidden]))
    if form.hidden:
        inner = inner.reshape(-1, width) / scales
        parts.append(Layer(spread(inner), bias - inner @ means, form.activation))
    of_terms = theta[: len(form.terms)]
    constant = scale.y_mean + scale.y_scale * of_terms[~is_product].sum()
    return parts, scale.y_scale * np.concatenate((of_terms[is_product], out)), float(constant)
