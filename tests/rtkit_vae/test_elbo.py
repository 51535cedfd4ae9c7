"""The ELBO, ranks, backgrounds and latents: what holds for all numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rtkit_vae import drawing, elbo
from rtkit_vae.preprocessing import centre_square, normalise_background
from rtkit_vae.reference import MAP_EXTENT, CostDistribution

some = settings(max_examples=40, deadline=None, derandomize=True)
unit = st.floats(0, 1, width=32)
pictures = arrays(np.float32, (2, 5, 4, 1), elements=unit)
logits = arrays(np.float32, (2, 5, 4, 1), elements=st.floats(-90, 90, width=32))
numbers = st.floats(-4, 4, width=32)


@some
@given(arrays(np.float32, (3, 4), elements=numbers), arrays(np.float32, (3, 4), elements=numbers))
def test_divergence_is_never_negative_and_zero_for_the_standard_normal(mean, log_variance):
    found = elbo.kl_divergence(mean, log_variance)
    assert found.shape == (3,)
    assert (found >= -1e-6).all()
    assert elbo.kl_divergence(0 * mean, 0 * log_variance) == pytest.approx([0, 0, 0])


@some
@given(numbers, st.floats(-3, 2, width=32))
def test_divergence_is_what_an_integral_says(mean, log_variance):
    deviation = np.exp(log_variance / 2)
    z = mean + deviation * np.linspace(-12, 12, 4001)
    log_q = -0.5 * ((z - mean) / deviation) ** 2 - np.log(deviation)
    integral = np.trapezoid(np.exp(log_q) / np.sqrt(2 * np.pi) * (log_q + 0.5 * z**2), z)
    assert elbo.kl_divergence(np.array([[mean]]), np.array([[log_variance]])) == pytest.approx([integral], abs=1e-5)


@some
@given(pictures, logits)
def test_pictures_cost_at_least_their_entropy(seen, made):
    least = elbo.entropy(seen)
    assert (elbo.cross_entropy(seen, made) >= least - 1e-3).all()
    inside = np.clip(seen.astype(np.float64), 1e-6, 1 - 1e-6)
    right = np.log(inside) - np.log1p(-inside)
    np.testing.assert_allclose(elbo.cross_entropy(seen.astype(np.float64), right), least, atol=1e-3)


@pytest.mark.parametrize("size", [1, 2, 16])
def test_points_stand_for_the_normal_distribution(size):
    points = elbo.normal_points(size, 8)
    assert points.shape == (16, size)
    np.testing.assert_array_equal(points, elbo.normal_points(size, 8))
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(points.var(axis=0), 1, atol=1e-5)
    many = elbo.normal_points(size, 2000)
    assert np.mean(np.abs(many) < 1) == pytest.approx(0.6827, abs=0.01)


costs = st.lists(st.floats(1, 1000, width=32), min_size=2, max_size=30).map(
    lambda values: CostDistribution(np.sort(np.array(values, np.float64)))
)


@some
@given(costs, st.lists(st.floats(0, 1e6), min_size=2, max_size=20))
def test_ranks_rise_with_the_cost_from_0_to_1(ranks, tried):
    tried = np.sort(tried)
    found = [ranks(cost) for cost in tried]
    assert all(0 <= rank < 1 for rank in found)
    assert all(np.diff(found) >= 0)
    top = ranks.costs[-1]
    assert ranks(top) < ranks(2 * top) < ranks(3 * top)


def test_a_rank_is_the_share_of_those_that_cost_less():
    ranks = CostDistribution(np.sort(np.random.default_rng(1).normal(250, 50, 4999)))
    for share in (0.01, 0.5, 0.99):
        assert ranks(float(np.quantile(ranks.costs, share))) == pytest.approx(share, abs=1e-3)
    assert ranks(0.0) == 0


@some
@given(arrays(np.float32, (6, 6, 1), elements=unit), st.sampled_from(["auto", "black", "white"]))
def test_backgrounds_keep_greys_between_0_and_1(picture, background):
    given = picture.copy()
    found = normalise_background(picture, background)
    assert found.shape == picture.shape
    assert found.min() >= 0
    assert found.max() <= 1
    np.testing.assert_array_equal(picture, given)
    np.testing.assert_allclose(normalise_background(normalise_background(picture, "white"), "white"), picture, atol=1e-6)


@some
@given(arrays(np.float32, (6, 6, 1), elements=unit), st.floats(0.0, 0.49))
def test_a_thing_is_the_same_on_any_background_light_or_dark(picture, ground):
    picture[[0, -1]] = picture[:, [0, -1]] = 0
    np.testing.assert_array_equal(normalise_background(picture, "auto"), picture)
    np.testing.assert_allclose(normalise_background(1 - picture, "auto"), picture, atol=1e-6)
    np.testing.assert_allclose(normalise_background(np.float32(ground) + (1 - np.float32(ground)) * picture, "auto"), picture, atol=1e-5)


@some
@given(st.integers(1, 40), st.integers(1, 40))
def test_the_square_is_in_the_middle(high, wide):
    y, x = np.mgrid[:high, :wide].astype(np.uint8)
    square = centre_square(np.stack([y, x], axis=2))
    side = min(high, wide)
    assert square.shape == (side, side, 2)
    for axis, length in ((0, high), (1, wide)):
        before, after = square[..., axis].min(), length - 1 - square[..., axis].max()
        assert 0 <= after - before <= 1


def test_the_manifold_is_drawn_with_the_second_value_upwards():
    z = drawing.manifold(20)
    assert z.shape == (400, 2)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-6)
    assert np.mean(np.abs(z) < 0.6745) == pytest.approx(0.5, abs=0.01)
    assert z[0][0] < 0 < z[0][1]
    assert (drawing.on_map(np.array([[0, 0], [MAP_EXTENT, MAP_EXTENT], [-MAP_EXTENT, -MAP_EXTENT]]), 100) + 0.5).tolist() == [
        [50, 50],
        [100, 0],
        [0, 100],
    ]


@some
@given(arrays(np.float32, 3, elements=numbers), arrays(np.float32, 3, elements=numbers), st.integers(2, 9))
def test_the_way_begins_and_ends_at_the_pictures(one, other, count):
    way = drawing.between(one, other, count)
    np.testing.assert_array_equal(way[[0, -1]], [one, other])
    np.testing.assert_allclose(np.diff(way, axis=0), np.tile((other - one) / (count - 1), (count - 1, 1)), atol=1e-5)
    np.testing.assert_array_equal(drawing.between(one, other, 1), [one])


@some
@given(st.integers(1, 10), st.integers(1, 5))
def test_sheets_show_every_picture_in_rows(count, across):
    pictures = (np.arange(1, count + 1) / 20)[:, None, None, None] * np.ones((1, 3, 2, 1))
    sheet = drawing.sheet(pictures, across)
    for number in range(count):
        row, column = divmod(number, across)
        assert sheet[row * 6, column * 4] == round((number + 1) / 20 * 255)
    assert sheet.shape == (-(-count // across) * 6, across * 4)
