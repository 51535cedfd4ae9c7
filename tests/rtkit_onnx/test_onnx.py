"""`onnx`: a stranger's model as a processor, on windows, step by step, and on frames."""

import shutil
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtkit
from rtkit import InputError, SpecError
from rtkit.models import load
from rtkit.onnx.find import shipped
from rtkit.testing import check_processor, yield_checks
from tests import graphs

MODELS = {
    "double": (graphs.double, {}),
    "double-across": (graphs.double, {"shape": (1, 2, 16)}),
    "double-flat": (graphs.double, {"shape": ("batch", 9)}),
    "double-bare": (graphs.double, {"shape": (5,)}),
    "double-any": (graphs.double, {"shape": ("batch", "time", 1)}),
    "mean": (graphs.mean, {}),
    "sum": (graphs.running_sum, {}),
    "sum-of-four": (graphs.running_sum, {"size": 4}),
    "gate": (graphs.speech_gate, {}),
    "invert": (graphs.invert, {}),
    "invert-bytes": (graphs.invert, {"shape": (1, 20, 30, 3), "dtype": graphs.UINT8}),
    "invert-grey": (graphs.invert, {"shape": (1, 1, 20, 30)}),
    "brightness": (graphs.brightness, {}),
}


def step(folder, name, **settings):
    """A processor for one of the models above."""
    make, options = MODELS[name]
    if name == "double-any":
        settings.setdefault("window", 7)
    return rtkit.create("onnx", model=str(make(folder / f"{name}.onnx", **options)), **settings)


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model_obeys_the_laws(tmp_path, name):
    check_processor(step(tmp_path, name))


@pytest.mark.long
@pytest.mark.parametrize("settings", [{"hop": 3}, {"hop": 8}, {"hop": 20}, {"normalise": "zscore", "hop": 2}])
def test_hops_obey_the_laws(tmp_path, settings):
    check_processor(step(tmp_path, "mean", **settings))
    if settings["hop"] <= 8:
        check_processor(step(tmp_path, "double", **settings))


@pytest.mark.parametrize("name", ["heartbeat", "heartbeat/step", "narx/step"])
def test_shipped_models_obey_the_laws(name):
    for law, check in yield_checks(f"onnx:model={name}"):
        if (name, law) != ("narx/step", "latency"):  # a prediction is made from the past, and not late for it
            check()


@given(length=st.integers(1, 60), hop=st.integers(1, 8))
@settings(deadline=None, max_examples=40)
def test_a_signal_comes_out_whole_and_late_by_what_is_said(tmp_path_factory, length, hop):
    processor = step(tmp_path_factory.mktemp("m"), "double", hop=hop)
    samples = np.random.default_rng(length).standard_normal(length).astype(np.float32)
    out, _ = rtkit.apply(processor, samples, rate=100)
    late = processor.latency
    assert late == hop - 1
    assert len(out) == length + late
    begin = 8 - hop  # the first window is the first that gives something
    np.testing.assert_array_equal(out[late + begin :, 0], 2 * samples[begin:])
    assert not out[: late + begin].any()


def test_numbers_are_held_and_told_once_a_window(tmp_path):
    samples = np.random.default_rng(0).standard_normal((50, 2)).astype(np.float32)
    out, events = rtkit.apply(step(tmp_path, "mean", hop=4), samples, rate=100)
    assert [event.time for event in events] == [(8 + 4 * k) / 100 for k in range(11)]
    for k, event in enumerate(events):
        expected = samples[4 * k : 4 * k + 8].mean(axis=0)
        np.testing.assert_allclose(event.data["mean"], expected, atol=1e-6)
        np.testing.assert_allclose(out[7 + 4 * k : min(11 + 4 * k, 50)], np.tile(expected, (min(4, 43 - 4 * k), 1)), rtol=1e-5, atol=1e-6)
    assert not out[:7].any()


def test_a_stateful_model_keeps_its_state(tmp_path):
    samples = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    for name in ("sum", "sum-of-four"):
        processor = step(tmp_path, name)
        out, events = rtkit.apply(processor, samples, rate=100)
        np.testing.assert_allclose(out[processor.latency :, 0], np.cumsum(samples, dtype=np.float64), rtol=1e-3, atol=1e-3)
        assert not events


