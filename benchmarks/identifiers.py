"""Cost of the identifiers a sample, in blocks of 4096, one thread: 20 taps, and 20 units on 5 regressors; against NumPy and padasip."""

import numpy as np
from rtkit_sysid.arx import Arx
from rtkit_sysid.narx import Narx

from benchmarks.clock import cpu_seconds
from rtkit.core.items import Block, SampleSpec

BLOCK, LAGS, HIDDEN = 4096, 10, 20
CHANNELS = ("u", "y")


def record(count):
    """Input and output of a stable plant."""
    random = np.random.default_rng(0)
    samples = np.zeros((count, 2))
    samples[:, 0] = random.standard_normal(count)
    u, y = samples.T
    for k in range(2, count):
        y[k] = 0.6 * y[k - 1] - 0.3 * y[k - 2] / (1 + y[k - 1] ** 2) + 0.7 * np.tanh(u[k - 1]) + 0.1 * random.standard_normal()
    return samples


def identify(processor, samples):
    processor.open(SampleSpec(1.0, CHANNELS))
    for start in range(0, len(samples), BLOCK):
        processor.process(Block(samples[start : start + BLOCK], start, 1.0, CHANNELS))


def regressors(samples, k, nb, na):
    return np.concatenate((samples[k - nb + 1 : k + 1, 0], samples[k - na : k, 1]))


def numpy_nlms(samples):
    weights = np.zeros(2 * LAGS)
    for k in range(LAGS, len(samples)):
        x = regressors(samples, k, LAGS, LAGS)
        weights += 0.5 * (samples[k, 1] - weights @ x) / (1e-6 + x @ x) * x


def numpy_rls(samples):
    weights, covariance = np.zeros(2 * LAGS), 1e6 * np.eye(2 * LAGS)
    for k in range(LAGS, len(samples)):
        x = regressors(samples, k, LAGS, LAGS)
        along = covariance @ x
        gain = along / (1 + x @ along)
        weights += gain * (samples[k, 1] - weights @ x)
        covariance -= np.outer(gain, along)


def numpy_mlp(samples):
    random = np.random.default_rng(0)
    inner, bias = random.standard_normal((HIDDEN, 5)), np.zeros(HIDDEN)
    outer, constant = random.standard_normal(HIDDEN), 0.0
    for k in range(2, len(samples)):
        x = regressors(samples, k, 3, 2)
        units = 1 / (1 + np.exp(-(inner @ x + bias)))
        error = 0.05 * (samples[k, 1] - outer @ units - constant)
        delta = error * outer * units * (1 - units)
        outer += error * units
        constant += error
        inner += delta[:, None] * x
        bias += delta


def padasip_filter(name, samples):
    import padasip

    adaptive = getattr(padasip.filters, name)(n=2 * LAGS, mu=0.999 if name == "FilterRLS" else 0.5, w="zeros")
    for k in range(LAGS, len(samples)):
        x = regressors(samples, k, LAGS, LAGS)
        adaptive.predict(x)
        adaptive.adapt(samples[k, 1], x)


def rows():
    samples = record(20 * BLOCK)

    def cost(run, count):
        return round(cpu_seconds(lambda: run(samples[:count]), 3)[1] / count * 1e6, 3)

    yield "identifier", "us a sample"
    for rule in ("lms", "nlms", "rls"):
        yield f"arx {rule}, 20 taps", cost(lambda part, rule=rule: identify(Arx(na=LAGS, nb=LAGS, rule=rule), part), len(samples))
    yield "NumPy NLMS, 20 taps", cost(numpy_nlms, BLOCK)
    yield "NumPy RLS, 20 taps", cost(numpy_rls, BLOCK)
    for name in ("FilterLMS", "FilterNLMS", "FilterRLS"):
        try:
            yield f"padasip {name}, 20 taps", cost(lambda part, name=name: padasip_filter(name, part), BLOCK)
        except ImportError:
            yield "padasip: not installed", ""
            break
    yield f"narx sgd, {HIDDEN} units on 5", cost(lambda part: identify(Narx(hidden=HIDDEN), part), len(samples))
    yield f"narx ekf, {HIDDEN} units on 5", cost(lambda part: identify(Narx(hidden=HIDDEN, rule="ekf"), part), 4 * BLOCK)
    yield f"NumPy back-propagation, {HIDDEN} units on 5", cost(numpy_mlp, BLOCK)
