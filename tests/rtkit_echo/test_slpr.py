"""The laws that `slpr` keeps, its rule, and what it reaches on the hybrids of ITU-T G.168."""

import csv
import itertools
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rtkit_echo.slpr import Slpr
from rtkit_echo.slpr_kernel import BIAS_INPUT, REGULARISATION, SILENCE_POWER
from scipy.signal import fftconvolve, lfilter

from rtkit.core.errors import InputError, SpecError, UsageError
from rtkit.core.items import Block, SampleSpec

RATE = 8000
CHANNELS = ("near", "far")
# dB over the last third; measured, in this order: 26.0, 28.8, 26.7, 28.0, 19.0
ERLE = {"D2": 24.5, "D3": 27, "D4": 25, "D6": 26.5, "D8": 17.5}


def opened(rate=RATE, **parameters):
    canceller = Slpr(**parameters)
    canceller.open(SampleSpec(rate, CHANNELS))
    return canceller


def run(canceller, near, far, cuts=(), start=0):
    """Output, with the input cut at `cuts`."""
    data = np.stack([near, far], axis=1).astype(np.float32)
    edges = [0, *cuts, len(data)]
    rate = canceller.spec.rate
    blocks = [canceller.process(Block(data[a:b], start + a, rate, CHANNELS)) for a, b in itertools.pairwise(edges)]
    return np.concatenate([block.data for block in blocks])[:, 0]


def at_level(signal, db):
    return signal * 10 ** (db / 20) / np.sqrt(np.mean(signal**2))


def hybrid(model):
    with files("rtkit_echo").joinpath("data/g168_hybrid.csv").open() as file:
        return np.array([float(row["value"]) for row in csv.DictReader(file) if row["model"] == model])


def call(model, seconds=16, seed=1):
    """Near and far end: speech-like noise at -24 dBFS, echo 10 dB below it after 5 ms, line noise 35 dB below the echo."""
    rng = np.random.default_rng(seed)
    speech_like = np.poly([0.85, 0.6 + 0.5j, 0.6 - 0.5j]).real
    far = at_level(lfilter([1.0], speech_like, rng.standard_normal(seconds * RATE)), -24)
    echo = at_level(fftconvolve(far, np.concatenate([np.zeros(40), hybrid(model)]))[: len(far)], -34)
    return echo + at_level(rng.standard_normal(len(far)), -69), far


def erle(before, after):
    return 10 * np.log10(np.sum(before.astype(float) ** 2) / np.sum(after.astype(float) ** 2))


def last_third(near, out):
    return erle(near[len(near) * 2 // 3 :], out[len(out) * 2 // 3 :])


def rough_call(n, seed):
    """A short scene with everything in it: pauses, digital silence, overload, NaN and Inf."""
    rng = np.random.default_rng(seed)
    far = 0.2 * rng.standard_normal(n)
    far[n // 3 : n // 3 + 60] = 0
    near = lfilter([0, 0.5, -0.3, 0.1], [1], far) + 0.001 * rng.standard_normal(n)
    near[rng.integers(n, size=3)] = np.nan, np.inf, -np.inf
    far[rng.integers(n, size=3)] = np.nan, np.inf, 5
    return near, far


SLOW = 500  # Hz: at a low rate a short signal has events


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 1000),
    st.one_of(st.sampled_from([1, 7, 480]), st.lists(st.integers(0, 1300), max_size=8)),
    st.booleans(),
)
def test_block_size_does_not_matter(seed, cutting, signed):
    near, far = rough_call(1300, seed)
    cuts = range(cutting, 1300, cutting) if isinstance(cutting, int) else sorted(cutting)
    whole, cut = opened(SLOW, signed=signed), opened(SLOW, signed=signed)
    np.testing.assert_array_equal(run(whole, near, far), run(cut, near, far, cuts))
    assert len(whole.events) == 2
    assert whole.events == cut.events
    for name, array in whole.state().items():
        np.testing.assert_array_equal(array, cut.state()[name])


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.integers(1, 999))
def test_state_continues(seed, cut):
    near, far = rough_call(1000, seed)
    first, second = opened(SLOW), opened(SLOW)
    whole = run(first, near, far, [cut])
    earlier = opened(SLOW)
    run(earlier, near[:cut], far[:cut])
    second.load_state(earlier.state())
    np.testing.assert_array_equal(run(second, near[cut:], far[cut:], start=cut), whole[cut:])
    assert earlier.events + second.events == first.events


