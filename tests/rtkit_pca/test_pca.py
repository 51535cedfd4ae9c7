"""`pca` as a processor of streams and as a learner of arrays: interface, states, files, models, errors."""

import numpy as np
import pytest

import rtkit
from rtkit.core.errors import InputError, UsageError
from rtkit.testing import check_processor

from .rows import RULES, spectrum


@pytest.fixture(scope="module")
def rows():
    return spectrum([9, 5, 2, 0.3, 0.1], n=120, d=12, offset=3)


@pytest.fixture
def pca(rows):
    return rtkit.create("pca", components=3).partial(rows)


@pytest.mark.long
@pytest.mark.parametrize("rule", RULES)
def test_obeys_the_laws(rule):
    check_processor(f"pca:rule={rule},memory=300,event_interval=700")


@pytest.mark.long
@pytest.mark.parametrize("output", ["reconstruction", "residual"])
def test_outputs_obey_the_laws(output):
    check_processor(f"pca:output={output},components=1")


def test_the_number_of_components_and_the_components(rows):
    pca = rtkit.create("pca", components=4, rule="ccipca")
    assert pca.components.shape == (4, 0)
    assert "components=4, rule='ccipca'" in repr(pca)
    pca.partial(rows)
    assert pca.components.shape == (4, 12)
    assert "components=4, rule='ccipca'" in repr(pca)
    assert type(pca)(**pca.parameters()).parameters() == pca.parameters()
    check_processor(pca)  # copies the parameters of one that has learned


def test_scores_and_back(pca, rows):
    scores = pca.transform(rows)
    assert scores.shape == (120, 3)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, (rows - pca.mean) @ pca.components.T, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(scores.var(axis=0), pca.variances, rtol=1e-3)
    np.testing.assert_allclose(pca.transform(pca.inverse(scores)), scores, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(pca.transform(rows[0]), scores[0], rtol=1e-5)
    np.testing.assert_allclose(pca.inverse(scores[0]), pca.inverse(scores)[0], rtol=1e-5)
    assert (pca.components.max(axis=1) == np.abs(pca.components).max(axis=1)).all()


@pytest.mark.parametrize("rule", RULES)
def test_components_keep_their_signs(rule):
    random = np.random.default_rng(0)  # the two largest values of the component are as large as each other, and differ in sign
    rows = random.standard_normal((3000, 1)) * [1, -1, 0.2] + 0.1 * random.standard_normal((3000, 3))
    pca = rtkit.create("pca", components=1, rule=rule)
    first = pca.partial(rows[:100]).components
    for start in range(100, 3000, 100):
        assert np.sum(pca.partial(rows[start : start + 100]).components * first) > 0.9
    scores, _ = rtkit.apply(f"pca:components=1,rule={rule}", rows, rate=1)
    assert np.abs(np.corrcoef(scores[300:, 0], rows[300:, 0])[0, 1]) > 0.98


def test_what_is_given_out_is_a_copy(pca):
    for name in ("components", "mean", "variances"):
        before = getattr(pca, name)
        getattr(pca, name)[...] = 7
        np.testing.assert_array_equal(getattr(pca, name), before)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int64, np.float16, np.float64, bool, list])
def test_any_numbers_will_do(kind):
    given = np.random.default_rng(0).integers(0, 2, (20, 4))
    found = rtkit.create("pca").partial(given.tolist() if kind is list else given.astype(kind))
    np.testing.assert_allclose(found.mean, given.mean(axis=0), rtol=1e-6)


def test_streams_give_scores_reconstructions_and_residuals(rows):
    told = {}
    for output in ("scores", "reconstruction", "residual"):
        told[output], events = rtkit.apply(f"pca:components=3,output={output},event_interval=50", rows, rate=50)
        assert [event.time for event in events] == [1.0, 2.0, 2.4]
        assert {event.kind for event in events} == {"components"}
        assert events[-1].data["seen"] == 120
        assert events[-1].data["explained"] == sorted(events[-1].data["explained"], reverse=True)
    assert told["scores"].shape == (120, 3)
    np.testing.assert_allclose(told["reconstruction"] + told["residual"], rows, rtol=1e-5)
    late = slice(64, None)
    assert told["residual"][late].var() < 0.1 * rows[late].var()


def test_a_sample_that_is_not_finite_counts_as_nothing(rows):
    spoiled = rows.copy()
    spoiled[70, 3] = np.nan
    processor = rtkit.create("pca", components=2)
    out, events = rtkit.apply([processor], spoiled, rate=1)
    assert not out[70].any()
    assert events[-1].data["skipped"] == processor.skipped == 1
    assert processor.seen == 119


def test_learning_may_be_switched_off(pca, rows):
    before = pca.components
    pca.set(learn=False)
    block = rtkit.Block(rows[:50], 0, 1.0, pca.spec.channels)
    scores = pca.process(block).data
    np.testing.assert_array_equal(pca.components, before)
    np.testing.assert_allclose(scores, pca.transform(rows[:50]), rtol=1e-5)
    with pytest.raises(UsageError):
        pca.set(components=4)


