import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rtkit_ecg.beats import AFTER_S, BEFORE_S, FEATURES, BeatContext
from rtkit_ecg.classifier import Classifier

from rtkit.core.errors import InputError
from rtkit.models import load
from tests.rtkit_ecg.hearts import excerpt


def windows(rate=360.0, gain=1.0):
    """Windows around the annotated beats of the shipped record, and the intervals before them."""
    record = excerpt("119")
    before, after = round(BEFORE_S * rate), round(AFTER_S * rate)
    peaks = np.round(record.beats * rate).astype(int)[1:-1]
    signal = gain * record.signal[:, 0]
    return [signal[peak - before : peak + after + 1] for peak in peaks], np.diff(record.beats)[:-1], record.symbols[1:-1]


def labels(gain=1.0):
    classifier = Classifier(360.0)
    return [classifier(window, rr)[0] for window, rr in zip(*windows(gain=gain)[:2], strict=True)]


def test_normal_and_ventricular_beats_of_the_shipped_record():
    right = sum(label == symbol for label, symbol in zip(labels(), windows()[2], strict=True))
    assert right >= 0.97 * len(windows()[2])


@pytest.mark.parametrize("gain", [-1.0, 0.1, 10.0])
def test_gain_and_polarity_do_not_matter(gain):
    assert labels(gain) == labels()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["zero", "constant", "huge", "spike", "noise", "step"]),
            st.one_of(st.floats(0, 10), st.just(float("nan"))),
            st.booleans(),
        ),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=40, deadline=None)
def test_whatever_comes_the_description_is_finite_and_bounded(beats):
    context = BeatContext(250.0)
    count = round(BEFORE_S * 250) + round(AFTER_S * 250) + 1
    random = np.random.default_rng(0)
    made = {
        "zero": np.zeros(count),
        "constant": np.full(count, 3.0),
        "huge": 1e6 * random.standard_normal(count),
        "spike": np.eye(1, count, count // 2)[0],
        "noise": random.standard_normal(count),
        "step": np.repeat([0.0, 5.0], [count // 2, count - count // 2]),
    }
    for kind, rr, noisy in beats:
        described = context.describe(made[kind].astype(np.float32), rr, noisy)
        assert described.shape == (FEATURES,)
        assert np.isfinite(described).all()
        assert np.abs(described).max() <= 10


def test_a_noisy_beat_is_not_learned_from():
    context = BeatContext(360.0)
    for window, rr in list(zip(*windows()[:2], strict=True))[:20]:
        context.describe(window, rr)
    before = context.state()
    context.describe(5 * windows()[0][20], 0.8, noisy=True)
    after = context.state()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_the_state_goes_on_where_it_left_off():
    first, second = Classifier(360.0), Classifier(360.0)
    beats = list(zip(*windows()[:2], strict=True))
    for window, rr in beats[:50]:
        first(window, rr)
    second.load_state(first.state())
    assert [first(*beat) for beat in beats[50:]] == [second(*beat) for beat in beats[50:]]
    with pytest.raises(InputError):
        second.load_state({})


def test_the_network_takes_what_the_context_gives():
    model = load("aami/step")
    assert model.inputs[0].shape[-1] == FEATURES
    assert model.card is not None
    assert model.card.labels == ("N", "S", "V", "F", "Q")
    assert "Not a medical device" in model.card.limits