def test_state_of_another_size_is_refused():
    with pytest.raises(InputError, match=r"weights should have shape \(12, 256\), found \(10, 256\)"):
        opened().load_state(opened(bits=10).state())


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.integers(1, 999))
def test_causal_and_without_delay(seed, now):
    near, far = rough_call(1000, seed)
    out = run(opened(SLOW), near, far)
    near[now:], far[now:] = 0.3, -0.3
    np.testing.assert_array_equal(run(opened(SLOW), near, far)[:now], out[:now])
    assert opened().latency == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channel", [0, 1])
def test_bad_samples_count_as_zero_and_teach_nothing(bad, channel):
    signals = list(rough_call(600, 4))
    signals = [np.nan_to_num(signal, posinf=0, neginf=0) for signal in signals]
    canceller = opened(SLOW)
    run(canceller, *signals)
    zeroed = opened(SLOW)
    zeroed.load_state(canceller.state())
    weights = canceller.state()["weights"]
    sample = [0.1, 0.1]
    sample[channel] = bad
    out = run(canceller, sample[:1], sample[1:])
    np.testing.assert_array_equal(canceller.state()["weights"], weights)
    sample[channel] = 0.0
    np.testing.assert_array_equal(out, run(zeroed, sample[:1], sample[1:]))
    assert np.isfinite(run(canceller, *signals)).all()


def test_survives_what_no_line_carries():
    rng = np.random.default_rng(3)
    canceller = opened(SLOW, step_size=2)
    for level in (1e-30, 1e-3, 1, 1e3, 1e38, 1e-3):
        near, far = (np.clip(level * rng.standard_normal(2000), -3e38, 3e38) for _ in range(2))
        assert np.isfinite(run(canceller, near, far)).all()
    # In units of the resolution: a full-scale word on a delay line that is only just not silent.
    taps = canceller.state()["weights"].shape[1]
    assert np.abs(canceller.state()["weights"]).max() < 2**12 / np.sqrt(SILENCE_POWER * taps)


@pytest.mark.parametrize("signed", [True, False])
def test_silent_far_end_leaves_near_end_alone(signed):
    near, far = call("D2", seconds=1)
    far[4000:] = 0
    out = run(opened(signed=signed), abs(near) if not signed else near, abs(far) if not signed else far)
    # 32 ms later, the delay line is empty
    np.testing.assert_array_equal(out[4256:], (near if signed else abs(near))[4256:].astype(np.float32))


def test_learns_nothing_from_a_quiet_far_end():
    near, far = call("D2", seconds=1)
    canceller = opened()
    run(canceller, near, at_level(far, -66))
    assert not canceller.state()["weights"].any()
    assert [event.label for event in canceller.events] == ["silent"]


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("bits", [1, 6])
def test_each_neuron_follows_the_perceptron_rule(bits, signed):
    rng = np.random.default_rng(7)
    taps, count = 16, 400
    far = 0.3 * rng.standard_normal(count)
    near = lfilter([0, 0.6, -0.4, 0.2], [1], far)
    near *= 2 / abs(near).max()  # so that a single bit has something to tell
    if not signed:
        far, near = abs(far), abs(near)
    far, near = far.astype(np.float32), near.astype(np.float32)
    canceller = opened(SLOW, bits=bits, signed=signed, step_size=0.7)
    unit = 1 / 2 ** (bits - 1) if signed else 1 / (2**bits - 1)
    lowest = -(2 ** (bits - 1)) if signed else 0
    error, changed = 0.0, 0
    for n in range(count):
        before = canceller.state()
        out = run(canceller, near[n : n + 1], far[n : n + 1])
        after = canceller.state()

        line = np.append([far[n - j] if n >= j else 0 for j in range(taps)], BIAS_INPUT).astype(float)
        sums = np.column_stack([before["weights"], before["bias"]]).astype(float) @ line
        word = int(np.clip(np.floor(near[n] / unit + 0.5) - lowest, 0, 2**bits - 1))
        power = line[:taps] @ line[:taps]
        step = 0.7 * error / (line @ line + REGULARISATION * taps) * (power > SILENCE_POWER * taps)
        own, change = 0, np.zeros((bits, taps + 1))
        for i in range(bits):
            value = 2 ** (bits - 1 - i)
            taught = word // (2 * value) * 2 * value
            target = (word - taught) // value
            answer = int(sums[i] >= lowest + taught + value - 0.5)
            change[i] = (target - answer) * step * line
            own += value * int(sums[i] >= lowest + own + value - 0.5)
        assert out[0] == pytest.approx(near[n] - (lowest + own) * unit, abs=1e-6)
        np.testing.assert_allclose(after["weights"] - before["weights"], change[:, :taps], atol=1e-4, rtol=1e-4)
        np.testing.assert_allclose(after["bias"] - before["bias"], change[:, taps], atol=1e-4, rtol=1e-4)
        error += (abs(word - own) - error) / taps
        changed += np.any(change)
    assert changed > count // 20