@pytest.mark.parametrize("rule", RULES)
def test_files_go_on_where_they_were_left(rule, rows, tmp_path):
    path = tmp_path / "faces.npz"
    first = rtkit.create("pca", components=3, rule=rule).partial(rows[:60])
    first.save(path)
    second = rtkit.create("pca", components=3, rule=rule).load(path)
    for pca in (first, second):
        pca.partial(rows[60:])
    np.testing.assert_array_equal(first.components, second.components)
    np.testing.assert_array_equal(first.mean, second.mean)
    other = "oja" if rule != "oja" else "sanger"
    for wrong in (rtkit.create("pca", components=3, rule=other), rtkit.create("pca", components=2, rule=rule)):
        with pytest.raises(InputError, match=r"faces\.npz"):
            wrong.load(path)


@pytest.mark.parametrize("rule", RULES)
def test_damaged_files_say_so_and_change_nothing(rule, rows, tmp_path):
    pca = rtkit.create("pca", components=3, rule=rule).partial(rows)
    path = tmp_path / "x.npz"
    pca.save(path)
    whole, before = path.read_bytes(), pca.state()

    def refused():
        with pytest.raises(InputError, match=r"x\.npz"):
            pca.load(path)
        for name, array in pca.state().items():
            np.testing.assert_array_equal(array, before[name])

    for damaged in (
        b"",
        whole[:100],
        whole[: len(whole) // 2],
        b"PK" + whole[2:1000],
        b"\x00" * 200,
        whole.replace(b"<f8", b"<f9"),
        b"[1]",
    ):
        path.write_bytes(damaged)
        refused()
    for name, value in (
        ("counts", np.array([5, 0, 99])), ("counts", np.array([-1, 0, 0])), ("clock", np.array([0, 1, 1, 1])), ("clock", np.zeros(4)),
        ("mean", np.full(12, np.nan)),
        ("mean", np.zeros(0)), ("mean", np.zeros(13)), ("levels", np.array(["a", "b"])), ("rule", np.array(3)),
    ):  # fmt: skip
        np.savez(path, **({"rule": np.array(rule)} | before | {name: value}))
        refused()
    path.unlink()
    refused()


def test_states_survive_a_restart(rows, tmp_path):
    table, state = tmp_path / "rows.npy", tmp_path / "state.npz"
    np.save(table, rows[:, :6])
    one = rtkit.Stream(str(table), ["pca:components=2"], to=[], save_state=state)
    one.run()
    two = rtkit.create("pca", components=2)
    rtkit.Stream(str(table), [two], to=[], load_state=None).run()
    again = rtkit.create("pca", components=2)
    again.open(rtkit.SampleSpec(1.0, tuple("123456")))
    with np.load(state) as file:
        again.load_state({key.removeprefix("0.pca."): file[key] for key in file})
    np.testing.assert_array_equal(again.components, two.components)


@pytest.mark.parametrize("offset", [0.0, 3.0, 30000.0])
def test_models_do_what_it_does(offset, tmp_path):
    pytest.importorskip("onnx", reason="writing models needs the package onnx")
    rows = spectrum([9, 5, 2, 0.3, 0.1], n=120, d=30, offset=offset)
    pca = rtkit.create("pca", components=3).partial(rows)
    pca.save_model(tmp_path / "model")
    scores, _ = rtkit.apply(f"onnx:model={tmp_path / 'model'}", rows, rate=1)
    expected = pca.transform(rows)
    assert np.abs(scores - expected).max() < 1e-6 * np.abs(expected).max()
    back, _ = rtkit.apply(f"onnx:model={tmp_path / 'model' / 'inverse'}", scores, rate=1)
    assert np.abs(back - pca.inverse(expected)).max() < 1e-6 * max(1, np.abs(back).max())


def test_streams_leave_models(rows, tmp_path):
    pytest.importorskip("onnx", reason="writing models needs the package onnx")
    table = tmp_path / "rows.npy"
    np.save(table, rows[:, :6])
    processor = rtkit.create("pca", components=2, output="reconstruction")
    rtkit.Stream(str(table), [processor], to=[], save_model=tmp_path / "model").run()
    told, _ = rtkit.apply(f"onnx:model={tmp_path / 'model'}", rows[:, :6], rate=1)
    np.testing.assert_allclose(told, processor.inverse(processor.transform(rows[:, :6])), rtol=1e-5)
    with pytest.raises(UsageError, match="residual"):
        rtkit.create("pca", output="residual").partial(rows).save_model(tmp_path / "no")


@pytest.mark.parametrize(
    "wrong", [[[1, 2], [3]], [["a", "b"]], np.zeros((2, 2, 2)), np.zeros((3, 0)), 5.0, None, [[1j]], np.zeros((2, 11)), object()]
)
def test_rows_that_do_not_fit(pca, wrong):
    before = pca.components
    for call in (pca.partial, pca.transform, pca.inverse):
        with pytest.raises(InputError, match=r"pca: (rows|scores) should be"):
            call(wrong)
    np.testing.assert_array_equal(pca.components, before)


def test_nothing_learned_yet(tmp_path):
    pca = rtkit.create("pca")
    for call in (lambda: pca.transform([1.0]), lambda: pca.inverse([1.0, 2.0]), lambda: pca.save(tmp_path / "x"), lambda: pca.explained):
        with pytest.raises(UsageError, match="nothing was learned yet"):
            call()
    assert pca.mean.shape == (0,)
    assert pca.seen == pca.skipped == 0
    assert not pca.partial(np.zeros((0, 5))).components.any()


@pytest.mark.parametrize("wrong", [{"components": 0}, {"rule": "hebb"}, {"memory": 1}, {"output": "x"}, {"components": "many"}])
def test_wrong_parameters(wrong):
    with pytest.raises(UsageError):
        rtkit.create("pca", **wrong)
