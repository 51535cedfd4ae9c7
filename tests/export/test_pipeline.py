"""From Keras to ONNX, on small models and small data; the shipped models are checked in tests/onnx."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

import rtkit
from export.__main__ import main
from export.data.ecg5000 import read_ecg5000
from export.data.origin import sha256
from export.data.silverbox import RATE_HZ, read_silverbox
from export.pipeline import quantisation, verification
from export.pipeline.conversion import convert
from export.pipeline.release import TrainedModel, release
from export.pipeline.stateful import stateful
from export.pipeline.training import ResultCache, TrainingPlan, fit, make_deterministic, warm_up_cosine
from export.recipes import MODELS, aami, heartbeat, load_recipe, narx
from rtkit import InputError, RtkitError
from rtkit.models import Stepper, load
from rtkit.onnx.card import read_card
from rtkit.onnx.find import shipped

ROOT = Path(__file__).parents[2]
layers = keras.layers


@pytest.fixture
def export(capsys):
    """`python -m export` in this process: each start of TensorFlow costs more than what is tested."""

    def run(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stopped:  # of argparse
            code = stopped.code
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)

    return run


def beats_file(folder: Path, count: int = 560) -> Path:
    """Beats that two shapes make: what training needs is the form, not the heart."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, count)
    time_axis = np.linspace(0, 1, 140)
    beats = np.where(labels[:, None] > 0, np.exp(-((time_axis - 0.3) ** 2) / 0.002), np.sin(9 * time_axis)) + 0.2 * random.standard_normal(
        (count, 140)
    )
    beats = (beats - beats.mean(1, keepdims=True)) / beats.std(1, keepdims=True)
    folder.mkdir(parents=True, exist_ok=True)
    np.savetxt(folder / "ecg.csv", np.column_stack((beats, labels)), delimiter=",", fmt="%.5f")
    return folder


def test_models_are_as_designed():
    assert heartbeat.build().count_params() == heartbeat.PARAMETERS == 10_451
    assert [type(layer).__name__ for layer in heartbeat.build().layers] == ["InputLayer", "LSTM", "Dense"]
    assert heartbeat.build().input_shape == (None, 140, 1)
    assert narx.build().count_params() == narx.PARAMETERS == 141
    assert narx.build().input_shape == (None, 5)
    assert narx.build().get_layer("hidden").activation is keras.activations.sigmoid


@pytest.mark.long
@pytest.mark.parametrize(
    "network",
    [
        lambda: [keras.Input((140, 1)), layers.LSTM(5), layers.Dense(1)],
        lambda: [
            keras.Input((None, 3)),
            layers.LSTM(4, return_sequences=True),
            layers.Dropout(0.5),
            layers.GRU(3),
            layers.Dense(2, "tanh"),
        ],
        lambda: [keras.Input((None, 2)), layers.SimpleRNN(4, return_sequences=True), layers.Dense(1)],
        lambda: [keras.Input((None, 1)), layers.Rescaling(0.5), layers.GRU(6, reset_after=False)],
        lambda: [keras.Input((None, None, 3)), layers.Conv2D(4, 3, padding="same"), layers.GlobalAveragePooling2D(), layers.Dense(2)],
        lambda: [keras.Input((7,)), layers.Dense(3, "relu"), layers.Dense(2, "softmax")],
    ],
)
def test_onnx_is_keras_for_odd_sizes_and_steps(tmp_path, network):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(network())
    convert(model, tmp_path / "model.onnx")
    whole = load(tmp_path / "model.onnx")
    proofs = verification.against_keras(model, whole)
    assert {proof.case.partition(",")[0] for proof in proofs} == {f"batch {size}" for size in (1, 2, 3, 7, 32)}
    assert whole.inputs[0].shape[0] == "batch"
    if any(isinstance(layer, layers.LSTM | layers.GRU | layers.SimpleRNN) for layer in model.layers):
        form, states = stateful(model)
        convert(form, tmp_path / "step.onnx", ["answer", *states.values()])
        step = load(tmp_path / "step.onnx")
        assert step.states == states
        sequences = np.random.default_rng(0).standard_normal((3, 140, model.input_shape[-1])).astype(np.float32)
        verification.stateful_against_keras(form, step, sequences)
        assert len(verification.of_steps(step, sequences, whole)) == 6


