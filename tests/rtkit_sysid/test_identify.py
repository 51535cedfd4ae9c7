"""Models found on records: the right order, forms that can be relied on, the shipped converter, the plant, the benchmarks."""

import json
from pathlib import Path

import numpy as np
import pytest
from rtkit_sysid import kernel
from rtkit_sysid.demo import TEST, TRAIN, run
from rtkit_sysid.identify import IdentificationOptions, dead_time, identify
from rtkit_sysid.model import Model
from rtkit_sysid.predictor import rms
from rtkit_sysid.recording import PlantRecord, read_recording
from rtkit_sysid.regressors import Order

import rtkit
from rtkit import InputError
from tests.rtkit_sysid.plants import PLANT, linear, mild, random_rows

SHARED = Path(__file__).parents[3] / "shared" / "data" / "sysid"


def recording(samples, inputs=1, name="record"):
    u, y = np.ascontiguousarray(samples[:, :inputs]), np.ascontiguousarray(samples[:, inputs:])
    names = tuple(f"u{number}" for number in range(u.shape[1])), tuple(f"y{number}" for number in range(y.shape[1]))
    return PlantRecord(name, *names, u, y, 1.0)


def test_a_linear_plant_is_found_with_its_order():
    samples = linear(1500, np.array([0.5, 0.3, 0.2, 1.2, -0.6]), 2, 3)
    made = identify(recording(samples), IdentificationOptions("arx"))
    assert made.report["outputs"]["y0"]["free_run"]["na"] == 2
    found = made.transfer_function()
    np.testing.assert_allclose(found.numerator, [0.5, 0.3, 0.2], atol=1e-9)
    np.testing.assert_allclose(found.denominator, [1, -1.2, 0.6], atol=1e-9)
    assert found.stable


def test_a_dead_time_is_found():
    random = np.random.default_rng(0)
    u, y = random.standard_normal((2000, 1)), np.zeros(2000)
    for k in range(40, 2000):
        y[k] = 0.8 * y[k - 1] + u[k - 37, 0] + 0.05 * random.standard_normal()
    assert dead_time(u, y) in (35, 36, 37)
    made = identify(recording(np.column_stack([u, y])), IdentificationOptions("arx"))
    assert made.predict[0].form.order.delay in (35, 36, 37)
    assert dead_time(u, np.concatenate([[0], u[:-1, 0]])) == 0


def test_a_bent_plant_is_found_where_no_linear_model_does():
    train, test = mild(3000, 1, 0.02), mild(1500, 2)
    errors = {}
    for kind in ("arx", "narx"):
        made = identify(recording(train), IdentificationOptions(kind, Order(2, 3)))
        errors[kind] = rms((made.simulate[0].free_run(test[:, :1], test[:, 1]) - test[:, 1])[50:])
    assert errors["narx"] < 0.35 * errors["arx"]


def test_gaps_are_no_zeros():
    samples = linear(1500, np.array([0.5, 0.3, 1.2, -0.6]), 2, 2)
    samples += 100
    samples[np.random.default_rng(0).integers(0, 1500, 60)] = np.nan
    samples[700:760, 1] = np.nan
    found = identify(recording(samples), IdentificationOptions("arx", Order(2, 2))).transfer_function()
    np.testing.assert_allclose(found.denominator, [1, -1.2, 0.6], atol=1e-6)


def test_several_outputs_have_a_model_each():
    one, other = linear(1200, np.array([1, 0.5, 0.2, 0.1, 0.7]), 1, 2, inputs=2), np.zeros(1200)
    for k in range(1, 1200):
        other[k] = -0.5 * other[k - 1] + one[k, 1]
    made = identify(recording(np.column_stack([one, other]), 2), IdentificationOptions("arx"))
    assert made.outputs == ("y0", "y1")
    np.testing.assert_allclose(made.transfer_function(0).denominator[:2], [1, -0.7], atol=1e-6)
    assert abs(made.transfer_function(1, 0).gain) < 1e-6
    assert made.transfer_function(1, 1).gain == pytest.approx(1 / 1.5, rel=1e-6)


