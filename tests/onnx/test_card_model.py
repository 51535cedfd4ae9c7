"""Cards and models: what is refused, in one line; states; sessions that are shared."""

import json
import shutil

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtkit.onnx
from rtkit import InputError, UsageError
from rtkit.models import Call, Stepper, load
from rtkit.onnx.card import Tensor, read_card
from rtkit.onnx.find import find, shipped
from rtkit.onnx.model import guess_states
from rtkit.onnx.taps import Layer, TapNetwork
from rtkit.onnx.writer import write
from tests import graphs

LARGEST = 25_000_000


@pytest.fixture
def folder(tmp_path):
    """A copy of a shipped model, to be damaged."""
    return shutil.copytree(shipped()["heartbeat"], tmp_path / "heartbeat")


def refused(path, *parts):
    with pytest.raises(InputError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    for part in (str(path), *parts):
        assert part in message, message


PARAMETERS = {
    "aami": 160_181,
    "cluster_designed": 82_886,
    "cluster_designed_grey": 79_286,
    "cluster_fruits": 3_350_000,
    "colorize_chroma": 3_060_338,
    "colorize_designed": 452_803,
    "echo_suppressor": 159_104,
    "efficientnet_lite0": 4_631_004,
    "heartbeat": 10_451,
    "narx": 141,
    "yunet": 53_112,
    "vae_16d": 1_883_952,
    "vae_2d": 2_981_012,
    "vae_designed": 134_165,
}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_shipped_model_is_what_its_card_says(name):
    folder = shipped()[name]
    card = read_card(folder / "model.json")
    for file in card.files:
        load(folder / file)
        assert card.files[file].bytes == (folder / file).stat().st_size < LARGEST
    assert max(proof.difference for proof in card.verification) <= 1e-5
    for row in card.data:
        assert row["licence"], row
        assert len(row["sha256"]) == 64, row
    assert card.metrics
    assert all(row["split"] for row in card.metrics)
    assert card.parameters == PARAMETERS[name]
    tools = {"tensorflow", "keras", "tf2onnx"} if card.data else set()  # an ONNX file that was cut has not seen Keras
    assert {*tools, "onnx", "onnxruntime"} <= set(card.made_by["versions"])


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=40, deadline=None)
def test_a_changed_bit_is_found(tmp_path_factory, place, bit):
    folder = tmp_path_factory.mktemp("damaged")
    for path in shipped()["heartbeat"].iterdir():
        shutil.copy(path, folder)
    data = bytearray((folder / "model.onnx").read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    (folder / "model.onnx").write_bytes(data)
    refused(folder / "model.onnx", "damaged")


@pytest.mark.parametrize("keep", [0, 1, 1000, -1])
def test_a_truncated_file_is_found(folder, keep):
    data = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(data[:keep])
    refused(folder / "model.onnx", "damaged")


def test_without_a_card_garbage_is_refused_by_name(tmp_path):
    path = tmp_path / "model.onnx"
    for content in (b"", b"hello", np.random.default_rng(0).bytes(5000)):
        path.write_bytes(content)
        refused(path, "ONNX Runtime does not run this model")


def test_another_model_under_the_same_name_is_found(folder):
    graphs.double(folder / "model.onnx")
    refused(folder / "model.onnx", "damaged, or not the file")
    graphs.double(folder / "other.onnx")
    refused(folder / "other.onnx", "does not name it")


def test_a_card_that_promises_other_shapes_is_found(folder):
    card = json.loads((folder / "model.json").read_text())
    card["files"]["model.onnx"]["inputs"][0]["shape"] = ["batch", 141, 1]
    (folder / "model.json").write_text(json.dumps(card))
    refused(folder / "model.onnx", "[batch, 140, 1]", "[batch, 141, 1]")
    card["files"]["model.onnx"]["inputs"][0]["shape"] = ["anything", 140, 1]
    card["files"]["model.onnx"]["states"] = {"beat": "nothing"}
    (folder / "model.json").write_text(json.dumps(card))
    refused(folder / "model.onnx", "state beat")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda card: card.pop("format"), "`format`"),
        (lambda card: card.update(format=2), "$.format"),
        (lambda card: card.update(files={}), "$.files"),
        (lambda card: card["files"]["model.onnx"].update(bytes="many"), "`int`, got `str`"),
        (lambda card: card["files"]["model.onnx"]["inputs"][0].pop("dtype"), "`dtype`"),
        (lambda card: card["normalisation"].update(kind="sphere"), "$.normalisation.kind"),
        (lambda card: card["normalisation"].update(std=[0]), "$.normalisation.std"),
        (lambda card: card.update(rate=-1), "$.rate"),
        (lambda card: card.update(rate=1e308), "$.rate"),
        (lambda card: card["files"]["model.onnx"].update(sha256="AB" * 32), "$.files"),
        (lambda card: card["files"].update({"../model.onnx": card["files"]["model.onnx"]}), "$.files"),
        (lambda card: card.update(normalisation={"kind": "pixels", "mean": []}), "$.normalisation.mean"),
        (lambda card: card["verification"][0].update(difference=None), "$.verification"),
    ],
)
def test_a_wrong_card_is_refused_with_the_place(folder, change, said):
    card = json.loads((folder / "model.json").read_text())
    change(card)
    (folder / "model.json").write_text(json.dumps(card))
    with pytest.raises(InputError, match=r"model\.json: not a model card") as caught:
        load(folder)
    assert said in str(caught.value)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode), st.just(b"[" * 100_000)))