def test_a_difference_is_not_let_through(tmp_path):
    model = heartbeat.build()
    convert(model, tmp_path / "model.onnx")
    model.set_weights([weights + 1e-3 for weights in model.get_weights()])
    with pytest.raises(RtkitError, match=r"not the model in Keras: batch 1 differs"):
        verification.against_keras(model, load(tmp_path / "model.onnx"))


def test_steps_that_forget_are_not_let_through(tmp_path, monkeypatch):
    form, states = stateful(heartbeat.build())
    convert(form, tmp_path / "step.onnx", ["p", *states.values()])
    step = load(tmp_path / "step.onnx")
    monkeypatch.setattr(Stepper, "state", property(lambda self: self._buffers[self._turn]))
    sequences = np.random.default_rng(0).standard_normal((2, 50, 1)).astype(np.float32)
    verification.of_steps(step, sequences, None)
    calls = Stepper.__call__

    def forgets(self, values):
        out = calls(self, values)
        for array in self.state.values():
            array[...] = 0
        return out

    monkeypatch.setattr(Stepper, "__call__", forgets)
    with pytest.raises(RtkitError, match="steps of 1 against"):
        verification.of_steps(step, sequences, None)


def test_what_has_no_stateful_form_is_refused():
    keras.utils.set_random_seed(1)
    for network, said in (
        ([keras.Input((20, 1)), layers.LSTM(3, return_sequences=True), layers.Flatten(), layers.Dense(1)], "Flatten"),
        ([keras.Input((20, 1)), layers.Bidirectional(layers.LSTM(3))], "Bidirectional"),
        ([keras.Input((20, 1)), layers.LSTM(3, go_backwards=True)], "LSTM"),
    ):
        with pytest.raises(InputError, match=said):
            stateful(keras.Sequential(network))
    signal = keras.Input((20, 2))
    branched = keras.Model(
        signal, layers.Add()([layers.LSTM(2, return_sequences=True)(signal), layers.LSTM(2, return_sequences=True)(signal)])
    )
    with pytest.raises(InputError, match="chain"):
        stateful(branched)


def small_training(work, epochs, patience=None, stop_after=None):
    """A little network with dropout; perhaps cut off after some epochs, as by Ctrl-C."""
    make_deterministic(3)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(8, "tanh"), layers.Dropout(0.3), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x = np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)
    y = (x[:, :1] * x[:, 1:2]).astype(np.float32)
    asked = []

    def examples(random):
        if stop_after is not None and len(asked) == stop_after:
            raise KeyboardInterrupt
        asked.append(1)
        order = random.permutation(150)
        return x[order], y[order]

    model, seen = fit(model, examples, (x[150:], y[150:]), TrainingPlan("small", epochs, 16, 3, patience), work)
    return [np.array(weights) for weights in model.get_weights()], seen, len(asked)


