"""How near the rules come to exact principal components, and what can never happen to them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtkit

from .rows import RULES, angle, exact, faces, in_passes, ratio, spectrum

every_rule = pytest.mark.parametrize("rule", RULES)
SETTINGS = settings(max_examples=15, deadline=None, derandomize=True, database=None)


def make(rule, components, **more):
    return rtkit.create("pca", components=components, rule=rule, **more)


@every_rule
def test_finds_the_components_of_a_clear_spectrum(rule):
    rows = spectrum([50, 20, 10, 1, 0.5, 0.2], n=500)
    pca = in_passes(make(rule, 3), rows, 5)
    components, variances, mean = exact(rows, 3)
    np.testing.assert_allclose(pca.mean, mean, atol=1e-6)
    assert np.abs((pca.components * components).sum(axis=1)).min() > 0.999  # each by itself, in order
    np.testing.assert_allclose(pca.variances, variances, rtol=0.1)
    assert ratio(rows, pca) < 1.01
    assert pca.seen == 2500
    assert pca.explained.sum() == pytest.approx(variances.sum() / rows.var(axis=0).sum(), rel=0.1)


@every_rule
def test_an_offset_far_beyond_the_variation_leaves_no_imprint(rule):
    rows = spectrum([9, 4, 2, 0.1, 0.1], offset=2000)
    plain, shifted = in_passes(make(rule, 3), rows - np.float32(2000), 5), in_passes(make(rule, 3), rows, 5)
    assert ratio(rows, shifted) < 1.01 * ratio(rows, plain)


@pytest.mark.parametrize(("folder", "pattern", "size", "passes"), [("yalefaces", "*", (80, 61), 5), ("att_faces", "s*/*.pgm", (46, 56), 5)])
def test_the_default_is_as_good_as_exact_on_faces(folder, pattern, size, passes):
    rows = faces(folder, pattern, size)
    for seed in (0, 1):
        random = np.random.default_rng(seed)
        part = rows[random.random(len(rows)) < 0.8]
        pca = in_passes(rtkit.create("pca", components=10), part, passes, seed)
        assert ratio(part, pca) < 1.0003
        assert angle(part, pca) < 1


@pytest.mark.parametrize(("rule", "within"), [("ccipca", 1.0015), ("oja", 1.0015), ("sanger", 1.005), ("autoencoder", 1.02)])
def test_the_neural_rules_come_near_exact_on_faces(rule, within):
    rows = faces("yalefaces", "*", (80, 61))
    assert ratio(rows, in_passes(make(rule, 10), rows, 5)) < within
    assert angle(rows, in_passes(make(rule, 10), rows, 20)) < 20


@pytest.mark.parametrize("variances", [np.ones(30), 1 / np.arange(1, 31), 0.95 ** np.arange(30), [5, 5, 5, 1, 1, 1, 0.1]])
def test_the_default_withstands_ties_and_slow_decay(variances):
    rows = spectrum(variances, n=400, d=60)
    pca = in_passes(rtkit.create("pca", components=3), rows, 5)
    assert ratio(rows, pca) < 1.001


def test_the_default_is_exact_where_all_directions_fit():
    rows = spectrum(np.arange(12, 0, -1), n=200, d=12)
    pca = rtkit.create("pca", components=12).partial(rows)
    components, variances, _ = exact(rows, 12)
    np.testing.assert_allclose(np.abs((pca.components * components).sum(axis=1)), 1, atol=1e-5)
    np.testing.assert_allclose(pca.variances, variances, rtol=1e-5)


@every_rule
def test_the_gain_of_the_rows_does_not_matter(rule):
    rows = spectrum([9, 5, 2, 0.3, 0.1], n=100, d=20, offset=3).astype(np.float64)
    plain = make(rule, 3).partial(rows)

    @SETTINGS
    @given(st.integers(-60, 60))
    def holds(power):
        scaled = make(rule, 3).partial(rows * 2.0**power)
        np.testing.assert_allclose(scaled.components, plain.components, atol=1e-6)
        np.testing.assert_allclose(scaled.mean, plain.mean * 2.0**power, rtol=1e-9)
        np.testing.assert_allclose(scaled.variances, plain.variances * 4.0**power, rtol=1e-5)

    holds()


values = st.one_of(
    st.floats(-1, 1, width=32), st.sampled_from([0.0, 1e30, -1e30, 3e38, 1e-30, 1e-45, np.nan, np.inf, -np.inf, 255.0]), st.floats(width=32)
)


@every_rule
def test_nothing_makes_it_diverge(rule):
    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(st.integers(1, 6), st.integers(1, 4), st.data())
    def holds(d, k, data):
        rows = np.array(data.draw(st.lists(st.lists(values, min_size=d, max_size=d), min_size=1, max_size=30)), np.float32)
        pca = make(rule, k, memory=data.draw(st.sampled_from([None, 5]))).partial(rows)
        good = (np.abs(rows) <= np.float32(1e30)).all(axis=1)
        assert (pca.seen, pca.skipped) == (good.sum(), (~good).sum())
        assert all(np.isfinite(array).all() for array in pca.state().values())
        components = pca.components
        assert components.shape == (k, d)
        lengths = (components.astype(np.float64) ** 2).sum(axis=1)
        assert np.all((np.abs(lengths - 1) < 1e-5) | (lengths == 0))
        cosines = components.astype(np.float64) @ components.T
        assert np.abs(cosines - np.diag(np.diag(cosines))).max() < 1e-5
        assert np.all(np.diff(pca.variances) <= 0)
        assert np.all((pca.explained >= 0) & (pca.explained <= 1))

    holds()


@every_rule
def test_long_runs_keep_their_balance(rule):
    rows = spectrum([4, 2, 1, 0.5], n=20000, d=50, seed=3)
    pca = make(rule, 3).partial(rows)
    assert ratio(rows, pca) < 1.002
    assert pca.orthogonality < 0.1


@every_rule
def test_spikes_are_survived_with_a_memory(rule):
    rows = spectrum([9, 4, 2, 0.1, 0.1], n=3000)
    rows[100:103] = 1e30
    pca = make(rule, 3, memory=20).partial(rows)
    assert ratio(rows[-500:], pca) < 3


@every_rule
def test_a_memory_follows_what_changes(rule):
    before, after = spectrum([9, 4, 0.1], n=3000, seed=1), spectrum([9, 4, 0.1], n=3000, seed=2, offset=5)
    for memory, near in ((200, True), (None, False)):
        pca = make(rule, 2, memory=memory).partial(before).partial(after)
        assert (ratio(after[-500:], pca) < 2) == near


@every_rule
@pytest.mark.parametrize(("n", "d", "k"), [(1, 5, 3), (2, 5, 3), (3, 5, 10), (50, 2, 10), (50, 1, 1), (50, 3, 1), (5, 200, 10)])
def test_few_rows_and_few_values(rule, n, d, k):
    rows = np.random.default_rng(n + d).standard_normal((n, d)).astype(np.float32)
    pca = make(rule, k).partial(rows)
    possible = min(n - 1, d, k)
    assert pca.components.shape == (k, d)
    assert (np.abs(pca.components).sum(axis=1) > 0).sum() <= possible
    assert np.isfinite(pca.inverse(pca.transform(rows))).all()


@every_rule
def test_constant_rows_have_no_components(rule):
    pca = make(rule, 2).partial(np.full((100, 4), 0.1, np.float32))
    assert not pca.components.any()
    assert not pca.variances.any()
    assert not pca.explained.any()
    np.testing.assert_allclose(pca.mean, np.float32(0.1))


@every_rule
def test_rows_at_once_or_one_by_one(rule):
    rows = spectrum([5, 2, 1], n=90, d=10)
    at_once, parts = make(rule, 2).partial(rows), make(rule, 2)
    for row in rows[:40]:
        parts.partial(row)
    parts.partial(rows[40:])
    for name, array in at_once.state().items():
        np.testing.assert_array_equal(array, parts.state()[name], err_msg=name)
