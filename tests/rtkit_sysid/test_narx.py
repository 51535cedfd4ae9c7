"""`narx`: gradients, what both rules learn of a mildly nonlinear plant, and the laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plants import drive, mild, open_on
from rtkit_sysid import kernel
from rtkit_sysid.arx import Arx
from rtkit_sysid.narx import SCALING_SAMPLES, Narx
from rtkit_sysid.predictor import Form, products
from rtkit_sysid.regressors import Order, regressor_rows

from rtkit.testing import check_processor


@given(
    st.integers(1, 3), st.integers(0, 3), st.integers(0, 6), st.sampled_from(["sigmoid", "tanh"]), st.integers(0, 3), st.integers(0, 1000)
)
@settings(max_examples=40, deadline=None)
def test_slopes_are_those_of_finite_differences(nb, na, hidden, activation, degree, seed):
    random = np.random.default_rng(seed)
    terms = products(nb + na, degree) if degree else np.zeros((1, 3), np.int64)
    form = Form(Order(na, nb), 1, terms, hidden, activation)
    x, theta = random.standard_normal(form.width), random.standard_normal(form.size)
    by_theta, by_x = np.empty(form.size), np.empty(form.width)
    value = kernel.predict_with_slopes(x, theta, *form.kernel_form, by_theta, by_x)
    assert value == pytest.approx(kernel.predict(x, theta, *form.kernel_form), abs=1e-12)
    for values, found in ((theta, by_theta), (x, by_x)):
        for place in range(values.size):
            kept, ends = values[place], []
            for step in (1e-6, -1e-6):
                values[place] = kept + step
                ends.append(kernel.predict(x, theta, *form.kernel_form))
            values[place] = kept
            assert found[place] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-7)


def before_and_after(processor, samples):
    """Predictor before and after the last sample, and scaled regressors and output of that."""
    drive(open_on(processor), samples[:-1])
    before = processor.predictor()
    drive(processor, samples[-1:], start=len(samples) - 1)
    scaled_u, scaled_y = before.scale.apply(samples[:, :1], samples[:, 1])
    last = np.array([len(samples) - 1])
    return before, processor.predictor().theta, regressor_rows(scaled_u, scaled_y, before.form.order, last)[0], scaled_y[-1]


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_a_step_is_that_of_keras(activation):
    keras = pytest.importorskip("keras")
    before, after, x, y = before_and_after(Narx(activation=activation), mild(600))
    form, theta = before.form, before.theta
    by_theta = np.empty(form.size)
    value = kernel.predict_with_slopes(x, theta, *form.kernel_form, by_theta, np.empty(form.width))

    layers = [
        keras.layers.Dense(form.hidden, activation, dtype="float64"),
        keras.layers.Dense(1, dtype="float64"),
    ]
    network = keras.Sequential([keras.Input((form.width,), dtype="float64"), *layers])
    inner, bias, out = np.split(theta[1:], np.cumsum([form.hidden * form.width, form.hidden]))
    network.set_weights([inner.reshape(form.hidden, -1).T, bias, out[:, None], theta[:1]])
    step = 0.5 / (1 + by_theta @ by_theta)
    network.compile(keras.optimizers.SGD(1.0), "mse")
    kept = network.get_weights()
    network.train_on_batch(x[None], np.array([[y]]))
    # a rate of 1, which float32 holds exactly, and the change scaled; the slope of the squared error is 2 e g
    moved = [old + (new - old) * step / 2 for old, new in zip(kept, network.get_weights(), strict=True)]
    theirs = np.concatenate([moved[3], moved[0].T.ravel(), moved[1], moved[2].ravel()])
    np.testing.assert_allclose(after, theirs, rtol=1e-6, atol=1e-8)  # Keras holds the target in float32
    assert (after != theta).all()
    assert value == pytest.approx(float(theta[0] + out @ np.asarray(layers[0].activation(inner.reshape(form.hidden, -1) @ x + bias))))


def test_the_recursive_step_is_that_of_kalman():
    """The factorised covariance against the plain one, after 200 samples from the first on."""
    samples = mild(SCALING_SAMPLES + 200)
    processor = open_on(Narx(rule="ekf", hidden=3, forgetting=1))
    theta = processor.predictor().theta
    drive(processor, samples[:SCALING_SAMPLES])
    before = processor.predictor()
    np.testing.assert_array_equal(before.theta, theta)
    drive(processor, samples[SCALING_SAMPLES:], start=SCALING_SAMPLES)
    u, y = before.scale.apply(samples[:, :1], samples[:, 1])
    times = np.arange(SCALING_SAMPLES, len(samples))
    covariance, slope = np.eye(theta.size) * 100, np.empty(theta.size)
    for x, target in zip(regressor_rows(u, y, before.form.order, times), y[times], strict=True):
        value = kernel.predict_with_slopes(x, theta, *before.form.kernel_form, slope, np.empty(len(x)))
        along = covariance @ slope
        total = 1 + slope @ along
        theta = theta + along / total * (target - value)
        covariance = covariance - np.outer(along, along) / total
    np.testing.assert_allclose(processor.predictor().theta, theta, rtol=1e-6, atol=1e-8)


def last_error(processor, samples, count=2000):
    return np.sqrt(np.mean(drive(open_on(processor), samples)[-count:, 1] ** 2))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_it_learns_what_no_linear_model_does(activation):
    samples = mild(20_000)
    linear = last_error(Arx(bias=True, na=4, nb=4), samples)
    gradient = last_error(Narx(activation=activation), samples)
    recursive = last_error(Narx(activation=activation, rule="ekf"), samples)
    assert gradient < linear / 4
    assert recursive < gradient / 4


def test_with_noise_it_comes_near_to_the_noise():
    samples = mild(20_000, noise=0.1)
    assert last_error(Narx(step_size=0.2), samples) < 0.2 * 0.1 * 2
    assert last_error(Narx(rule="ekf"), samples) < 0.2 * 0.1 * 1.4


@given(level=st.floats(1e-6, 1e6), offset=st.floats(-10, 10))
@settings(max_examples=10, deadline=None)
def test_units_do_not_matter(level, offset):
    samples = mild(3000)
    for rule in ("sgd", "ekf"):
        plain, other = (drive(open_on(Narx(rule=rule, hidden=5)), values)[:, 1] for values in (samples, level * (samples + offset)))
        assert np.std(other[-500:]) == pytest.approx(level * np.std(plain[-500:]), rel=0.2)


HARD = {
    "silence, then sound": np.where(np.arange(3000) < 400, 0.0, 1.0) * np.random.default_rng(1).standard_normal(3000),
    "faint, then loud": np.repeat([1e-6, 1e6], 1500) * np.random.default_rng(1).standard_normal(3000),
    "constant": np.ones(3000),
    "beyond all measure": np.where(np.arange(3000) % 777 == 700, 1e29, 1.0) * np.random.default_rng(3).standard_normal(3000),
}


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("options", [{"step_size": 1.9}, {"rule": "ekf", "hidden": 5}, {"rule": "ekf", "hidden": 5, "forgetting": 0.9}])
def test_it_never_diverges(name, options):
    u = HARD[name]
    y = 0.5 * np.roll(u, 2) + 0.1 * np.random.default_rng(4).standard_normal(len(u))
    processor = open_on(Narx(**options))
    out = drive(processor, np.stack([u, y], axis=1))
    assert np.isfinite(out).all()
    assert np.isfinite(processor.predictor().theta).all()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"activation": "tanh", "na": 0, "event_interval": 100},
        {"rule": "ekf", "hidden": 4, "event_interval": 99},
        {"delay": 4, "nb": 0, "na": 3},
    ],
)
def test_every_form_obeys_the_laws(options):
    check_processor(Narx(**options))
