"""Tests of errors: white ones pass, others fail, and gaps change nothing."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import scipy.signal
from rtkit_sysid.residuals import independence, whiteness

N = 20_000


@pytest.fixture
def random():
    return np.random.default_rng(1)


def test_white_errors_pass_as_often_as_promised():
    found = [whiteness(np.random.default_rng(seed).normal(size=400)) for seed in range(300)]
    p_values = np.array([one.p_value for one in found])
    assert np.mean([one.passed for one in found]) > 0.97
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.06)  # evenly from 0 to 1
    assert np.mean([one.outside for one in found]) == pytest.approx(0.01, abs=0.005)


def test_coloured_and_biased_errors_fail(random):
    coloured = scipy.signal.lfilter([1], [1, -0.8], random.normal(size=N))
    found = whiteness(coloured)
    assert not found.passed
    assert found.lags == tuple(range(1, 26))
    np.testing.assert_allclose(found.values[:5], 0.8 ** np.arange(1, 6), atol=0.05)
    assert found.outside > 0.4
    assert not whiteness(random.normal(size=N) + 0.3).passed


def test_it_is_the_statistic_of_ljung_and_box(random):
    error = random.normal(size=200)
    own = np.array([error[lag:] @ error[: 200 - lag] / (error @ error) for lag in range(1, 11)])
    assert whiteness(error, 10).statistic == pytest.approx(200 * 202 * np.sum(own**2 / (200 - np.arange(1, 11))))


@pytest.mark.parametrize("lag", [0, 3, 25])
def test_dependence_on_an_input_is_seen_at_its_lag(random, lag):
    inputs = 5 + random.normal(size=(N, 2))
    error = random.normal(size=N) + 0.2 * np.roll(inputs[:, 1], lag)
    neither, seen = independence(error, inputs)
    assert neither.outside <= 0.1
    assert neither.lags == tuple(range(26))
    assert int(np.argmax(np.abs(seen.values))) == lag
    assert seen.values[lag] == pytest.approx(0.2, abs=0.1)
    assert np.sum(np.abs(seen.values) > seen.bounds) <= 3


def test_slow_inputs_and_errors_that_do_not_depend_on_each_other():
    outside = []
    for seed in range(60):
        noise = np.random.default_rng(seed).normal(size=(2000, 2))
        slow = scipy.signal.lfilter([1], [1, -0.8], noise, axis=0)
        outside.append(independence(slow[:, 0], slow[:, 1:])[0].outside)
    assert np.mean(outside) < 0.03


def test_gaps_are_left_out(random):
    error, u = scipy.signal.lfilter([1], [1, -0.5], random.normal(size=N)), random.normal(size=(N, 1))
    holed = error.copy()
    holed[random.random(N) < 0.3] = np.nan
    u[:50] = np.nan
    found = whiteness(holed)
    np.testing.assert_allclose(found.values, whiteness(error).values, atol=0.05)
    assert min(found.bounds) > 1.3 * min(whiteness(error).bounds)
    assert independence(holed, u)[0].outside <= 0.1
    rows = np.full(N, np.nan)
    rows[::4] = random.normal(size=N // 4)
    assert whiteness(rows).lags == (4, 8, 12, 16, 20, 24)
    assert whiteness(rows).passed


@pytest.mark.parametrize("error", [np.zeros(100), np.full(100, np.nan), np.zeros(0), np.ones(1), np.full(3, 0.5)])
def test_the_results_are_always_plain_numbers(error):
    found = [whiteness(error), *independence(error, np.ones((len(error), 2)))]
    assert len(found) == 3
    for one in found:
        made = json.loads(json.dumps(asdict(one), allow_nan=False))
        assert len(made["lags"]) == len(made["values"]) == len(made["bounds"])
    assert whiteness(np.zeros(100)).passed
