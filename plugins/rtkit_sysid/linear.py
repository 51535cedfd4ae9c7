"""Linear models in the units of their channels."""

from __future__ import annotations

import numpy as np

from rtkit_sysid.predictor import Form, Predictor, Scale
from rtkit_sysid.regressors import Floats


def is_linear(form: Form) -> bool:
    """Whether it is a weighted sum of its regressors and a constant."""
    return not form.hidden and bool((np.count_nonzero(form.terms, axis=1) <= 1).all())


def regressor_scales(form: Form, scale: Scale) -> tuple[Floats, Floats]:
    """Mean and scale of each regressor ``[width]``."""
    times = [form.order.nb] * form.inputs + [form.order.na]
    return np.repeat([*scale.u_mean, scale.y_mean], times), np.repeat([*scale.u_scale, scale.y_scale], times)


def linear_weights(predictor: Predictor) -> tuple[Floats, float]:
    """Weights of the regressors ``[width]`` and the constant of a linear model, in the channels' own units."""
    form, scale = predictor.form, predictor.scale
    weights = np.bincount(form.terms.max(axis=1), predictor.theta, form.width + 1)
    means, scales = regressor_scales(form, scale)
    own = weights[1:] / scales * scale.y_scale
    return own, float(scale.y_mean + scale.y_scale * weights[0] - own @ means)