@settings(deadline=None)
def test_no_card_crashes_the_reader(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("card") / "model.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a model card"):
        read_card(path)


def test_models_are_found_by_file_folder_and_name(folder):
    assert find(str(folder)) == find(str(folder / "model.onnx")) == folder / "model.onnx"
    assert find("heartbeat") == shipped()["heartbeat"] / "model.onnx"
    assert find("heartbeat/step") == shipped()["heartbeat"] / "step.onnx"
    assert find(str(folder / "step")) == folder / "step.onnx"
    for name in ("nothing", "heartbeat/other", "../heartbeat", "", "a" * 5000, "a\0b"):
        with pytest.raises(InputError, match="heartbeat"):
            find(name)


def test_a_shipped_name_is_not_taken_by_what_lies_about(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "narx").write_text("notes")
    graphs.double(tmp_path / "heartbeat" / "model.onnx")
    graphs.double(tmp_path / "model.onnx")
    assert find("narx") == shipped()["narx"] / "model.onnx"
    assert find("heartbeat") == shipped()["heartbeat"] / "model.onnx"
    assert find("./heartbeat").resolve() == tmp_path / "heartbeat" / "model.onnx"
    with pytest.raises(InputError):
        find("")


def test_a_session_is_shared_while_somebody_holds_it():
    one, other = load("heartbeat"), load("heartbeat")
    assert one.session is other.session
    assert load("heartbeat", threads=2).session is not one.session


@pytest.mark.parametrize("threads", [0, -1, 65, 100_000])
def test_a_senseless_number_of_threads_is_refused(threads):
    with pytest.raises(UsageError, match="from 1 to 64"):
        load("heartbeat", threads=threads)


def test_sessions_sleep_when_idle():
    options = load("heartbeat").session.get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)


def test_a_provider_that_is_not_there_is_a_warning(monkeypatch, caplog):
    there = {"CUDAExecutionProvider", "CoreMLExecutionProvider"} & set(onnxruntime.get_available_providers())
    if there:
        pytest.skip(f"{there} is there")
    monkeypatch.setenv("RTKIT_PROVIDERS", "cuda,coreml")
    assert load("heartbeat").session.get_providers() == ["CPUExecutionProvider"]
    assert "cuda is not in this ONNX Runtime" in caplog.text
    with pytest.raises(UsageError, match="provider 'gpu' is not known; known: cpu, cuda"):
        load("heartbeat", providers="gpu")


def test_a_provider_that_fails_is_a_warning(monkeypatch, caplog, tmp_path):
    from rtkit.onnx import session

    made = session._open

    def fails(data, threads, providers, **settings):
        if "CUDAExecutionProvider" in providers:
            raise RuntimeError("no driver")
        return made(data, threads, providers, **settings)

    monkeypatch.setattr(session, "_open", fails)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    assert load(graphs.double(tmp_path / "m.onnx"), providers="cuda").session.get_providers() == ["CPUExecutionProvider"]
    assert "no driver" in caplog.text


