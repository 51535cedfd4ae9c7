"""Records and model files that would have led astray: constant columns, huge orders, damaged numbers, wrong channels."""

import json
import time

import numpy as np
import pytest
from rtkit_sysid.families import MAX_PARAMETERS, candidates
from rtkit_sysid.identify import IdentificationOptions, identify
from rtkit_sysid.model import Model
from rtkit_sysid.narx import Narx
from rtkit_sysid.predictor import Predictor, Scale
from rtkit_sysid.recording import PlantRecord
from rtkit_sysid.regressors import Order

import rtkit
from rtkit import InputError, SampleSpec, SpecError, UsageError
from tests.rtkit_sysid.plants import linear, polynomial, write_model


@pytest.mark.parametrize("level", [0.0, 0.1, 1.0, -3e7])
def test_a_constant_input_tells_nothing_and_does_no_harm(level):
    samples = linear(400, np.array([0.5, 0.3, 0.6]), 1, 2)
    u = np.column_stack([samples[:, 0], np.full(400, level)])
    made = identify(PlantRecord("record", ("u", "v"), ("y",), u, samples[:, 1:], 1.0), IdentificationOptions("arx", Order(1, 2)))
    np.testing.assert_allclose(made.transfer_function(0, 0).numerator, [0.5, 0.3], atol=1e-9)
    assert np.abs(made.transfer_function(0, 1).numerator).max() < 1e-6


@pytest.mark.parametrize("level", [0.0, 0.1, 1.0])
def test_a_constant_output_is_refused(level):
    u = np.random.default_rng(0).standard_normal((300, 1))
    with pytest.raises(InputError, match="does not change"):
        identify(PlantRecord("record", ("u",), ("y",), u, np.full((300, 1), level), 1.0), IdentificationOptions("arx"))


@pytest.mark.parametrize(("inputs", "order"), [(1, Order(500, 500)), (100, None)])
def test_forms_that_are_too_large_are_not_even_made(inputs, order):
    begin = time.perf_counter()
    made = candidates("narx", inputs, 3000, order, 0)
    assert time.perf_counter() - begin < 20  # it was minutes and gigabytes
    assert all(one.form.size <= MAX_PARAMETERS for one in made if one.family != "linear")


def test_channels_of_other_roles_are_not_taken_by_position(tmp_path):
    model = write_model(tmp_path / "model.json", polynomial(np.random.default_rng(0)))
    for channels in (("y",), ("y", "foo"), ("foo", "u")):
        with pytest.raises(SpecError, match="inputs u and outputs y"):
            Narx(model=model, simulate=len(channels) == 1).open(SampleSpec(1.0, channels))
    Narx(model=model).open(SampleSpec(1.0, ("1", "2")))
    with pytest.raises(UsageError, match="names an output twice"):
        Narx(outputs="y+y").open(SampleSpec(1.0, ("u", "y")))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("na", 2.7),
        ("na", True),
        ("na", 10**400),
        ("hidden", -1),
        ("terms", [[1.5, 0, 0]]),
        ("terms", [1, 2, 3]),
        ("theta", ["1"]),
        ("theta", "1"),
        ("u_scale", [1e-320]),
        ("y_scale", 1e308),
        ("y_mean", float("nan")),
        ("activation", []),
    ],
)
def test_damaged_numbers_of_a_model_are_told_in_a_line(tmp_path, key, value):
    path = tmp_path / "model.json"
    write_model(path, polynomial(np.random.default_rng(0)))
    made = json.loads(path.read_text())
    made["predict"][0][key] = value
    path.write_text(json.dumps(made))
    with pytest.raises(InputError, match=r"model\.json: damaged model: ") as error:
        Model.read(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("key", "value"), [("inputs", "u"), ("inputs", ["y"]), ("rate", 10**400), ("kind", []), ("predict", {})])
def test_damaged_heads_of_a_model_are_told_in_a_line(tmp_path, key, value):
    path = tmp_path / "model.json"
    write_model(path, polynomial(np.random.default_rng(0)))
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(InputError, match=r"model\.json: damaged model: "):
        Model.read(path)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [(["--rate", "nan"], 2, "--rate nan does not fit"), (["--rate", "inf"], 2, "--rate inf"), (["--out", "."], 3, "it is a folder")],
)
def test_what_would_fail_after_the_search_fails_before_it(cli, tmp_path, arguments, code, says):
    np.savetxt(tmp_path / "data.csv", linear(300, np.array([1, 0.5]), 1, 1), delimiter=",", header="u,y", comments="")
    done = cli("identify", "data.csv", *arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_short_stream_tells_of_its_model_at_the_end():
    samples = linear(300, np.array([1, 0.5]), 1, 1)
    _, events = rtkit.apply("arx:na=1,nb=1", samples, rate=1)
    assert [(event.kind, event.time) for event in events] == [("model", 300.0)]
    assert events[0].data["coefficients"]["1[k]"] == pytest.approx(1)


def test_rows_in_random_order_are_not_said_to_have_run_free(cli, tmp_path):
    done = cli("identify", "synth:plant", "--model", "arx", "--order", "2,3", "--random-regressors", "--out", "plant.json")
    found = Model.read(tmp_path / "plant.json").report["outputs"]["y"]
    assert found["free_run"]["free_run_error"] is None
    assert found["judged_on"] == "random rows"
    assert "simulate" not in done.stdout


def test_scales_of_what_does_not_change_are_one():
    scale = Scale.of(np.full((50, 1), 0.1), np.full(50, 1e9))
    assert (scale.u_scale, scale.y_scale) == (np.ones(1), 1.0)
    assert isinstance(polynomial(np.random.default_rng(0)), Predictor)
