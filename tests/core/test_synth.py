"""Synthetic signals: formats, the plant, and the same at each run however they are cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtkit import InputError, Options, UsageError
from rtkit.core.endpoints import make_source


def take(kind, count, dtype=np.float64, **options):
    """The first `count` samples, and the format."""
    source = make_source(f"synth:{kind}", Options(**options))
    spec, blocks, have = source.open(dtype), [], 0
    for block in source:
        assert (block.start, block.rate, block.channels) == (have, spec.rate, spec.channels)
        assert len(block.data) == options.get("block", 4096)
        assert block.data.dtype == dtype
        blocks.append(block.data)
        have += len(block.data)
        if have >= count:
            break
    source.close()
    return np.concatenate(blocks)[:count], spec


def test_formats():
    assert take("sine", 1)[1].rate == 16000
    assert take("sine", 1)[1].channels == ("mono",)
    assert take("noise", 1, rate=48000, channels=2)[1].channels == ("1", "2")
    plant = take("plant", 1)[1]
    assert (plant.rate, plant.channels) == (1000, ("u", "y"))
    assert take("plant", 1, rate=50, channels=2)[1].rate == 50
    with pytest.raises(UsageError, match="synth:plant: has the channels u, y; got --channels 3"):
        make_source("synth:plant", Options(channels=3))
    with pytest.raises(UsageError, match="expected one of silence, noise, sine, square, plant"):
        make_source("synth:plan", Options())
    with pytest.raises(InputError, match="has 2 channels"):
        make_source("synth:plant+synth:noise", Options()).open()


def test_channels_of_noise_are_independent_and_others_alike():
    noise = take("noise", 4096, channels=2)[0]
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.1
    assert noise.std() == pytest.approx(0.1, rel=0.05)
    sine = take("sine", 4096, channels=2)[0]
    np.testing.assert_array_equal(sine[:, 0], sine[:, 1])
    np.testing.assert_allclose(sine[:, 0], 0.5 * np.sin(2 * np.pi * 440 * np.arange(4096) / 16000), atol=1e-12)


@given(
    kind=st.sampled_from(["noise", "sine", "square", "plant"]), block=st.integers(1, 700), dtype=st.sampled_from([np.float32, np.float64])
)
@settings(max_examples=40, deadline=None)
def test_the_same_however_it_is_cut(kind, block, dtype):
    np.testing.assert_array_equal(take(kind, 1000, dtype, block=block)[0], take(kind, 1000, dtype)[0])


def test_the_plant_answers_to_random_regressors():
    rows = take("plant", 20_000)[0].reshape(-1, 4, 2)
    assert np.isnan(rows[:, 3]).all()
    u, y = rows[:, :3, 0], rows[:, :3, 1]
    np.testing.assert_allclose(y[:, 2], 2 * u[:, 2] + 4 * u[:, 1] - 6 * y[:, 1] - 8 * y[:, 0], atol=1e-12)
    past = np.column_stack([u, y[:, :2]])
    assert np.abs(past).max() <= 1
    np.testing.assert_allclose(np.cov(past.T), np.eye(5) / 3, atol=0.02)  # uniform in -1..1, and independent
    np.testing.assert_allclose(np.corrcoef(past[:-1].T, past[1:].T)[:5, 5:], 0, atol=0.06)  # of one row and the next
