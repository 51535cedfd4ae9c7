"""The measures of the comparison of cancellers, and `echo` by them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rtkit_echo import comparison, peers

RATE = comparison.RATE_HZ
(PAIR,) = comparison.shipped()


@pytest.mark.parametrize(("chain", "erle", "double_talk"), [("echo", 36, 2.9), ("echo:suppressor=rule", 34, 2.5)])
def test_echo_by_the_measures(chain, erle, double_talk):
    (row,) = comparison.compare([PAIR], [chain])
    print(f"\n{row}")
    assert row["late_ms"] == pytest.approx(16, abs=0.1)
    assert float(row["erle"]) > erle
    assert float(row["erle_new"]) > 22
    assert float(row["t10_s"]) < 0.5
    if "dt_pesq" in row:
        assert float(row["dt_pesq"]) > double_talk
        assert float(row["near10_pesq"]) > 3.5
        assert float(row["near_pesq"]) > 4.5


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.floats(0.001, 1), st.integers(0, 1000))
def test_erle_of_what_is_taken_down_evenly(gain, start):
    near = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    assert comparison.erle(near, np.float32(gain) * near, slice(start, None)) == pytest.approx(-20 * np.log10(gain), abs=1e-3)


@pytest.mark.parametrize("late", [0, 1, 128, 700])
def test_the_delay_of_a_canceller_is_found(late):
    assert comparison.delay_of(lambda near, far: np.concatenate([np.zeros(late, np.float32), near])[: len(near)]) == late


def test_the_time_to_a_depth_begins_where_it_is_told():
    near = np.random.default_rng(0).standard_normal(4 * RATE).astype(np.float32)
    out = near.copy()
    out[2 * RATE :] *= 0.1
    assert comparison.reached(near, out, 10, RATE) == pytest.approx(0.95, abs=0.1)
    assert comparison.reached(near, out, 10, 2 * RATE) == 0
    assert comparison.reached(near, near, 10, RATE) == 3


def test_scenes_are_what_they_say():
    far, echo, noise, talker = comparison.scene(PAIR, 0, PAIR.room)
    assert all(len(signal) == comparison.DURATION_S * RATE for signal in (far, echo, noise, talker))
    assert 10 * np.log10(np.mean(noise**2)) == pytest.approx(-65, abs=0.1)
    assert (comparison.scene(PAIR, 0, PAIR.room)[1] == echo).all()
    assert not (comparison.scene(PAIR, 1, PAIR.room)[2] == noise).all()


@pytest.mark.skipif(not peers.installed(), reason="no other canceller is installed")
def test_peers_give_what_they_were_given_at_its_length():
    far, echo, noise, _ = (signal[: 4 * RATE] for signal in comparison.scene(PAIR, 0, PAIR.room))
    for name, peer in peers.installed().items():
        out = peer(echo + noise, far, RATE, 0.128)
        assert out.shape == far.shape
        assert out.dtype == np.float32
        assert comparison.erle(echo + noise, out, slice(2 * RATE, None)) > 3, name