def test_a_state_of_odd_rank_and_the_rate_are_handed_over(tmp_path):
    out, events = rtkit.apply(step(tmp_path, "gate"), np.ones(64, np.float32), rate=8000)
    assert [event.data["output"] for event in events] == [round(1 / 8000, 6)] * 4
    np.testing.assert_allclose(out[15:], 1 / 8000)


def test_heartbeats_are_classified():
    """Shipped beats that the model was not trained on; every third is scaled and shifted, which the card's normalisation undoes."""
    beats = np.loadtxt(shipped()["heartbeat"].parents[1] / "data" / "heartbeats.csv", delimiter=",", dtype=np.float32)
    signals, labels = beats[:, :-1].copy(), beats[:, -1]
    signals[2::3] = signals[2::3] * 40 + 7
    out, events = rtkit.apply("onnx:model=heartbeat", signals.ravel(), rate=140)
    assert [event.label for event in events] == ["normal" if label else "abnormal" for label in labels]
    assert all(event.score > 0.5 for event in events)
    assert out.shape == (signals.size, 1)


def test_what_was_learned_online_runs_frozen(tmp_path, cli):
    """An echo canceller, written as ONNX at the end of its run, cancels as it then did: the road of the README."""
    import soundfile
    from rtkit_echo.scenes import TALKER_AT_S, hybrid_scene

    scene = hybrid_scene()
    soundfile.write(tmp_path / "call.wav", scene.samples, scene.rate, "FLOAT")
    learned = cli("run", "call.wav", "adaline:tail_ms=32,bias=true", "--to", "null", "--save-model", "learned", "--save-state", "state.npz")
    assert learned.returncode == 0, learned.stderr
    assert cli("run", "call.wav", "onnx:model=learned", "--to", "frozen.wav").returncode == 0
    still = ("run", "call.wav", "adaline:tail_ms=32,bias=true,step_size=0,guard=false", "--load-state", "state.npz", "--to", "adaline.wav")
    assert cli(*still).returncode == 0
    frozen, expected = (soundfile.read(tmp_path / name, dtype="float32")[0] for name in ("frozen.wav", "adaline.wav"))
    rest = slice(scene.rate, None)  # the state has the last delay line in it, the model starts in silence
    assert np.abs(frozen - expected)[rest].max() <= 1e-5 * np.abs(expected).max()
    alone = slice(scene.rate, round(TALKER_AT_S * scene.rate))
    assert np.mean(frozen[alone] ** 2) < 0.1 * np.mean(scene.near[alone] ** 2)


def test_a_chain_that_learns_nothing_says_so_before_it_runs(cli, tmp_path):
    done = cli("run", "synth:noise", "onnx", "--save-model", "learned", "--to", "out.wav", "--seconds", 1)
    assert done.returncode == 2
    assert "learns a model" in done.stderr
    assert not (tmp_path / "out.wav").exists()


def test_pictures_come_out_as_frames(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (4, 20, 30, 3), dtype=np.uint8)
    for name in ("invert", "invert-bytes"):
        out, events = rtkit.apply(step(tmp_path, name), frames, fps=30)
        np.testing.assert_array_equal(out, 255 - frames)
        assert not events
    for normalise in ("unit", "raw"):
        out, _ = rtkit.apply(step(tmp_path, "invert-bytes", normalise=normalise), frames, fps=30)
        np.testing.assert_array_equal(out, 255 - frames)
    grey, _ = rtkit.apply(step(tmp_path, "invert-grey"), frames[:, :, :, 0], fps=30)
    assert np.abs(grey[..., 0].astype(int) - (255 - frames[:, :, :, 0])).max() <= 1


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0.2, 0.4, 0.6]),
        ({"colour": "bgr"}, [0.6, 0.4, 0.2]),
        ({"normalise": "raw"}, [51, 102, 153]),
        ({"normalise": "symmetric"}, [-0.6, -0.2, 0.2]),
    ],
)
def test_colours_and_ranges(tmp_path, settings, expected):
    frame = np.tile(np.array([153, 102, 51], np.uint8), (1, 31, 17, 1))  # blue, green, red
    out, events = rtkit.apply(step(tmp_path, "brightness", **settings), frame, fps=30)
    np.testing.assert_array_equal(out, frame)
    np.testing.assert_allclose(events[0].data["colour"], expected, atol=1e-5)


