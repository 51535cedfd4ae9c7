"""Parameters from records: slopes along free runs, least squares, descent, gaps."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rtkit_sysid import fit, kernel
from rtkit_sysid.fit import WHOLE, ScaledRecord
from rtkit_sysid.predictor import Form, Predictor, Scale, products, rms
from rtkit_sysid.regressors import Order, regressor_rows, usable_times

from tests.rtkit_sysid.plants import PLANT, mild, random_rows


def a_form(na, nb, delay, degree, hidden, activation, inputs=1):
    order = Order(na, nb, delay)
    return Form(order, inputs, products(order.width(inputs), degree), hidden, activation)


FORMS = st.builds(
    a_form,
    st.integers(0, 3),
    st.integers(1, 3),
    st.integers(0, 2),
    st.integers(1, 3),
    st.integers(0, 3),
    st.sampled_from(["sigmoid", "tanh"]),
    st.integers(1, 2),
)


def record(form, seed, count=60, gaps=()):
    random = np.random.default_rng(seed)
    u, y = random.standard_normal((count, form.inputs)), random.standard_normal(count)
    for at in gaps:
        y[at] = np.nan
    return ScaledRecord.of(form, u, y), 0.3 * random.standard_normal(form.size) / np.sqrt(form.size)


@given(FORMS, st.sampled_from([1, 3, 17, WHOLE]), st.integers(0, 1000), st.lists(st.integers(0, 59), max_size=3))
@settings(max_examples=60, deadline=None)
def test_slopes_of_free_runs_are_those_of_finite_differences(form, horizon, seed, gaps):
    learned, theta = record(form, seed, gaps=gaps)
    evaluate = fit.errors_of(form, learned, horizon)
    _, normal, gradient = evaluate(theta)
    step, random = 1e-6, np.random.default_rng(seed)
    for _ in range(3):
        way = random.standard_normal(form.size)
        slope = (evaluate(theta + step * way)[0] - evaluate(theta - step * way)[0]) / (2 * step)
        assert -2 * gradient @ way == pytest.approx(slope, rel=1e-4, abs=1e-4)
    np.testing.assert_allclose(normal, normal.T, rtol=1e-9, atol=1e-12)
    assert np.linalg.eigvalsh(normal).min() > -1e-8 * max(1, np.abs(normal).max())


@given(FORMS, st.integers(0, 1000), st.lists(st.integers(0, 59), max_size=4))
@settings(max_examples=60, deadline=None)
def test_errors_of_free_runs_are_those_of_a_predictor(form, seed, gaps):
    learned, theta = record(form, seed, gaps=gaps)
    predictor = Predictor(form, Scale.none(form.inputs), theta)
    one = predictor.one_step(learned.u, learned.y) - learned.y
    assert fit.errors_of(form, learned, 1)(theta)[0] == pytest.approx(np.nansum(one[learned.times] ** 2))
    if not gaps:
        run = predictor.free_run(learned.u, learned.y) - learned.y
        assume(np.abs(run).max() < 1e3)
        assert fit.errors_of(form, learned)(theta)[0] == pytest.approx(np.sum(run[form.order.max_lag :] ** 2))


@given(FORMS, st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_a_free_run_is_the_model_on_its_own_outputs(form, seed):
    learned, theta = record(form, seed)
    order, run = form.order, learned.y.copy()
    for k in range(order.max_lag, len(run)):
        out = np.empty(1)
        kernel.predict_rows(regressor_rows(learned.u, run, order, np.array([k])), theta, *form.kernel_form, out)
        run[k] = out[0]
        assume(abs(run[k]) < 1e3)  # what runs away is another test
    np.testing.assert_allclose(Predictor(form, Scale.none(form.inputs), theta).free_run(learned.u, learned.y), run, rtol=1e-9)


@given(st.integers(1, 40), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_a_horizon_begins_anew_from_what_was_measured(horizon, seed):
    form = a_form(2, 2, 0, 2, 1, "tanh")
    learned, theta = record(form, seed)
    predictor = Predictor(form, Scale.none(1), theta)
    made = predictor.free_run(learned.u, learned.y, horizon=horizon)
    for begin in range(form.order.max_lag, len(made), horizon):
        stop, start = min(begin + horizon, len(made)), begin - form.order.max_lag
        expected = predictor.free_run(learned.u[start:stop], learned.y[start:stop])[form.order.max_lag :]
        np.testing.assert_array_equal(made[begin:stop], expected)


def test_missing_inputs_begin_a_free_run_anew():
    form = a_form(2, 2, 0, 1, 0, "tanh")
    learned, theta = record(form, 3)
    learned.u[20] = np.nan
    predictor = Predictor(form, Scale.none(1), theta)
    made = predictor.free_run(learned.u, learned.y)
    assert np.isnan(made[20:22]).all()
    np.testing.assert_array_equal(made[22:], predictor.free_run(learned.u[20:], learned.y[20:])[2:])


def test_what_runs_away_is_infinite_from_there_on():
    form = Form(Order(1, 1), 1, np.array([[0, 0, 0], [2, 2, 0]]))
    made = Predictor(form, Scale.none(1), np.array([3.0, 1.0])).free_run(np.zeros((60, 1)), np.zeros(60))
    at = int(np.argmax(np.isinf(made)))
    assert 3 < at < 20
    assert np.isinf(made[at:]).all()
    assert np.isinf(rms(made))


@given(FORMS.filter(lambda form: form.hidden == 0 and form.order.na), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_least_squares_are_those_of_numpy(form, seed):
    learned, _ = record(form, seed, 2 * form.size + 100)
    columns = fit.term_columns(form, regressor_rows(learned.u, learned.y, form.order, learned.times))
    expected = np.linalg.lstsq(columns, learned.y[learned.times], rcond=None)[0]
    np.testing.assert_allclose(fit.least_squares(form, learned), expected, rtol=1e-3, atol=1e-4)


def test_the_plant_is_found_exactly():
    samples = random_rows(200, 1)
    form = Form(Order(2, 3), 1, products(5, 1, constant=False))
    learned = ScaledRecord.of(form, np.ascontiguousarray(samples[:, :1]), np.ascontiguousarray(samples[:, 1]))
    assert len(learned.times) == 200
    np.testing.assert_allclose(fit.least_squares(form, learned), PLANT, rtol=0, atol=1e-12)


@given(st.lists(st.integers(0, 49), max_size=6), st.lists(st.integers(0, 49), max_size=6), st.integers(0, 3), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_no_row_touches_a_gap(of_u, of_y, na, nb):
    u, y = np.ones((50, 2)), np.ones(50)
    u[of_u, 1], y[of_y] = np.nan, np.nan
    order = Order(na, nb, 1)
    times = usable_times(u, y, order)
    assert np.isfinite(regressor_rows(u, y, order, times)).all()
    assert np.isfinite(y[times]).all()
    others = np.setdiff1d(np.arange(order.max_lag, 50), times)
    assert all(np.isnan(y[k]) or np.isnan(regressor_rows(u, y, order, np.array([k]))).any() for k in others)


def test_descent_on_free_runs_beats_least_squares_under_noise():
    samples = mild(1500, noise=0.3)
    u, y = Scale.of(samples[:, :1], samples[:, 1]).apply(samples[:, :1], samples[:, 1])
    form = a_form(2, 3, 0, 2, 0, "tanh")
    learned = ScaledRecord.of(form, u[:1000], y[:1000])
    first = fit.least_squares(form, learned)
    told = []
    better = fit.levenberg_marquardt(fit.errors_of(form, learned), first, 20, lambda theta: told.append(theta) is None)
    errors = [rms((Predictor(form, Scale.none(1), theta).free_run(u[1000:], y[1000:]) - y[1000:])[50:]) for theta in (first, better)]
    assert errors[1] < errors[0]
    costs = [fit.errors_of(form, learned)(theta)[0] for theta in told]
    assert costs == sorted(costs, reverse=True)


def test_a_penalty_holds_parameters_back():
    form = a_form(1, 1, 0, 1, 2, "tanh")
    learned, theta = record(form, 0)
    evaluate = fit.errors_of(form, learned)
    free, held = (
        fit.levenberg_marquardt(evaluated, theta, 50) for evaluated in (evaluate, fit.with_penalty(evaluate, np.full(form.size, 1e3)))
    )
    assert np.abs(held).max() < 0.1 < np.abs(free).max()
