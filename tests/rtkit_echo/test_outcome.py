"""What a canceller says of a run in the end: figures that are right or missing, and warnings where something looks wrong."""

import json

import numpy as np
import pytest
from rtkit_echo.outcome import FAR_SILENT, SWAPPED, Outcome
from rtkit_echo.scenes import hybrid_scene, room_scene

import rtkit
from rtkit import Block, SampleSpec

ROOM, HYBRID = room_scene(), hybrid_scene()
CHAINS = {"echo": ROOM, "echo:suppressor=none": ROOM, "adaline:tail_ms=32": HYBRID, "slpr": HYBRID}


def summary(chain, near, far, rate, block=4096):
    """The summary, and the output in time with the input."""
    name, _, rest = chain.partition(":")
    processor = rtkit.create(name, **dict(part.split("=") for part in rest.split(",") if part))
    spec = SampleSpec(rate, ("near", "far"))
    processor.open(spec)
    samples = np.column_stack([near, far]).astype(np.float32)
    parts = [processor.process(Block(samples[at : at + block], at, rate, spec.channels)).data for at in range(0, len(samples), block)]
    tail = processor.close()
    out = np.concatenate([np.zeros((0, 1)), *parts, *([tail.data] if tail else [])])[processor.latency :, 0]
    return processor.summary(), out


@pytest.mark.parametrize("chain", CHAINS)
def test_a_run_that_went_well(chain):
    scene = CHAINS[chain]
    count = 10 * scene.rate
    found, out = summary(chain, scene.near[:count], scene.far[:count], scene.rate)
    expected = 10 * np.log10(np.sum(scene.near[:count] ** 2.0) / np.sum(out[:count] ** 2.0))
    assert found["erle_db"] == pytest.approx(expected, abs=0.2)
    assert found["state"] == "tracking"
    assert found["far_active_s"] == pytest.approx(10, abs=0.5)
    assert 0.6 < found["converged_share"] <= 1
    assert found["warnings"] == []
    assert json.loads(json.dumps(found)) == found


def test_delay_drift_and_double_talk_of_echo():
    late = np.concatenate([np.zeros(3200, np.float32), ROOM.near])[: len(ROOM.far)]
    found, _ = summary("echo", late, ROOM.far, ROOM.rate)
    assert 180 < found["delay_ms"] < 215
    assert abs(found["drift_ppm"]) < 20
    assert found["double_talk_share"] == pytest.approx(0.4, abs=0.12)  # a talker joins for the second half, with pauses
    linear, _ = summary("echo:suppressor=none,delay=false,drift=false", ROOM.near, ROOM.far, ROOM.rate)
    assert not {"delay_ms", "drift_ppm", "double_talk_share"} & set(linear)
    assert "double_talk_share" not in summary("slpr", HYBRID.near, HYBRID.far, HYBRID.rate)[0]


@pytest.mark.parametrize("block", [1, 777, 10**6])
def test_it_does_not_matter_how_the_stream_is_cut(block):
    scene, count = HYBRID, 3 * HYBRID.rate
    for chain in ("echo", "adaline", "slpr"):
        whole, _ = summary(chain, scene.near[:count], scene.far[:count], scene.rate)
        cut, _ = summary(chain, scene.near[:count], scene.far[:count], scene.rate, block)
        assert cut.pop("warnings") == whole.pop("warnings") == []
        assert cut.pop("state") == whole.pop("state")
        assert cut == pytest.approx(whole, abs=0.011)


@pytest.mark.parametrize("chain", ["echo", "adaline:tail_ms=32", "slpr"])
@pytest.mark.parametrize("late", [0, 400])
def test_swapped_channels_are_noticed(chain, late):
    near = np.concatenate([np.zeros(late, np.float32), HYBRID.near])[: len(HYBRID.far)]
    assert summary(chain, HYBRID.far, near, HYBRID.rate)[0]["warnings"] == [SWAPPED]
    assert SWAPPED not in summary(chain, near, HYBRID.far, HYBRID.rate)[0]["warnings"]


@pytest.mark.parametrize("chain", CHAINS)
def test_a_silent_far_end_is_noticed(chain):
    scene = CHAINS[chain]
    found, _ = summary(chain, scene.near, np.zeros_like(scene.near), scene.rate)
    assert found == {"state": "silent", "far_active_s": 0.0, "warnings": [FAR_SILENT]}
    silence = np.zeros_like(scene.near)
    assert summary(chain, silence, silence, scene.rate)[0]["warnings"] == []


@pytest.mark.parametrize("chain", CHAINS)
def test_nothing_cancelled_is_noticed(chain):
    scene = CHAINS[chain]
    other = np.roll(scene.talker, -10 * scene.rate) + 1e-4 * np.random.default_rng(0).standard_normal(len(scene.far))
    found, _ = summary(chain, other, scene.far, scene.rate)
    assert found["erle_db"] < 3
    assert len(found["warnings"]) == 1
    assert found["warnings"][0].startswith(f"Hardly anything was cancelled: ERLE {found['erle_db']:.1f} dB over ")
    assert not {"delay_ms", "drift_ppm"} & set(found)


@pytest.mark.parametrize("chain", CHAINS)
def test_what_less_than_a_second_does_not_tell_is_missing(chain):
    scene = CHAINS[chain]
    assert summary(chain, scene.near[:3000], scene.far[:3000], scene.rate)[0] == {"warnings": []}
    assert summary(chain, scene.near[:0], scene.far[:0], scene.rate)[0] == {"warnings": []}


def test_the_recording_begins_when_both_channels_sound():
    outcome, tone = Outcome(8000), 0.1 * np.sin(np.arange(8000, dtype=np.float32))
    outcome.record(tone, np.zeros_like(tone))
    outcome.record(np.full(8000, np.nan, np.float32), tone)
    assert outcome._filled == 0
    outcome.record(np.where(np.arange(8000) == 7, np.inf, tone).astype(np.float32), tone)
    assert outcome._filled == 8000
    assert outcome.summary() == {"warnings": []}
    for _ in range(6):
        outcome.record(tone, tone)
    assert not outcome.records