def test_imagenet_normalisation(tmp_path):
    frame = np.full((1, 10, 12, 3), 128, np.uint8)
    _, events = rtkit.apply(step(tmp_path, "brightness", normalise="imagenet"), frame, fps=30)
    np.testing.assert_allclose(events[0].data["colour"], (128 / 255 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225], atol=1e-5)


def test_wrong_streams_are_refused_in_one_line(tmp_path):
    for name, samples, said in (
        ("mean", np.zeros(20), "needs 2 channel"),
        ("invert", np.zeros(20), "takes no signal"),
        ("double-any", np.zeros((20, 2)), "needs 1 channel"),
    ):
        with pytest.raises(SpecError, match=said):
            rtkit.apply(step(tmp_path, name), samples.astype(np.float32), rate=100)
    with pytest.raises(SpecError, match=r"no picture.*frames of 8 x 8"):
        rtkit.apply(step(tmp_path, "mean"), np.zeros((1, 8, 8, 3), np.uint8), fps=30)
    with pytest.raises(InputError, match="give window="):
        rtkit.apply(step(tmp_path, "double-any", window=None), np.zeros(20, np.float32), rate=100)


def test_a_wrong_rate_is_resampled(tmp_path):
    out, _ = rtkit.apply("onnx:model=narx/step", np.zeros((4000, 2), np.float32), rate=1220.703125)
    assert abs(len(out) - 2000) < 5


def test_a_state_of_another_model_is_refused(tmp_path):
    processor = step(tmp_path, "sum")
    processor.open(rtkit.SampleSpec(100.0))
    with pytest.raises(InputError, match="state of onnx: recent should have shape"):
        processor.load_state({})


def test_bad_files_end_with_exit_code_3_and_one_line(cli, tmp_path):
    (tmp_path / "broken.onnx").write_bytes(struct.pack("<100I", *range(100)))
    copied = shutil.copytree(shipped()["heartbeat"], tmp_path / "copied")
    (copied / "model.onnx").write_bytes((copied / "model.onnx").read_bytes()[:-1])
    for name in ("broken.onnx", "nowhere.onnx", "copied"):
        done = cli("run", "synth:noise", f"onnx:model={name}", "--seconds", 1, "--quiet")
        assert done.returncode == 3, done.stderr
        assert done.stderr.count("\n") == 1
        assert name in done.stderr


def test_the_card_beside_a_file_is_heeded(tmp_path):
    """Labels and normalisation come from it; the file alone has none."""
    copied = shutil.copytree(shipped()["heartbeat"], tmp_path / "copied")
    signal = 40 * np.random.default_rng(0).standard_normal(140).astype(np.float32) + 7
    labelled = rtkit.apply(f"onnx:model={copied}", signal, rate=140)[1][0]
    (copied / "model.json").unlink()
    bare = rtkit.apply(f"onnx:model={copied / 'model.onnx'}", (signal - signal.mean()) / signal.std(), rate=140)[1][0]
    assert bare.label is None
    assert labelled.label in load("heartbeat").card.labels
    np.testing.assert_allclose(labelled.data["p"], bare.data["p"], atol=1e-5)


def onnx_of(path, **settings):
    return rtkit.create("onnx", model=str(path), **settings)


def test_time_is_the_axis_as_long_as_the_question(tmp_path):
    """More features than samples, and names that say nothing."""
    samples = np.arange(16, dtype=np.float32)
    processor = onnx_of(graphs.features(tmp_path / "features.onnx"))
    out, _ = rtkit.apply(processor, samples, rate=100)
    np.testing.assert_array_equal(out[15:], samples[:, None] * np.arange(32))
    check_processor(processor)
    renamed = onnx_of(graphs.unary(tmp_path / "renamed.onnx", "Neg", ("x", (1, "t_in", 1)), ("y", (1, "t_out", 1))), window=8)
    out, events = rtkit.apply(renamed, samples, rate=100)
    np.testing.assert_array_equal(out[7:, 0], -samples)
    assert not events


