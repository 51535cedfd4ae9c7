"""The refiner of the echo suppressor: simulated calls, the loss, and the whole way on a few of them."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow, which the extra export brings")

import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from rtkit_echo.scenes import read

from export.data.call_simulation import CALL_S, RATE_HZ, Material, read_material, simulate_call
from export.pipeline.release import release
from export.recipes import echo_suppressor
from rtkit import InputError
from rtkit.models import Stepper, load

SPEECH = [np.tile(read(name, RATE_HZ), 3) for name in ("far.flac", "near.flac")]
MATERIAL = Material(SPEECH, [read("room.wav", RATE_HZ)])


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_calls_are_whole_and_the_same_again(seed):
    call, again = (simulate_call(MATERIAL, np.random.default_rng(seed)) for _ in range(2))
    for name in ("near", "far", "talker", "noise"):
        signal = getattr(call, name)
        assert signal.shape == (CALL_S * RATE_HZ,)
        assert signal.dtype == np.float32
        assert np.isfinite(signal).all()
        np.testing.assert_array_equal(signal, getattr(again, name))
    assert call.far.any()
    assert call.noise.std() > 0
    silent = np.flatnonzero(call.far)[0]  # before the far end there is no echo
    np.testing.assert_allclose(call.near[:silent], (call.talker + call.noise)[:silent], atol=1e-5)


def test_the_loss_is_none_where_all_is_right_and_grows_with_what_is_off():
    features, judged = echo_suppressor.describe_call(simulate_call(MATERIAL, np.random.default_rng(3)))
    assert features.shape[1] == echo_suppressor.FEATURES
    bins = echo_suppressor.BLOCK_SAMPLES + 1
    assert judged.shape[1] == 4 * bins + 2
    judged = judged[None].astype(np.float32)
    judged[..., :bins] = 7  # all passes, and all is wanted
    judged[..., 2 * bins : 3 * bins] = judged[..., bins : 2 * bins]
    change = np.zeros((1, judged.shape[1], echo_suppressor.BANDS), np.float32)
    right, lower, low = (float(np.mean(echo_suppressor.loss(judged, change - off))) for off in (0, 7, 9))
    assert right < 1e-6 < lower < low
    judged[..., -1] = 0
    assert not np.any(echo_suppressor.loss(judged, change - 9))


def test_data_that_are_not_there_are_told(tmp_path):
    with pytest.raises(InputError, match="expected speech of talkers"):
        read_material(tmp_path)


@pytest.fixture
def few(tmp_path, monkeypatch):
    """A little of everything, and a short training."""
    for name, signal in (
        ("speech_far/libri_1688.flac", SPEECH[0]),
        ("speech_far/other.flac", SPEECH[0]),
        ("speech_near/libri_2414.flac", SPEECH[1]),
        ("speech_near/another.flac", SPEECH[1]),
        ("rir/seminarroom_clap.wav", MATERIAL.rooms[0]),
        ("rir/other.wav", MATERIAL.rooms[0]),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, signal, RATE_HZ)
    for name, value in (("TRAINING_CALLS", 4), ("HELD_OUT_CALLS", 2), ("EPOCH_DIVISOR", 1), ("BATCH", 4)):
        monkeypatch.setattr(echo_suppressor, name, value)
    return tmp_path


def test_what_is_held_out_is_not_learned_from(few):
    train, held, origin = read_material(few)
    assert [len(part) for material in (train, held) for part in (material.talkers, material.rooms)] == [2, 1, 2, 1]
    assert origin.rows == pytest.approx(2 * sum(map(len, SPEECH)) / RATE_HZ, abs=1)
    soundfile.write(few / "speech_far" / "slow.flac", SPEECH[0][:8000], 8000)
    with pytest.raises(InputError, match=r"slow\.flac: expected one channel at 16000 Hz"):
        read_material(few)


@pytest.mark.long
def test_a_model_is_trained_written_and_runs(few):
    trained = echo_suppressor.make(few, 2, 0, few / "work")
    release(trained, few / "model")
    card = load(few / "model").card
    assert set(card.files) == {"model.onnx", "step.onnx"}
    assert card.parameters == echo_suppressor.PARAMETERS
    assert max(proof.difference for proof in card.verification) <= 1e-5
    losses = [row["value"] for row in card.metrics if row["metric"] == "loss"]
    assert len(losses) == 2
    assert all(np.isfinite(row["value"]) for row in card.metrics)
    step = Stepper(load(few / "model" / "step.onnx"))
    assert step(np.zeros((1, 3, echo_suppressor.FEATURES), np.float32))["change"].shape == (1, 3, echo_suppressor.BANDS)