def test_training_is_the_same_for_the_same_seed_and_when_it_is_resumed(tmp_path):
    through, seen, _ = small_training(tmp_path / "one", 6)
    again, _, _ = small_training(tmp_path / "two", 6)
    with pytest.raises(KeyboardInterrupt):
        small_training(tmp_path / "three", 6, stop_after=4)
    resumed, _, left = small_training(tmp_path / "three", 6)
    assert (seen, left) == (6, 2)
    for a, b, c in zip(through, again, resumed, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    _, _, nothing = small_training(tmp_path / "three", 6)
    assert nothing == 0


def test_training_stops_early_and_takes_the_best(tmp_path):
    _, seen, asked = small_training(tmp_path / "one", 200, patience=3)
    assert asked < 200
    assert seen == asked - 3


def test_a_checkpoint_of_another_training_is_not_taken_up(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        small_training(tmp_path / "work", 6, stop_after=4)
    _, _, asked = small_training(tmp_path / "work", 7)
    assert asked == 7


def test_finished_results_are_kept_by_key(tmp_path):
    calls = []

    def run():
        calls.append(1)
        return 1.5

    (tmp_path / "training").mkdir()
    assert ResultCache(tmp_path, "a").once("x", run) == ResultCache(tmp_path, "a").once("x", run) == 1.5
    assert ResultCache(tmp_path, "b").once("x", run) == 1.5
    assert len(calls) == 2


def test_the_release_refuses_another_number_of_parameters(tmp_path):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    with pytest.raises(RtkitError, match="5 parameters; expected 6"):
        release(TrainedModel("small", "Nothing.", model, 6, {}, None), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("speeds", "scores", "kept"),
    [
        ([1.5, 0.4, 2.0], [98, 98, 97], "dynamic int8"),  # the fastest is beyond the margin
        ([1.5, 2.5, 2.0], [98, 98.5, 98.6], "dynamic int8, reduced range"),
        ([1.05, 0.4, 0.9], [99, 99, 99], "float32"),  # accurate, but no faster
    ],
)
def test_a_quantised_variant_is_kept_only_if_faster_and_as_accurate(tmp_path, monkeypatch, speeds, scores, kept):
    model = heartbeat.build()
    convert(model, tmp_path / "model.onnx")
    names = list(quantisation._VARIANTS)[:3]
    monkeypatch.setattr(quantisation, "_VARIANTS", {name: quantisation._VARIANTS[name] for name in names})
    left = iter(speeds)
    monkeypatch.setattr(quantisation, "_speed", lambda *_: next(left))
    answers = iter([98.5, *scores])
    examples = np.random.default_rng(0).standard_normal((8, 140, 1)).astype(np.float32)
    path, rows = quantisation.best(tmp_path / "model.onnx", examples, lambda _: next(answers), 0.6, tmp_path)
    assert [row["variant"] for row in rows if row["kept"]] == [kept]
    assert (path.name == "model.onnx") == (kept == "float32")
    assert [row["variant"] for row in rows] == ["float32", *names]


@pytest.mark.long
def test_the_command_trains_and_is_interrupted_and_goes_on(tmp_path, export, monkeypatch):
    """The whole way of the heartbeat model in one epoch, cut off by Ctrl-C on its way."""
    folder = beats_file(tmp_path / "data" / "deep")
    command = ("heartbeat", "--data", tmp_path / "data", "--out", tmp_path / "out", "--epochs", "1", "--seed", "5")
    process = subprocess.Popen(
        [sys.executable, "-m", "export", *map(str, command)], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    finished = tmp_path / "out.work" / "finished.json"
    end = time.monotonic() + 240
    while not finished.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    while process.poll() is None and time.monotonic() < end:
        process.send_signal(signal.SIGINT)  # Python may lose one that comes while it collects garbage; a user, too, would press again
        time.sleep(1)
    if process.poll() is None:
        process.kill()
    said = process.stderr.read()
    assert process.wait() == 130, said
    assert "goes on where it was" in said
    results = json.loads(finished.read_text())["results"]
    assert results
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(heartbeat, "FOLDS", 2)  # as well shown with fewer trainings
    monkeypatch.setattr(heartbeat, "REPEATS", 1)
    done = export(*command)
    assert done.returncode == 0, done.stderr
    assert "as designed, seed 5" not in done.stdout  # its result was kept
    card = read_card(tmp_path / "out" / "model.json")
    assert (card.parameters, card.labels) == (10_451, ("normal", "abnormal"))
    assert card.data[0]["sha256"] == sha256(folder / "ecg.csv")
    assert card.made_by["seed"] == 5
    assert card.metrics[0]["each"][0] == round(results["designed 5"], 2)
    assert "5 seeds" in card.metrics[0]["split"]
    assert [row["variant"] for row in card.quantisation if row["kept"]]
    assert load(tmp_path / "out" / "step.onnx").states
    assert not finished.exists()


def test_missing_and_wrong_data_say_what_to_put_where(tmp_path, export):
    for folder in (tmp_path / "nowhere", tmp_path):
        done = export("heartbeat", "--data", folder, "--out", tmp_path / "out")
        assert done.returncode == 3
        message = done.stderr.splitlines()[-1]
        assert str(folder) in message
        assert "140 samples" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[:100], "100 lines"),
        (lambda lines: [*lines[:7], lines[7].replace(",", ";"), *lines[8:]], "expected ECG5000"),
        (lambda lines: [*lines[:7], "x" + lines[7], *lines[8:]], "expected ECG5000"),
        (lambda lines: [*lines[:7], "nan," + lines[7].partition(",")[2], *lines[8:]], "line 8"),
        (lambda lines: [*lines[:7], lines[7].rpartition(",")[0] + ",3", *lines[8:]], "line 8"),
        (lambda lines: [line.partition(",")[2] for line in lines], "of 140 columns"),
    ],
)
def test_damaged_beats_are_refused_with_the_line(tmp_path, change, said):
    path = beats_file(tmp_path) / "ecg.csv"
    path.write_text("\n".join(change(path.read_text().splitlines())))
    with pytest.raises(InputError, match=said) as caught:
        read_ecg5000(tmp_path)
    assert str(path) in str(caught.value)