@pytest.mark.parametrize("model", ERLE)
def test_erle_on_hybrids(model):
    near, far = call(model)
    canceller = opened()
    out = run(canceller, near, far)
    assert last_third(near, out) >= ERLE[model]
    assert canceller.events[-1].label == "tracking"
    assert canceller.events[-1].data["erle_db"] == pytest.approx(erle(near[-RATE:], out[-RATE:]), abs=0.01)


def test_follows_a_change_of_the_hybrid():
    near, far = np.concatenate([call("D2"), call("D3")], axis=1)
    assert last_third(near[16 * RATE :], run(opened(), near, far)[16 * RATE :]) >= 20


def test_more_bits_are_better_up_to_the_line_noise():
    near, far = call("D2")
    reached = [last_third(near, run(opened(bits=bits), near, far)) for bits in (6, 8, 10, 12, 16)]
    assert all(more > less - 0.2 for less, more in itertools.pairwise(reached))
    assert reached[3] > reached[1] + 6
    for bits, value in zip((6, 8, 10, 12, 16), reached, strict=True):
        rounding = opened(bits=bits).resolution / np.sqrt(12)
        assert value < 20 * np.log10(np.sqrt(np.mean(near**2)) / rounding) + 0.5


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 16), st.booleans(), st.floats(0.1, 10), st.integers(0, 1000))
def test_estimate_is_a_word_of_that_many_bits(bits, signed, h_max, seed):
    near, far = (h_max * np.nan_to_num(signal, posinf=0, neginf=0) for signal in rough_call(600, seed))
    canceller = opened(SLOW, bits=bits, signed=signed, h_max=h_max)
    out = run(canceller, near, far)
    levels = (near.astype(np.float32).astype(float) - out) / canceller.resolution
    np.testing.assert_allclose(levels, np.round(levels), atol=0.02)
    lowest = -(2 ** (bits - 1)) if signed else 0
    assert lowest <= np.round(levels).min() <= np.round(levels).max() < lowest + 2**bits
    assert signed or canceller.resolution == h_max / (2**bits - 1)


def test_paper_form_on_positive_signals():
    rng = np.random.default_rng(0)
    far = rng.uniform(0, 1, 16 * RATE)
    response = abs(hybrid("D2"))
    near = fftconvolve(far, 0.8 * response / response.sum())[: len(far)].clip(0)
    out = run(opened(signed=False), near, far)
    late = slice(len(near) * 2 // 3, None)
    assert last_third(near, out) >= 34
    assert erle(near[late] - near[late].mean(), out[late]) >= 18  # not by its constant part alone


def test_step_size_is_live():
    near, far = call("D2", seconds=1)
    canceller = opened(step_size=0)
    run(canceller, near, far)
    assert not canceller.state()["weights"].any()
    canceller.set(step_size=1)
    run(canceller, near, far)
    assert canceller.state()["weights"].any()


@pytest.mark.parametrize("wrong", [{"bits": 0}, {"bits": 17}, {"h_max": 0}, {"tail_ms": -1}, {"step_size": 3}])
def test_wrong_parameters_are_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Slpr(**wrong)


def test_taps_go_before_tail():
    assert opened(taps=40).state()["weights"].shape == (12, 40)
    assert opened(tail_ms=10).state()["weights"].shape == (12, 80)


def test_needs_two_channels():
    with pytest.raises(SpecError, match="2 channels"):
        Slpr().open(SampleSpec(RATE))
