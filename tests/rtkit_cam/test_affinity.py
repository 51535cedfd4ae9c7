"""Maps averaged over places of high affinity: laws, and a thing of which the map shows only a part."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rtkit_cam.affinity import Affinity
from rtkit_cam.regions import locate


def compared(guide):
    affinity = Affinity(guide.shape)
    affinity.compare(guide)
    return affinity


@pytest.mark.parametrize("channels", [3, 40, 672])
@pytest.mark.parametrize(("rows", "columns"), [(12, 16), (24, 32), (33, 47)])
def test_a_part_of_a_thing_stands_for_the_whole(channels, rows, columns):
    """Two textures, one on a rectangle; the map points at a corner of it."""
    random = np.random.default_rng(channels + rows)
    inside = np.zeros((rows, columns), bool)
    inside[rows // 4 : rows * 3 // 4, columns // 8 : columns // 2] = True
    ground, thing = random.normal(size=(2, channels, 1, 1))
    guide = np.where(inside, thing, ground) + 0.3 * random.normal(size=(channels, rows, columns))
    heat = np.zeros((6, 8))
    heat[2, 2] = 1
    made = compared(guide.astype(np.float32)).refine(heat)
    assert made.shape == inside.shape
    assert np.median(made[inside]) > 0.5
    assert np.median(made[~inside]) < 0.1
    _, (x, y, wide, high) = locate(heat, made, 16 * columns, 16 * rows, 0.18)
    common = max(0, min(x + wide, 8 * columns) - max(x, 2 * columns)) * max(0, min(y + high, 12 * rows) - max(y, 4 * rows))
    assert common / (wide * high + 48 * rows * columns - common) > 0.7


@given(
    st.tuples(st.integers(1, 700), st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.integers(0, 1000),
    st.floats(0.01, 100),
)
@settings(max_examples=60, deadline=None)
def test_it_is_between_0_and_1_and_does_not_change_with_scale(shape, size, seed, scale):
    random = np.random.default_rng(seed)
    guide, heat = random.normal(size=shape).astype(np.float32), random.normal(size=size)
    made = compared(guide).refine(heat)
    assert made.shape == shape[1:]
    assert made.min() >= 0
    assert made.max() <= 1.001
    np.testing.assert_allclose(compared(scale * guide).refine(scale * heat), made, atol=2e-2)


def test_an_empty_picture_has_no_extent():
    made = compared(np.ones((8, 4, 6), np.float32)).refine(np.ones((2, 3)))
    assert (made == 0).all()
    assert locate(np.ones((2, 3)), made, 64, 48, 0.18)[1] == [0, 0, 64, 48]