def test_damaged_plants_are_refused(tmp_path):
    from scipy.io import savemat

    path = tmp_path / "silverbox_SNLS80mV.mat"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match=r"silverbox_SNLS80mV\.mat"):
        read_silverbox(tmp_path)
    savemat(path, {"V1": np.zeros(10), "V2": np.zeros(10)})
    with pytest.raises(InputError, match="131,072"):
        read_silverbox(tmp_path)


def test_the_narx_step_predicts_what_the_network_predicts_from_regressors():
    random = np.random.default_rng(0)
    u, y = random.standard_normal((2, 300)).astype(np.float32) / 10
    rows, _ = narx.regressors(u, y)
    expected = load("narx").run({"regressors": rows})[0][:, 0]
    out, _ = rtkit.apply("onnx:model=narx/step", np.stack((u, y), axis=1), rate=RATE_HZ)
    np.testing.assert_allclose(out[2:, 0], expected, atol=1e-6)


def test_a_users_keras_file_is_converted_and_runs(tmp_path, export):
    keras.utils.set_random_seed(2)
    model = keras.Sequential([keras.Input((None, 2)), layers.LSTM(6, return_sequences=True), layers.Dense(1)])
    model.save(tmp_path / "My model.keras")
    done = export("convert", tmp_path / "My model.keras", "--out", tmp_path / "made")
    assert done.returncode == 0, done.stderr
    card = read_card(tmp_path / "made" / "model.json")
    assert (card.name, list(card.files)) == ("My-model", ["model.onnx", "step.onnx"])
    samples = np.random.default_rng(0).standard_normal((50, 2)).astype(np.float32)
    out, _ = rtkit.apply(f"onnx:model={tmp_path / 'made' / 'step.onnx'}", samples, rate=100)
    np.testing.assert_allclose(out, model.predict(samples[None], verbose=0)[0], atol=1e-6)


@pytest.mark.parametrize(
    ("network", "code", "said"),
    [
        (lambda: keras.Sequential([keras.Input((8, 3)), layers.LayerNormalization(axis=1), layers.LSTM(4)]), 0, "no stateful form: layer"),
        (lambda: keras.Sequential([keras.Input((None, 1)), layers.Conv1D(4, 5)]), 0, "model.onnx"),
        (lambda: keras.Sequential([layers.Dense(1)]), 3, "expected a model that is built"),
        (
            lambda: keras.Sequential([keras.Input((5,), dtype="int32"), layers.Embedding(10, 4), layers.GlobalAveragePooling1D()]),
            0,
            "model.onnx",
        ),
    ],
)
def test_odd_keras_files(tmp_path, export, network, code, said):
    keras.utils.set_random_seed(1)
    network().save(tmp_path / "odd.keras")
    done = export("convert", tmp_path / "odd.keras")
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "odd" / "step.onnx").exists()