def test_rows_of_the_unstable_plant_tell_its_coefficients():
    made = identify(recording(random_rows(300, 1)), IdentificationOptions("arx", Order(2, 3), single=True))
    found = made.transfer_function()
    np.testing.assert_allclose(np.append(found.numerator, -found.denominator[1:]), PLANT, atol=1e-9)
    assert not found.stable


def test_the_textbook_network_learns_the_plant_from_a_thousand_rows():
    made = identify(recording(random_rows(1000, 1)), IdentificationOptions("narx", Order(2, 3), hidden=20, single=True))
    predictor, scale = made.predict[0], made.predict[0].scale
    assert predictor.form.size == 141
    rows = np.random.default_rng(9).uniform(-1, 1, (5000, 5))
    out = np.empty(5000)
    means, scales = ([values[0]] * 3 + [of_y] * 2 for values, of_y in ((scale.u_mean, scale.y_mean), (scale.u_scale, scale.y_scale)))
    kernel.predict_rows((rows - means) / scales, predictor.theta, *predictor.form.kernel_form, out)
    assert np.mean(np.square(out * scale.y_scale + scale.y_mean - rows @ PLANT)) < 1e-8  # 1e-9 or so


def test_an_unstable_plant_is_judged_by_one_step():
    """A free run that cannot be had is not asked for."""
    made = identify(recording(random_rows(400, 1)), IdentificationOptions("narx", Order(2, 3)))
    np.testing.assert_allclose(made.predict[0].one_step(*_columns(random_rows(50, 1, 3)))[2::4], random_rows(50, 1, 3)[2::4, 1], atol=1e-6)


def _columns(samples):
    return np.ascontiguousarray(samples[:, :1]), np.ascontiguousarray(samples[:, 1])


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.column_stack([np.arange(50.0), np.ones(50)]), "output y0 does not change"),
        (np.random.default_rng(0).standard_normal((9, 2)), "9 samples, too few without a gap"),
    ],
)
def test_records_that_tell_nothing_are_refused(samples, says):
    with pytest.raises(InputError, match=says):
        identify(recording(samples), IdentificationOptions("arx"))


@pytest.mark.long
def test_the_shipped_converter_runs_free_on_a_record_it_has_not_seen():
    train, test = (read_recording(str(path), None, None, None) for path in (TRAIN, TEST))
    assert train.rate == pytest.approx(1e5)
    made = identify(train, IdentificationOptions())
    error = rms((made.simulate[0].free_run(test.u, test.y[:, 0], 20) - test.y[:, 0])[20:])
    linear_one = identify(train, IdentificationOptions("arx"))
    of_linear = rms((linear_one.simulate[0].free_run(test.u, test.y[:, 0], 20) - test.y[:, 0])[20:])
    print(f"buck converter, free run: {error:.3f} V; linear {of_linear:.3f} V")
    assert error < 0.45 < of_linear


@pytest.mark.long
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the records in ../shared")
@pytest.mark.parametrize(
    ("name", "columns", "train", "tests", "initial", "limits"),
    [
        ("robot_arm.dat", None, slice(0, 512), {"second half": slice(512, 1024)}, 20, {"second half": (0.001, 0.0085)}),
        ("f16_gvt.txt", None, slice(0, 16384), {"second half": slice(16384, 32768)}, 50, {"second half": (0.013, 0.045)}),
        (
            "silverbox_SNLS80mV.mat",
            ("V1", "V2"),
            slice(40650, 105712),
            {"multisine": slice(105712, 127400), "arrow": slice(100, 32100), "arrow, extrapolating": slice(100, 40575)},
            50,
            {"multisine": (7e-5, 3e-4), "arrow": (7e-5, 3e-4), "arrow, extrapolating": (1.1e-4, 6e-4)},
        ),
    ],
)
def test_the_benchmarks_with_the_defaults(name, columns, train, tests, initial, limits):
    whole = read_recording(str(SHARED / name), *(columns or (None, None)), None)
    made = identify(PlantRecord(name, whole.inputs, whole.outputs, whole.u[train], whole.y[train], whole.rate), IdentificationOptions())
    for test, part in tests.items():
        u, y = whole.u[part], whole.y[part, 0]
        one = rms((made.predict[0].one_step(u, y) - y)[initial:])
        free = rms((made.simulate[0].free_run(u, y, initial) - y)[initial:])
        print(f"{name}, {test}: one step {one:.4g}, free run {free:.4g}")
        assert one < limits[test][0]
        assert free < limits[test][1]


