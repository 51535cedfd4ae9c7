"""`echo:suppressor=neural`: the laws, its state, where it is the default, and the parts of the refiner."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rtkit_echo import refiner_kernel
from rtkit_echo.linear import LinearStage
from rtkit_echo.refiner import FeatureExtractor
from rtkit_echo.scenes import room_scene
from rtkit_echo.suppressor import Suppressor
from rtkit_echo.suppressor_kernel import GAIN_FLOOR

import rtkit
from rtkit import Block, InputError, SampleSpec, SpecError

RATE, SIZE = 16000, 128
NEURAL = "echo:suppressor=neural"
SPEC = SampleSpec(RATE, ("near", "far"))


def test_its_state_goes_on_and_that_of_the_rule_is_refused():
    samples = room_scene().samples[: 4 * RATE]
    one, other = (rtkit.create("echo", suppressor="neural") for _ in range(2))
    one.open(SPEC)
    one.process(Block(samples[:40_000], 0, RATE, SPEC.channels))
    other.open(SPEC)
    other.load_state(one.state())
    rest = [processor.process(Block(samples[40_000:], 40_000, RATE, SPEC.channels)).data for processor in (one, other)]
    np.testing.assert_array_equal(*rest)
    rule = rtkit.create("echo", suppressor="rule")
    rule.open(SPEC)
    with pytest.raises(InputError, match=r"suppressor\.lstm_"):
        one.load_state(rule.state())


def test_it_is_as_late_as_the_rule_and_its_network_is_small():
    latencies = []
    for suppressor in ("rule", "neural"):
        processor = rtkit.create("echo", suppressor=suppressor)
        processor.open(SPEC)
        latencies.append(processor.latency)
    assert latencies == [2 * SIZE, 2 * SIZE]
    from rtkit.onnx.find import shipped

    assert all(path.stat().st_size < 1_000_000 for path in shipped()["echo_suppressor"].glob("*.onnx"))


@pytest.mark.parametrize(("rate", "has"), [(RATE, True), (8000, False), (48000, False)])
def test_the_default_is_the_network_where_it_can_be(rate, has):
    processor = rtkit.create("echo")
    processor.open(SampleSpec(rate, SPEC.channels))
    assert any("lstm" in name for name in processor.state()) == has


@pytest.mark.parametrize("rate", [8000, 48000])
def test_other_rates_are_refused_with_the_right_one(rate):
    with pytest.raises(SpecError, match="16 kHz") as caught:
        rtkit.create("echo", suppressor="neural").open(SampleSpec(rate, ("near", "far")))
    assert caught.value.rate == RATE


def test_silence_and_a_near_end_alone_pass_as_they_are():
    near = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)
    for signal in (near, np.zeros_like(near)):
        out, _ = rtkit.apply(NEURAL, np.stack([signal, np.zeros_like(signal)], axis=1), rate=RATE)
        np.testing.assert_allclose(out[2 * SIZE :, 0][: RATE - 2 * SIZE], signal[: RATE - 2 * SIZE], atol=1e-6)


@pytest.mark.parametrize("bins", [33, 65, 129, 257])
def test_bands_overlap_and_share_every_bin(bins):
    place, share = refiner_kernel.triangles(bins)
    middles = refiner_kernel.centres(bins)
    assert (np.diff(middles) > 0).all()
    assert middles[-1] == bins - 1
    assert ((share >= 0) & (share <= 1)).all()
    assert place.min() == 0
    assert place.max() == len(middles) - 2
    answer = np.arange(len(middles), dtype=np.float32)[None]  # at each peak, the band's own answer
    gain = np.full((1, bins), 0.5, np.float32)
    refiner_kernel.refine(gain, answer, np.zeros(1, np.float32), place, share)
    peaks = gain[0, middles[:8]]
    np.testing.assert_allclose(np.log(peaks / (1 - peaks)), refiner_kernel.REFINEMENT_WEIGHT * answer[0, :8], atol=1e-3)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.floats(-8, 8))
def test_gains_stay_gains_and_move_the_way_they_are_told(seed, told):
    extractor = FeatureExtractor(SIZE + 1)
    gain = np.random.default_rng(seed).random((2, SIZE + 1), np.float32)
    changed, talk = gain.copy(), np.array([0, 1], np.float32)
    refiner_kernel.refine(changed, np.full((2, extractor.bands), told, np.float32), talk, extractor.place, extractor.share)
    assert ((changed >= 0) & (changed <= 1)).all()
    assert (changed[1] >= GAIN_FLOOR).all()
    inside = np.clip(gain, refiner_kernel.ODDS_MARGIN, 1 - refiner_kernel.ODDS_MARGIN)
    assert ((changed - inside)[0] * np.sign(told) >= -1e-5).all()


def test_what_is_told_does_not_depend_on_the_level():
    scene = room_scene()
    told = []
    for level in (1.0, 0.25):
        near, far = (np.float32(level) * signal[: 200 * SIZE].reshape(200, SIZE) for signal in (scene.near, scene.far))
        extractor = FeatureExtractor(SIZE + 1)
        told.append(extractor(Suppressor(RATE, SIZE).analyse(LinearStage(RATE, 0.1)(near, far[:, :, None]))))
    assert told[0].shape == (200, extractor.bands * refiner_kernel.RATIOS + refiner_kernel.EXTRAS)
    assert np.isfinite(told).all()
    assert np.median(np.abs(told[0] - told[1])[50:]) < 0.02