def test_a_file_where_the_folder_should_be_is_said_at_once(tmp_path, export):
    (tmp_path / "out").write_text("mine")
    done = export("narx", "--data", tmp_path, "--out", tmp_path / "out")
    assert (done.returncode, "is a file" in done.stderr) == (2, True)
    assert export("narx", "--data", tmp_path, "--seed", "-1").returncode == 2


def test_a_work_folder_keeps_what_is_not_of_the_training(tmp_path):
    done = ResultCache(tmp_path, "a")
    done.folder.mkdir()
    done.once("x", lambda: 1.0)
    (tmp_path / "finished.json").write_text("{")
    assert ResultCache(tmp_path, "a").once("x", lambda: 2.0) == 2.0
    (tmp_path / "thesis.txt").write_text("mine")
    ResultCache.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    (tmp_path / "thesis.txt").unlink()
    ResultCache.clear(tmp_path)
    assert not tmp_path.exists()


def test_a_keras_file_with_code_of_its_own_is_not_run(tmp_path, export):
    model = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x + 1)])
    model.save(tmp_path / "trap.keras")
    (tmp_path / "garbage.keras").write_bytes(b"garbage")
    for name in ("trap.keras", "garbage.keras", "nowhere.keras"):
        done = export("convert", tmp_path / name, "--out", tmp_path / "out")
        assert done.returncode == 3, done.stderr
        assert name in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_the_list_needs_no_tensorflow():
    code = "import sys; from export.__main__ import main; main(['--list']); print([n for n in ('keras', 'tensorflow') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "heartbeat" in done.stdout
    assert "narx" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_aami_network_is_as_its_card_says(tmp_path):
    model = aami.build()
    assert model.count_params() == aami.PARAMETERS == load("aami").card.parameters <= 200_000
    form, states = stateful(model)
    assert len(states) == 2
    assert len(form.outputs) == 3
    with pytest.raises(InputError, match="no such folder"):
        aami.make(tmp_path / "nowhere", 1, 0, tmp_path)


@pytest.mark.long
def test_keras_is_timed_beside_onnx_runtime(export):
    """The claim is 20 times tf.function and 150 times predict; the margin is for a busy machine."""
    done = export("bench", "heartbeat", "--json")
    assert done.returncode == 0, done.stderr
    ratios = {row["call"]: row["times ONNX Runtime"] for row in json.loads(done.stdout)}
    assert ratios["ONNX Runtime"] == 1
    assert ratios["tf.function"] >= 10
    assert ratios["Keras predict"] >= 75
    assert ratios["Keras call"] >= 75


@pytest.mark.parametrize(
    ("name", "said"), [("cluster_fruits", "is built on weights in a file"), ("nothing", "no model is called 'nothing'")]
)
def test_what_cannot_be_timed_is_said(export, name, said):
    done = export("bench", name)
    assert (done.returncode, said in done.stderr) == (2, True)


@pytest.mark.parametrize("name", MODELS)
def test_every_recipe_is_whole_and_builds_what_its_plugin_ships(name):
    recipe = load_recipe(name)
    assert callable(recipe.build)
    assert callable(recipe.make)
    assert (ROOT / "plugins" / MODELS[name].plugin).is_dir()
    if name != "faces":  # people's own
        assert shipped()[name].parts[-3:] == (MODELS[name].plugin, "models", name)


def test_the_learning_rate_warms_up_and_falls_as_a_cosine():
    rate = warm_up_cosine(2.0, 120, 20, start=1.0, floor=0.25)
    found = [float(rate(step)) for step in (0, 10, 20, 70, 120, 500)]
    np.testing.assert_allclose(found, [1, 1.5, 2, 0.5 * (2 + 0.5), 0.5, 0.5], rtol=1e-6)
    assert float(warm_up_cosine(2.0, 100)(0)) == 2
    assert float(warm_up_cosine(2.0, 5, 20)(21)) <= 1e-6  # a training that ends in its warm-up
