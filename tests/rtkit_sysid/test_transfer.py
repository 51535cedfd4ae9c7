"""Transfer functions: the same as the predictor that they were taken from, and as scipy has it."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from rtkit_sysid.predictor import Form, Predictor, Scale, products
from rtkit_sysid.regressors import Order
from rtkit_sysid.transfer import TransferFunction

from rtkit.core.errors import InputError


def linear(order, weights, inputs=1, scale=None, constant=0.0):
    """A predictor that has these weights of its regressors."""
    terms = products(order.width(inputs), 1)
    return Predictor(Form(order, inputs, terms), scale or Scale.none(inputs), np.array([constant, *weights], np.float64))


@st.composite
def linear_predictors(draw):
    """Predictors of any order and scale; some terms are missing, all are in any order."""
    inputs, order = draw(st.integers(1, 3)), Order(draw(st.integers(0, 4)), draw(st.integers(1, 4)), draw(st.integers(0, 3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    terms = rng.permutation(products(order.width(inputs), 1))
    terms = rng.permuted(terms[: rng.integers(1, len(terms) + 1)], axis=1)
    scale = Scale(rng.normal(size=inputs), rng.uniform(0.1, 10, inputs), rng.normal(), rng.uniform(0.1, 10))
    return Predictor(Form(order, inputs, terms), scale, rng.uniform(-0.9, 0.9, len(terms)))


@given(predictor=linear_predictors(), data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_impulse_response_is_that_of_the_predictor(predictor, data):
    number, count = data.draw(st.integers(0, predictor.form.inputs - 1)), 12
    transfer = TransferFunction.of(predictor, number, 100.0)
    reach = predictor.form.order.max_lag
    u, y = np.zeros((reach + count, predictor.form.inputs)), np.zeros(reach + count)
    still = predictor.free_run(u, y)
    u[reach, number] = 1.0
    moved = (predictor.free_run(u, y) - still)[reach:]
    impulse = transfer.impulse(count)
    np.testing.assert_allclose(impulse, moved, atol=1e-9 * max(1.0, np.abs(still).max(), np.abs(impulse).max()))
    assert transfer.denominator[0] == 1
    assert transfer.rate == 100


@pytest.mark.filterwarnings("ignore:Badly conditioned filter coefficients")  # of a transfer function that is 0
@given(predictor=linear_predictors())
@settings(max_examples=60, deadline=None)
def test_it_is_what_scipy_has(predictor):
    transfer = TransferFunction.of(predictor, 0, 50.0)
    frequencies, expected = scipy.signal.freqz(transfer.numerator, transfer.denominator, 64, fs=50.0)
    np.testing.assert_allclose(transfer.response(frequencies), expected, rtol=1e-6, atol=1e-9)
    other = transfer.dlti
    assert other.dt == 0.02
    _, (answer,) = scipy.signal.dimpulse(other, n=10)
    np.testing.assert_allclose(answer[:, 0], transfer.impulse(10), rtol=1e-6, atol=1e-9)
    noise = np.random.default_rng(0).normal(size=10)
    expected = scipy.signal.lfilter(transfer.numerator, transfer.denominator, noise)
    np.testing.assert_allclose(np.convolve(transfer.impulse(10), noise)[:10], expected, rtol=1e-9, atol=1e-9)


def test_the_unstable_plant():
    transfer = TransferFunction.of(linear(Order(2, 3), [2, 4, 0, -6, -8]), 0, 1000.0)
    np.testing.assert_array_equal(transfer.numerator, [2, 4, 0])
    np.testing.assert_array_equal(transfer.denominator, [1, 6, 8])
    np.testing.assert_allclose(np.sort(transfer.poles), [-4, -2])
    np.testing.assert_allclose(np.sort(transfer.zeros), [-2, 0])
    assert not transfer.stable
    assert transfer.gain == 6 / 15
    assert transfer.impulse(4).tolist() == [2, -8, 32, -128]


def test_delays_constants_and_scales():
    scale = Scale(np.array([3.0, 1.0]), np.array([0.5, 4.0]), 2.0, 10.0)
    predictor = linear(Order(1, 2, 2), [1, 2, 3, 4, 0.5], inputs=2, scale=scale, constant=7.0)
    first, second = (TransferFunction.of(predictor, number, 1.0) for number in range(2))
    np.testing.assert_array_equal(first.numerator, [0, 0, 20, 40])
    np.testing.assert_array_equal(second.numerator, [0, 0, 7.5, 10])
    np.testing.assert_array_equal(first.denominator, second.denominator)
    assert first.denominator.tolist() == [1, -0.5]
    assert first.stable
    assert first.gain == 120


@pytest.mark.filterwarnings("ignore:Badly conditioned filter coefficients")
def test_borders():
    integrator = TransferFunction(np.array([0.0, -1.0]), np.array([1.0, -1.0]), 1.0)
    assert not integrator.stable
    assert integrator.gain == -np.inf
    assert not np.isfinite(integrator.response(np.zeros(1))).any()
    nothing = TransferFunction.of(Predictor(Form(Order(1, 0), 1, products(1, 1)), Scale.none(1), np.zeros(2)), 0, 1.0)
    assert (nothing.gain, nothing.impulse(3).tolist(), len(nothing.zeros)) == (0, [0, 0, 0], 0)
    assert nothing.dlti.num.tolist() == [0]


def test_what_is_not_linear_is_refused():
    order = Order(1, 1)
    squares = products(2, 2)
    with pytest.raises(InputError, match="products of 2 regressors is not linear"):
        TransferFunction.of(Predictor(Form(order, 1, squares), Scale.none(1), np.zeros(len(squares))), 0, 1.0)
    units = Form(order, 1, products(2, 1), hidden=3)
    with pytest.raises(InputError, match="3 hidden units is not linear"):
        TransferFunction.of(Predictor(units, Scale.none(1), np.zeros(units.size)), 0, 1.0)