@pytest.mark.parametrize(
    ("inputs", "outputs", "found"),
    [
        (
            [("x", (1, "t", 1)), ("h", (1, 50)), ("c", (1, 50))],
            [("y", (1, "t", 1)), ("c_out", (1, 50)), ("h_out", (1, 50))],
            {"h": "h_out", "c": "c_out"},
        ),
        ([("input", ("b", 512)), ("state", (2, "b", 128))], [("output", ("b", 1)), ("stateN", (2, "b", 128))], {"state": "stateN"}),
        (
            [("x", (1, 8)), ("cache", (1, 4)), ("c", (1, 4))],
            [("y", (1, 8)), ("c_new", (1, 4)), ("cache_new", (1, 4))],
            {"cache": "cache_new", "c": "c_new"},
        ),
        ([("x", (1, 8))], [("x_scaled", (1, 4))], {}),
        ([("image", (1, 3, 8, 8))], [("class", (1, 10))], {}),
    ],
)
def test_states_are_found_by_shape_and_name(inputs, outputs, found):
    named = [[Tensor(name, "float32", shape) for name, shape in values] for values in (inputs, outputs)]
    assert guess_states(*named) == found


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_steps_of_any_size_equal_the_whole_sequence(sizes, seed):
    beat = np.random.default_rng(seed).standard_normal((1, 140, 1)).astype(np.float32)
    whole = load("heartbeat").run({"beat": beat})[0]
    step, at = Stepper(load("heartbeat/step")), 0
    for size in [*sizes, 140]:
        part = beat[:, at : at + size]
        if part.size:
            answer = step(part)["p"][0, -1].copy()
        at += size
    np.testing.assert_allclose(answer, whole[0], rtol=1e-5)


def test_two_steppers_on_one_session_do_not_meet():
    model = load("heartbeat/step")
    data = np.random.default_rng(0).standard_normal((2, 50, 1, 1, 1)).astype(np.float32)
    alone = []
    for signal in data:
        step = Stepper(model)
        alone.append([step(sample)["p"].item() for sample in signal])
    one, other = Stepper(model), Stepper(model)
    together = [(one(a)["p"].item(), other(b)["p"].item()) for a, b in zip(*data, strict=True)]
    assert together == list(zip(*alone, strict=True))


@pytest.mark.parametrize("shape", [(1, 1), (2, 1, 1), (1, 0, 1), (1, 1, 2), (1, 1, 1, 1)])
def test_a_stepper_refuses_other_shapes(shape):
    with pytest.raises(InputError, match="expected beat"):
        Stepper(load("heartbeat/step"))(np.zeros(shape, np.float32))


def test_states_that_the_file_has_not_are_found(folder):
    card = json.loads((folder / "model.json").read_text())
    for states in ({"lstm_h": "lstm_h_out", "lstm_c": "lstm_h_out"}, {"lstm_h": "p"}):
        card["files"]["step.onnx"]["states"] = states
        (folder / "model.json").write_text(json.dumps(card))
        refused(folder / "step.onnx", "state")


def test_a_stepper_says_what_it_needs(tmp_path):
    with pytest.raises(InputError, match="has no state"):
        Stepper(load("heartbeat"))
    with pytest.raises(InputError, match=r"one input beside states.*input.*sr"):
        Stepper(load(graphs.speech_gate(tmp_path / "gate.onnx")))


def test_a_call_gives_what_a_run_gives():
    model = load("heartbeat")
    call = Call(model, {"batch": 3})
    call.inputs["beat"][...] = np.random.default_rng(0).standard_normal((3, 140, 1))
    np.testing.assert_array_equal(call()["p"], model.run(call.inputs)[0])
    with pytest.raises(InputError, match="sizes of beat"):
        Call(model, {})
    for batch in (0, -1):
        with pytest.raises(InputError, match="at least 1"):
            Call(model, {"batch": batch})
    with pytest.raises(InputError, match="does not run on this input"):
        model.run({"beat": np.zeros((1, 139, 1), np.float32)})


def test_a_written_network_is_the_network(tmp_path):
    random = np.random.default_rng(3)
    layers = (
        Layer(random.standard_normal((20, 4, 2)), random.standard_normal(20), "sigmoid"),
        Layer(random.standard_normal((1, 1, 20)), random.standard_normal(1)),
    )
    network = TapNetwork("plant", "A test.", ("u", "y"), layers, rate=100.0)
    write(network, tmp_path / "plant")
    samples = random.standard_normal((300, 2)).astype(np.float32)
    out, _ = rtkit.apply(f"onnx:model={tmp_path / 'plant'}", samples, rate=100)
    np.testing.assert_allclose(out, network.run(samples), rtol=1e-4, atol=1e-4)
    card = read_card(tmp_path / "plant" / "model.json")
    assert card.parameters == 20 * 8 + 20 + 20 + 1
    assert card.verification[0].difference <= 1e-5


def test_a_network_that_does_not_come_out_right_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(TapNetwork, "run", lambda self, samples: np.zeros((len(samples), 1)))
    with pytest.raises(rtkit.RtkitError, match="differs"):
        write(TapNetwork("x", "A test.", ("u",), (Layer(np.ones((1, 3, 1)), np.zeros(1)),)), tmp_path / "x")
    assert not (tmp_path / "x").exists()
