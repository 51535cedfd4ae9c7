"""What `arx` and `narx` share: channels, models from files, gaps, free runs, events, states, export."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plants import drive, linear, mild, open_on, polynomial, write_model
from rtkit_sysid.arx import Arx
from rtkit_sysid.narx import SCALING_SAMPLES, Narx
from rtkit_sysid.predictor import Form, Predictor, Scale, products
from rtkit_sysid.regressors import Order

import rtkit
from rtkit.models import write
from rtkit.testing import check_processor

RANDOM = np.random.default_rng(0)
#: A plant whose free run runs away: y[k] = 2 y[k-1] + u[k].
WILD = Predictor(Form(Order(1, 1), 1, products(2, 1, constant=False)), Scale.none(1), np.array([1.0, 2.0]))


@pytest.fixture(params=["cubic", "units beside products", "linear"])
def predictor(request):
    random = np.random.default_rng(4)
    if request.param == "cubic":
        return polynomial(random)
    if request.param == "linear":
        return polynomial(random, terms=products(4, 1))
    return polynomial(random, hidden=5, terms=products(4, 2))


def holed(samples):
    samples = samples.copy()
    samples[100:103] = np.nan
    samples[200, 0] = np.inf
    samples[250:252, 1] = np.nan
    return samples


def held(values, before=0.0):
    """The last known value at each time."""
    out = []
    for value in values:
        before = value if np.isfinite(value) else before
        out.append(before)
    return np.array(out)


def test_the_last_channel_is_the_output_unless_told_otherwise():
    samples = linear(300, [1, 0.5, 0.2, 0.8, -0.2, 0.1], 2, 2, inputs=2)
    assert open_on(Arx(), "ab").spec.channels == ("a", "b")
    one = open_on(Arx(nb=2), ("u1", "u2", "y"))
    other = open_on(Arx(nb=2, outputs="y"), ("y", "u1", "u2"))
    np.testing.assert_array_equal(drive(one, samples), drive(other, samples[:, [2, 0, 1]]))
    np.testing.assert_allclose(one.coefficients(), [1, 0.5, 0.2, 0.8, -0.2, 0.1], atol=1e-9)


def test_several_outputs_have_a_learner_each():
    first = linear(500, [1, 0.5, 0.8, -0.2], 2, 2)
    second = linear(500, [0.3, -0.5, 0.1, 0.4], 2, 2)  # of the same input
    samples = np.column_stack([first, second[:, 1]])
    both = Arx(nb=2, outputs="y1+y2", event_interval=200)
    assert both.open(rtkit.SampleSpec(1.0, ("u", "y1", "y2"))).channels == ("prediction y1", "error y1", "prediction y2", "error y2")
    out = drive(both, samples)
    for number, alone in enumerate((first, second)):
        single = open_on(Arx(nb=2))
        np.testing.assert_array_equal(out[:, 2 * number : 2 * number + 2], drive(single, alone))
        np.testing.assert_array_equal(both.coefficients(number), single.coefficients())
    assert [event.data["output"] for event in both.events] == ["y1", "y2"] * 2
    assert list(both.events[3].data["coefficients"]) == ["u[k]", "u[k-1]", "y2[k-1]", "y2[k-2]"]


@pytest.mark.parametrize("processor", [Arx(), Narx(), Arx(outputs="x"), Arx(outputs="a+b")])
def test_channels_that_do_not_fit_are_refused(processor):
    with pytest.raises(rtkit.SpecError, match=r"among the channels|input and an output"):
        open_on(processor, "ab" if processor.outputs else "a")


def test_nonsense_is_refused():
    for processor in (Arx(na=0, nb=0), Narx(na=0, nb=0)):
        with pytest.raises(rtkit.UsageError, match="nothing to predict from"):
            open_on(processor)
    with pytest.raises(rtkit.UsageError, match="needs model=FILE"):
        open_on(Arx(simulate=True))


def test_channels_of_a_model_are_found_by_name_or_by_place(tmp_path, predictor):
    path = write_model(tmp_path / "m.json", predictor)
    samples = RANDOM.standard_normal((200, 2))
    expected = drive(open_on(Narx(model=path)), samples)
    np.testing.assert_array_equal(drive(open_on(Narx(model=path), ("y", "u")), samples[:, ::-1]), expected)
    np.testing.assert_array_equal(drive(open_on(Narx(model=path), ("1", "2")), samples), expected)
    more = np.column_stack([samples[:, 1], np.full(200, np.nan), samples[:, 0]])
    np.testing.assert_array_equal(drive(open_on(Narx(model=path), ("y", "x", "u")), more), expected)
    for channels in (("u",), ("a", "b", "c")):
        with pytest.raises(rtkit.SpecError, match=r"m.json: expected 2 channels, inputs u and outputs y; got"):
            open_on(Narx(model=path), channels)
    open_on(Narx(model=path, simulate=True), ("u",))
    open_on(Narx(model=path, simulate=True), ("1",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "no model there"),
        ("{", "not a model"),
        ("[]", "not a model"),
        ('{"format": "rtkit model 1"}', "damaged model"),
    ],
)
def test_bad_model_files_are_told_in_a_line(tmp_path, text, says):
    path = tmp_path / "m.json"
    if text is not None:
        path.write_text(text)
    for processor in (Arx(model=str(path)), Narx(model=str(path))):
        with pytest.raises(rtkit.InputError, match=f"m.json: {says}") as refused:
            open_on(processor)
        assert "\n" not in str(refused.value)


def test_arx_refuses_units(tmp_path):
    path = write_model(tmp_path / "m.json", polynomial(RANDOM, hidden=3, terms=products(4, 1)))
    with pytest.raises(rtkit.InputError, match=r"hidden units.*narx does"):
        open_on(Arx(model=path))


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_model_predicts_as_it_does_on_a_record(tmp_path, predictor, size):
    path = write_model(tmp_path / "m.json", predictor)
    samples = holed(2 * RANDOM.standard_normal((400, 2)))
    expected = predictor.one_step(np.where(np.isfinite(samples), samples, np.nan)[:, :1], samples[:, 1])
    for cls in (Narx,) if predictor.form.hidden else (Arx, Narx):
        out = drive(open_on(cls(model=path)), samples, size)
        known = np.isfinite(expected)
        np.testing.assert_array_equal(out[known, 0], expected[known])
        error = samples[:, 1] - out[:, 0]
        np.testing.assert_array_equal(out[:, 1], np.where(known & np.isfinite(error), error, 0))
        assert known.sum() < np.isfinite(held(out[:, 0])).sum()  # held where not known


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize("initial", [0, 30])
def test_a_free_run_is_that_of_the_record(tmp_path, predictor, size, initial):
    path = write_model(tmp_path / "m.json", WILD, simulate=predictor)
    samples = RANDOM.standard_normal((400, 2))
    samples[100:103, 0] = np.nan
    expected = predictor.free_run(samples[:, :1], samples[:, 1], initial)
    processor = open_on(Narx(model=path, simulate=True, initial=initial, event_interval=100))
    out = drive(processor, samples, size)
    np.testing.assert_array_equal(out[:, 0], held(expected))
    start = max(initial, predictor.form.order.max_lag)
    judged = np.isfinite(expected) & (np.arange(400) >= start)
    np.testing.assert_array_equal(out[:, 1], np.where(judged, samples[:, 1] - out[:, 0], 0))
    rms = np.sqrt(np.mean(out[:100, 1][judged[:100]] ** 2))
    assert processor.events[0].data == {"free_run_error": pytest.approx(rms)}
    np.testing.assert_array_equal(processor.predictor().theta, predictor.theta)


def test_a_free_run_without_outputs_begins_at_rest(tmp_path, predictor):
    path = write_model(tmp_path / "m.json", predictor)
    u = RANDOM.standard_normal((300, 1))
    expected = predictor.free_run(u, np.zeros(300))
    processor = open_on(Narx(model=path, simulate=True, event_interval=300), "u")
    out = drive(processor, u, 50)
    np.testing.assert_array_equal(out, np.column_stack([expected, np.zeros(300)]))
    assert processor.events[0].data == {"free_run_error": None}


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_free_run_that_runs_away_is_held_and_tells_once(tmp_path, size):
    path = write_model(tmp_path / "m.json", WILD)
    samples = np.ones((300, 2))
    samples[200, 0] = np.nan  # begins it anew
    processor = open_on(Arx(model=path, simulate=True, event_interval=1000))
    out = drive(processor, samples, size)
    assert np.isfinite(out).all()
    expected = WILD.free_run(samples[:, :1], samples[:, 1])
    np.testing.assert_array_equal(out[:, 0], held(expected))
    first = int(np.flatnonzero(np.isinf(expected))[0])
    assert (out[first:200, 1] == 0).all()
    assert [(event.label, event.time) for event in processor.events] == [("diverged", first), ("diverged", 200 + first)]


@given(seed=st.integers(0, 1000), level=st.sampled_from([1e-3, 1.0, 1e3]))
@settings(max_examples=20, deadline=None)
def test_no_row_that_touches_a_gap_is_learned_from(seed, level):
    """Wherever samples are missing, and whatever stands beside them, what is learned is the plant."""
    random = np.random.default_rng(seed)
    samples = level * linear(600, [1, 0.5, 0.8, -0.2], 2, 2, seed)
    gone = random.random(samples.shape) < 0.1
    samples[gone] = random.choice([np.nan, np.inf, -np.inf, 1e300], gone.sum())
    processor = open_on(Arx(nb=2))
    out = drive(processor, samples, int(random.integers(1, 300)))
    np.testing.assert_allclose(processor.coefficients(), [1, 0.5, 0.8, -0.2], atol=1e-9)
    assert np.isfinite(out).all()
    assert all(np.isfinite(array).all() for array in processor.state().values())


@pytest.mark.parametrize("make", [Arx, lambda **values: Narx(rule="ekf", hidden=3, **values), lambda **values: Narx(**values)])
@pytest.mark.parametrize("at", [100, 255, 256, 257, 900])
def test_a_state_goes_on_where_it_was(make, at):
    samples = mild(1500)
    samples[at - 2] = np.nan
    first = open_on(make(event_interval=50))
    drive(first, samples[:at])
    second = open_on(make(event_interval=50))
    second.load_state(first.state())
    first.events.clear()
    np.testing.assert_array_equal(drive(first, samples[at:], start=at), drive(second, samples[at:], start=at))
    assert first.events == second.events
    assert second.events
    with pytest.raises(rtkit.InputError, match="should have shape"):
        open_on(make(na=5)).load_state(first.state())


def test_a_state_of_a_free_run_goes_on(tmp_path, predictor):
    for name, model in (("tame", predictor), ("wild", WILD)):
        path = write_model(tmp_path / f"{name}.json", model)
        samples = RANDOM.standard_normal((300, 2))
        samples[148:150, 1] = np.nan
        samples[160, 0] = np.nan
        first, second = (open_on(Narx(model=path, simulate=True, initial=5)) for _ in range(2))
        whole = drive(first, samples)
        drive(second, samples[:150])
        state = second.state()
        assert all(np.isfinite(array).all() for array in state.values())
        third = open_on(Narx(model=path, simulate=True, initial=5))
        third.load_state(state)
        np.testing.assert_array_equal(drive(third, samples[150:], start=150), whole[150:])


def test_events_tell_coefficients_and_error_as_json():
    samples = linear(5000, [1, 0.5, 0.8, -0.2], 2, 2)
    processor = open_on(Arx(nb=2), rate=2000.0)
    out = drive(processor, samples, 333)
    assert [event.time for event in processor.events] == [1.0, 2.0]
    event = processor.events[1]
    assert (event.kind, event.label, event.score) == ("model", None, None)
    assert event.data["coefficients"] == pytest.approx({"u[k]": 1, "u[k-1]": 0.5, "y[k-1]": 0.8, "y[k-2]": -0.2})
    assert np.sort_complex([complex(*pole) for pole in event.data["poles"]]) == pytest.approx(np.sort_complex(np.roots([1, -0.8, 0.2])))
    assert sorted(abs(complex(*zero)) for zero in event.data["zeros"]) == pytest.approx([0, 0.5])
    assert event.data["one_step_error"] == np.sqrt(np.mean(out[2000:4000, 1] ** 2))
    json.dumps([event.data for event in processor.events], allow_nan=False)


def test_a_learned_model_is_written_and_read(tmp_path):
    processor = open_on(Arx(nb=2, bias=True))
    samples = linear(300, [1, 0.5, 0.8, -0.2], 2, 2) + np.array([0, 3])
    drive(processor, samples)
    path = write_model(tmp_path / "m.json", processor.predictor(), kind="arx")
    again = open_on(Arx(model=path))
    assert not again.learning
    np.testing.assert_allclose(drive(again, samples)[2:, 0], samples[2:, 1], atol=1e-9)
    event_names = {"u[k]", "u[k-1]", "y[k-1]", "y[k-2]", "1"}
    assert set(processor.findings(0)["coefficients"]) == event_names


def test_learning_goes_on_from_a_model(tmp_path, predictor):
    """All parameters of any form are learned, so that it comes nearer to another plant."""
    path = write_model(tmp_path / "m.json", predictor)
    samples = (mild(10_000) - [1, -5]) * [0.3, 10]
    before = drive(open_on(Narx(model=path)), samples)[-1000:, 1]
    options = [Narx(model=path, learn=True), Narx(model=path, learn=True, rule="ekf")]
    options += [] if predictor.form.hidden else [Arx(model=path, learn=True)]
    for processor in options:
        out = drive(open_on(processor), samples)
        assert np.isfinite(out).all()
        assert np.std(out[-1000:, 1]) < 0.7 * np.std(before)
        assert (processor.predictor().theta != predictor.theta).all()


def test_learning_can_be_switched():
    samples = mild(3000)
    for processor in (Arx(), Narx(), Narx(rule="ekf", hidden=4)):
        open_on(processor)
        drive(processor, samples[:1000])
        processor.set(learn=False)
        frozen = processor.predictor().theta
        drive(processor, samples[1000:2000])
        np.testing.assert_array_equal(processor.predictor().theta, frozen)
        processor.set(learn=True)
        drive(processor, samples[2000:])
        assert (processor.predictor().theta != frozen).any()


@pytest.mark.parametrize("options", ["learn=true", "simulate=true", "simulate=true,initial=50", ""])
def test_models_obey_the_laws(tmp_path, predictor, options):
    path = write_model(tmp_path / "m.json", predictor)
    values = dict(part.split("=") for part in options.split(",")) if options else {}
    check_processor(Narx(model=path, event_interval=300, **values))


def test_a_free_run_that_runs_away_obeys_the_laws(tmp_path):
    check_processor(Arx(model=write_model(tmp_path / "m.json", WILD), simulate=True))


def exported(processor, folder, fresh):
    """The file's prediction and the processor's, which no longer learns, where both know the past."""
    write(processor.network(), folder)
    fresh = fresh.astype(np.float32)
    out, _ = rtkit.apply(f"onnx:model={folder}", fresh, rate=processor.spec.rate)
    processor.set(learn=False)
    expected = drive(processor, fresh.astype(np.float64))[:, ::2]
    return out[20:], expected[20:]


def relative(pair):
    return np.abs(pair[0] - pair[1]).max() / np.abs(pair[1]).max()


def test_an_exported_step_is_that_of_the_processor(tmp_path, predictor):
    pytest.importorskip("onnx")
    path = write_model(tmp_path / "m.json", predictor)
    centred = mild(2500) - [1, -5]
    for number, processor in enumerate((Arx(delay=1), Narx(na=1, delay=2), Narx(rule="ekf", activation="tanh"), Narx(model=path))):
        drive(open_on(processor), centred[:2000])
        assert relative(exported(processor, tmp_path / str(number), centred[2000:])) <= 1e-6


@pytest.mark.parametrize("cls", [Arx, Narx])
def test_several_outputs_are_exported_together(tmp_path, cls):
    pytest.importorskip("onnx")
    samples = np.column_stack([mild(2000) - [1, -5], mild(2000, seed=1)[:, 1] + 5])
    processor = open_on(cls(outputs="a+b"), ("u", "a", "b"))
    drive(processor, samples[:1500])
    out, expected = exported(processor, tmp_path / "both", samples[1500:])
    assert out.shape[1] == 2
    assert relative((out, expected)) <= 1e-6


def test_a_free_run_is_not_exported(tmp_path, predictor):
    processor = open_on(Narx(model=write_model(tmp_path / "m.json", predictor), simulate=True))
    with pytest.raises(rtkit.UsageError, match="leave out simulate"):
        processor.network()


def test_settling_ends_at_the_same_sample_whatever_is_missing():
    samples = mild(700)
    samples[50:150, 0] = np.nan
    outs = [drive(open_on(Narx()), samples, size) for size in (1, 99, 700)]
    np.testing.assert_array_equal(outs[0], outs[1])
    np.testing.assert_array_equal(outs[0], outs[2])
    assert (outs[0][: SCALING_SAMPLES + 100] == 0).all()
    assert (outs[0][SCALING_SAMPLES + 100 :, 0] != 0).all()