def test_the_command_writes_a_model_that_runs(cli, tmp_path):
    samples = mild(1500, 1, 0.05)
    table, model, out = tmp_path / "data.csv", tmp_path / "model.json", tmp_path / "out.csv"
    np.savetxt(table, samples, delimiter=",", header="u,y", comments="")
    done = cli("identify", table, "--inputs", "u", "--outputs", "y", "--order", "2,3", "--out", model, "--plots", tmp_path / "plots")
    assert done.returncode == 0, done.stderr
    assert "one step" in done.stdout
    assert {path.name for path in (tmp_path / "plots").iterdir()} >= {"y-run.png", "y-residuals.png", "y-orders.png"}
    made = Model.read(model)
    assert json.loads(model.read_text())["report"]["outputs"]["y"]["residuals"]["whiteness"]["lags"]
    assert cli("run", table, f"narx:model={model},simulate=true", "--to", out, "-q").returncode == 0
    ran = np.loadtxt(out, delimiter=",", skiprows=1)
    expected = made.simulate[0].free_run(*_columns(samples))
    np.testing.assert_allclose(ran[:, 1], expected, rtol=1e-6, atol=1e-6)
    one, _ = rtkit.apply(f"narx:model={model}", samples, rate=1)
    np.testing.assert_allclose(one[5:, 0], made.predict[0].one_step(*_columns(samples))[5:], rtol=1e-5)


def test_the_command_finds_the_plant(cli, tmp_path):
    done = cli("identify", "synth:plant", "--model", "arx", "--order", "2,3,0", "--random-regressors", "--out", tmp_path / "plant.json")
    assert done.returncode == 0, done.stderr
    assert "(2 4 " in done.stdout
    assert "(1 6 8)" in done.stdout
    assert "unstable" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nowhere.csv"], 3, "nowhere.csv"),
        (["good.csv", "--outputs", "z"], 3, "good.csv"),
        (["good.csv", "--order", "many"], 2, "expected auto or na,nb,delay"),
        (["good.csv", "--order", "0,0"], 2, "sees nothing"),
        (["good.csv", "--model", "arx", "--hidden", "3"], 2, "--hidden is for --model narx"),
        (["flat.csv"], 3, "does not change"),
        (
            ["good.csv", "--model", "arx", "--order", "1,1", "--out", "nowhere/model.json"],
            3,
            "nowhere/model.json: the model cannot be written",
        ),
    ],
)
def test_what_cannot_be_identified_is_told_in_a_line(cli, tmp_path, monkeypatch, arguments, code, says):
    monkeypatch.chdir(tmp_path)
    np.savetxt("good.csv", mild(300), delimiter=",", header="u,y", comments="")
    np.savetxt("flat.csv", np.ones((300, 2)), delimiter=",", header="u,y", comments="")
    done = cli("identify", *arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.long
def test_the_demo_identifies_and_draws(tmp_path):
    lines = run(str(tmp_path))
    assert any("free run over 999 samples" in line for line in lines)
    assert {"buck.json", "plant.json", "plant.png", "buck-free-run.csv"} <= {path.name for path in tmp_path.iterdir()}
    wrong = next(float(line.split("right to ")[1].split(";")[0]) for line in lines if "coefficients right to" in line)
    assert wrong < 1e-9
