"""Plants, records and models for the tests of identification."""

import numpy as np
from rtkit_sysid.model import Model
from rtkit_sysid.predictor import Form, Predictor, Scale, products
from rtkit_sysid.regressors import Order

from rtkit.core.items import Block, SampleSpec

#: y[k] = 2 u[k] + 4 u[k-1] - 6 y[k-1] - 8 y[k-2], which is not stable: it is learned from rows of unrelated regressors.
PLANT = np.array([2.0, 4.0, 0.0, -6.0, -8.0])


def open_on(processor, channels=("u", "y"), rate=1.0):
    processor.open(SampleSpec(rate, tuple(channels)))
    return processor


def drive(processor, samples, size=4096, start=0):
    """Run an open processor over samples in blocks; gives its output."""
    spec = processor.spec
    parts = [
        np.array(processor.process(Block(samples[at : at + size].copy(), start + at, spec.rate, spec.channels)).data)
        for at in range(0, len(samples), size)
    ]
    return np.concatenate(parts)


def random_rows(count, level, seed=0):
    """A record in which every fourth sample is missing, so that each three before it make one row of random regressors of the plant."""
    samples = np.random.default_rng(seed).uniform(-level, level, (count, 4, 2))
    u, y = samples[..., 0], samples[..., 1]
    y[:, 2] = 2 * u[:, 2] + 4 * u[:, 1] - 6 * y[:, 1] - 8 * y[:, 0]
    samples[:, 3] = np.nan
    return samples.reshape(-1, 2)


def mild(count, seed=0, noise=0.0):
    """Input and output of a stable plant that is mildly nonlinear."""
    random = np.random.default_rng(seed)
    u, y = random.standard_normal(count), np.zeros(count)
    for k in range(2, count):
        y[k] = 0.6 * y[k - 1] - 0.3 * y[k - 2] / (1 + y[k - 1] ** 2) + 0.7 * np.tanh(1.5 * u[k - 1]) + 0.15 * u[k] * y[k - 1]
    return np.stack([3 * u + 1, 0.2 * (y + noise * random.standard_normal(count)) - 5], axis=1)


def linear(count, weights, na, nb, seed=0, inputs=1):
    """A linear plant without noise: inputs and output."""
    random = np.random.default_rng(seed)
    u, y = random.standard_normal((count, inputs)), np.zeros(count)
    for k in range(max(na, nb - 1), count):
        regressors = np.concatenate([*(u[k - nb + 1 : k + 1, j][::-1] for j in range(inputs)), y[k - na : k][::-1]])
        y[k] = regressors @ weights
    return np.column_stack([u, y])


def polynomial(random, order=None, inputs=1, hidden=0, terms=None):
    """A stable predictor with products of up to three regressors, perhaps with units beside them, in units of its own."""
    order = order or Order(2, 2, 1)
    terms = products(order.width(inputs), 3) if terms is None else terms
    form = Form(order, inputs, terms, hidden)
    theta = 0.2 * random.standard_normal(form.size) / np.sqrt(form.size)
    scale = Scale(random.standard_normal(inputs), 1 + random.random(inputs), float(random.standard_normal()), 2.5)
    return Predictor(form, scale, theta)


def write_model(path, predict, simulate=None, inputs=("u",), outputs=("y",), kind="narx"):
    predict = predict if isinstance(predict, tuple) else (predict,)
    simulate = predict if simulate is None else simulate if isinstance(simulate, tuple) else (simulate,)
    Model(kind, inputs, outputs, 1.0, predict, simulate).write(path)
    return str(path)
