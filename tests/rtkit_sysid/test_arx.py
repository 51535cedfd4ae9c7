"""`arx`: how exactly its rules find a plant, that they neither diverge nor wind up, and the laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plants import PLANT, drive, linear, open_on, random_rows
from rtkit_sysid.arx import Arx

import rtkit
from rtkit.testing import check_processor


@pytest.mark.parametrize("level", [1, 10])
def test_coefficients_of_the_plant(level):
    """Measured: at most 3e-15 by every rule after 10,000 rows, and by least squares after 50 as well."""
    for rule in ("lms", "nlms", "rls"):
        processor = open_on(Arx(rule=rule, na=2, nb=3))
        drive(processor, random_rows(10_000, level))
        np.testing.assert_allclose(processor.coefficients(), PLANT, atol=1e-12)
    for options in ({}, {"forgetting": 0.95}, {"bias": True}):
        processor = open_on(Arx(na=2, nb=3, **options))
        drive(processor, random_rows(50, level))
        np.testing.assert_allclose(processor.coefficients(), PLANT, atol=1e-12)


@given(data=st.data(), na=st.integers(1, 5), nb=st.integers(1, 4), inputs=st.integers(1, 2))
@settings(max_examples=30, deadline=None)
def test_any_stable_system_is_found(data, na, nb, inputs):
    radii = data.draw(st.lists(st.floats(-0.9, 0.9), min_size=na, max_size=na), "poles")
    random = np.random.default_rng(data.draw(st.integers(0, 1000), "seed"))
    weights = np.concatenate([random.uniform(0.5, 2, inputs * nb), -np.poly(radii)[1:]])
    samples = linear(800, weights, na, nb, inputs=inputs)
    processor = open_on(Arx(na=na, nb=nb), tuple("abcy"[-inputs - 1 :]))
    drive(processor, samples, 100)
    np.testing.assert_allclose(processor.coefficients(), weights, atol=1e-7)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3, 1e6])
def test_units_do_not_matter(scale):
    weights = np.array([1, 0.5, 0.8, -0.2])
    random = np.random.default_rng(1)
    samples = np.concatenate([linear(3000, weights, 2, 2), linear(3000, weights * [0.5, 1, 0.5, 1], 2, 2, seed=1)])
    samples[:, 1] += 1e-3 * random.standard_normal(6000)
    found = []
    for unit in (1, scale):
        processor = open_on(Arx(nb=2, forgetting=0.99))
        drive(processor, samples * [1, unit])
        found.append(processor.coefficients() / [unit, unit, 1, 1])
    np.testing.assert_allclose(found[0], [0.5, 0.5, 0.4, -0.2], atol=0.01)
    np.testing.assert_allclose(found[1], found[0], atol=1e-6)


def test_a_changed_plant_is_followed_if_the_old_one_is_forgotten():
    samples = np.concatenate([linear(3000, [1, 0.5, 0.8, -0.2], 2, 2), linear(3000, [0.5, 0.5, 0.5, -0.2], 2, 2, seed=1)])
    for options, close in (({"forgetting": 0.98}, 1e-9), ({"rule": "nlms"}, 1e-9), ({}, None)):
        processor = open_on(Arx(nb=2, **options))
        drive(processor, samples)
        difference = np.abs(processor.coefficients() - [0.5, 0.5, 0.5, -0.2]).max()
        assert difference < close if close else difference > 0.1


@pytest.mark.parametrize("forgetting", [0.9, 0.99, 1])
def test_nothing_winds_up_while_there_is_nothing_to_learn(forgetting):
    """A constant input for long, with a little noise, then the noise of before: the prediction never jumps."""
    random = np.random.default_rng(2)
    u = random.standard_normal(50_000)
    u[5000:45_000] = 1.0
    y = np.zeros(50_000)
    for k in range(2, len(y)):
        y[k] = u[k] + 0.5 * u[k - 1] + 0.8 * y[k - 1] - 0.2 * y[k - 2] + 0.01 * random.standard_normal()
    processor = open_on(Arx(nb=2, forgetting=forgetting))
    error = drive(processor, np.stack([u, y], axis=1))[:, 1]
    assert np.abs(error[6000:45_000]).max() < 0.1
    assert np.abs(error[45_000:]).max() < 2
    np.testing.assert_allclose(processor.coefficients(), [1, 0.5, 0.8, -0.2], atol=0.02)


def test_too_many_regressors_do_no_harm():
    """Without noise the older ones say nothing new, so that the covariance is singular: for long, and with forgetting."""
    samples = linear(50_000, [1, 0.5, 0.8, -0.2], 2, 2)
    for forgetting in (0.95, 1):
        processor = open_on(Arx(na=6, nb=6, forgetting=forgetting))
        error = drive(processor, samples)[:, 1]
        assert np.abs(error[1000:]).max() < 1e-9
        assert np.abs(processor.coefficients()).max() < 10


HARD = {
    "silence": np.zeros(3000),
    "constant": np.ones(3000),
    "square": np.where(np.arange(3000) % 80 < 40, 1.0, -1.0),
    "loud, then faint": np.repeat([100, 0.01], 1500) * np.random.default_rng(1).standard_normal(3000),
    "faint, then loud": np.repeat([0.01, 100], 1500) * np.random.default_rng(1).standard_normal(3000),
    "bursts": (np.arange(3000) % 1000 < 100) * np.random.default_rng(2).standard_normal(3000),
    "beyond all measure": np.where(np.arange(3000) % 777 == 700, 1e29, 1.0) * np.random.default_rng(3).standard_normal(3000),
}


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("rule", ["lms", "nlms", "rls"])
def test_it_never_diverges(name, rule):
    u = HARD[name]
    y = 0.5 * np.roll(u, 2) + 0.1 * np.random.default_rng(4).standard_normal(len(u))
    for forgetting in (0.9, 1.0):
        processor = open_on(Arx(rule=rule, forgetting=forgetting, step_size=1.5 if rule == "lms" else 1.0))
        out = drive(processor, np.stack([u, y], axis=1))
        assert np.isfinite(out).all()
        if name != "beyond all measure":
            assert np.abs(out[:, 0]).max() <= 30 * np.abs(y).max()


def test_a_bias_learns_an_offset():
    samples = linear(3000, [1, 0.5, 0.8, -0.2], 2, 2) + np.array([2, 7])
    without, biased = open_on(Arx(nb=2)), open_on(Arx(nb=2, bias=True, event_interval=3000))
    assert np.abs(drive(without, samples)[-100:, 1]).max() > 0.1
    assert np.abs(drive(biased, samples)[-100:, 1]).max() < 1e-9
    constant = biased.events[0].data["coefficients"]["1"]
    assert constant == pytest.approx(7 - 1.5 * 2 - 0.6 * 7)


def test_a_delay_is_left_out():
    samples = linear(500, [0, 0, 0, 2, 1, 0.5], 1, 5)
    processor = open_on(Arx(na=1, nb=2, delay=3))
    drive(processor, samples)
    np.testing.assert_allclose(processor.coefficients(), [2, 1, 0.5], atol=1e-9)


def test_the_transfer_function_is_that_of_the_plant():
    processor = open_on(Arx())
    drive(processor, random_rows(100, 1))
    found = processor.transfer_function()
    np.testing.assert_allclose(found.numerator[:2], [2, 4], atol=1e-9)
    np.testing.assert_allclose(found.denominator, [1, 6, 8], atol=1e-9)
    assert not found.stable


def test_it_runs_in_a_chain():
    samples = linear(2000, [1, 0.5, 0.8, -0.2], 2, 2)
    out, events = rtkit.apply(Arx(nb=2), samples, rate=1000)
    assert out.shape == (2000, 2)
    assert np.abs(out[100:, 1]).max() < 1e-6
    assert [event.kind for event in events] == ["model"] * 2


@pytest.mark.long
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rule": "lms", "bias": True},
        {"rule": "nlms", "event_interval": 100, "delay": 3},
        {"forgetting": 0.95, "na": 0, "nb": 20},
        {"na": 10, "nb": 0, "event_interval": 1},
    ],
)
def test_every_form_obeys_the_laws(options):
    check_processor(Arx(**options))