@pytest.mark.parametrize(("inputs", "outputs"), [("audio", "audio_out"), ("x", "x_hat")])
def test_an_output_named_like_the_input_is_no_state(tmp_path, inputs, outputs):
    path = graphs.unary(tmp_path / "m.onnx", "Neg", (inputs, (1, 64)), (outputs, (1, 64)))
    assert load(path).states == {}
    check_processor(onnx_of(path))
    picture = graphs.unary(tmp_path / "p.onnx", "Neg", ("image", (1, 3, 8, 8)), ("image_out", (1, 3, 8, 8)))
    out, _ = rtkit.apply(onnx_of(picture, normalise="symmetric"), np.full((1, 8, 8, 3), 55, np.uint8), fps=30)
    assert (out == 200).all()


def test_numbers_with_axes_left_over_are_no_picture(tmp_path):
    frames = np.full((2, 20, 30, 3), 255, np.uint8)
    out, events = rtkit.apply(onnx_of(graphs.pooled(tmp_path / "pooled.onnx")), frames, fps=30)
    np.testing.assert_array_equal(out, frames)
    assert [event.data["p"] for event in events] == [[1, 1, 1]] * 2


def test_height_and_width_of_one_name_are_square(tmp_path):
    out, _ = rtkit.apply(onnx_of(graphs.invert(tmp_path / "m.onnx", ("n", 3, "s", "s"))), np.zeros((1, 20, 30, 3), np.uint8), fps=30)
    assert out.shape == (1, 20, 30, 3)
    assert (out == 255).all()


@pytest.mark.long
def test_what_a_model_makes_of_finite_samples_does_not_stay(tmp_path):
    import json

    for law, check in yield_checks(onnx_of(graphs.explodes(tmp_path / "state.onnx"))):
        if law != "state":  # which this model loses at every sample below zero
            check()
    path = graphs.unary(tmp_path / "log.onnx", "GlobalAveragePool", ("x", (1, 1, 8)), ("y", (1, 1, 1)))
    log = graphs.save(
        tmp_path / "loglog.onnx",
        [graphs.helper.make_node("ReduceMean", ["x"], ["m"], axes=[1]), graphs.helper.make_node("Log", ["m"], ["y"])],
        [("x", graphs.FLOAT, (1, 8, 1))],
        [("y", graphs.FLOAT, (1, 1, 1))],
    )
    check_processor(onnx_of(path))
    _, events = rtkit.apply(onnx_of(log), np.zeros(16, np.float32), rate=100)
    assert json.loads(json.dumps([event.data for event in events], allow_nan=False)) == [{"y": 0.0}] * 2


@pytest.mark.parametrize(
    ("make", "settings", "said"),
    [
        (graphs.double, {"hop": 9}, "a window has 8 samples"),
        (graphs.double, {"window": 9}, "the model takes 8 samples"),
        (graphs.running_sum, {"hop": 5}, "a step has 1 samples"),
        (graphs.fours, {"window": 7}, "does not run on this input"),
        (lambda path: graphs.unary(path, "NonZero", outputs=("y", (3, "n")), dtype=graphs.INT64), {}, "answers with nothing"),
        (lambda path: graphs.double(path, (1, 0, 1)), {}, "takes no signal"),
        (graphs.external, {}, "does not run this model"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path, make, settings, said, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where weights outside the file would be found
    with pytest.raises(rtkit.RtkitError, match=said) as caught:
        rtkit.apply(onnx_of(make(tmp_path / "m.onnx"), **settings), np.zeros(20, np.float32), rate=100)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "m.onnx") in str(caught.value)


def test_a_learned_model_takes_the_place_of_an_older_one(cli, tmp_path):
    for tail in (4, 8):
        done = cli("run", "synth:noise", "--channels", 2, f"adaline:tail_ms={tail}", "--save-model", "learned", "--seconds", 1, "--quiet")
        assert done.returncode == 0, done.stderr
        assert load(tmp_path / "learned").inputs[1].shape == (1, 16 * tail - 1, 2)
    assert sorted(path.name for path in (tmp_path / "learned").iterdir()) == ["model.json", "model.onnx"]
