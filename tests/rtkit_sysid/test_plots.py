"""Pictures: each is written, shows its lines, and nothing is cut off at its borders."""

import cv2
import numpy as np
import pytest
import scipy.signal
from rtkit_sysid import plots
from rtkit_sysid.residuals import independence, whiteness
from rtkit_sysid.transfer import TransferFunction

from rtkit.core.errors import InputError

RESONANT = TransferFunction(np.array([0, 0, 0.5, 0.2, 0.1]), np.array([1, -1.5, 0.85]), 1000.0)
UNSTABLE = TransferFunction(np.array([2.0, 4.0, 0.0]), np.array([1.0, 6.0, 8.0]), 1.0)
INTEGRATOR = TransferFunction(np.array([0.0, 1.0]), np.array([1.0, -1.0]), 1.0)
CONSTANT = TransferFunction(np.array([0.0]), np.array([1.0]), 1.0)
NOISE = np.random.default_rng(0).normal(size=(1000, 3))


def look(path):
    """The picture, which has a white border and something in it."""
    picture = cv2.imread(str(path))
    assert path.read_bytes().startswith(b"\x89PNG")
    inner = picture.copy()
    inner[2:-2, 2:-2] = 255
    assert (inner == 255).all()
    assert np.mean(picture < 128) > 0.002
    return picture


def shows(picture, colour, least=20):
    """Whether there are so many pixels of this colour ``#rrggbb``."""
    red, green, blue = bytes.fromhex(colour[1:])
    return int((np.abs(picture.astype(int) - (blue, green, red)).sum(axis=2) < 12).sum()) > least


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("transfer", [RESONANT, UNSTABLE, INTEGRATOR, CONSTANT])
def test_transfer_functions(tmp_path, transfer):
    path = tmp_path / "x.png"
    plots.poles_and_zeros(transfer, path)
    assert shows(look(path), plots.MODELS[1])
    plots.bode(transfer, path)
    look(path)
    plots.impulse_response({"model": transfer, "measured": np.ones(20)}, transfer.rate, path)
    assert shows(look(path), plots.MODELS[1])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [20, 1000])
def test_free_runs(tmp_path, count):
    measured = scipy.signal.lfilter(RESONANT.numerator, RESONANT.denominator, NOISE[:count, 0])
    model, away = measured + 0.1, measured * 1.1
    measured[5:8], away[count // 2 :] = np.nan, np.inf
    plots.free_run(np.arange(count) / 1000, measured, {"one step": model, "free run": away}, tmp_path / "x.png")
    picture = look(tmp_path / "x.png")
    assert all(shows(picture, colour) for colour in plots.MODELS[:2])
    assert shows(picture, "#ececec", 10_000) == (count > plots.CLOSE_UP_SAMPLES)


def test_the_close_up_is_where_the_error_is_largest():
    for place, start in ((0, 0), (3000, 3000 - plots.CLOSE_UP_SAMPLES // 2), (9999, 10000 - plots.CLOSE_UP_SAMPLES)):
        error = np.full(10000, np.nan)
        error[place] = -3
        assert plots._worst(error) == slice(start, start + plots.CLOSE_UP_SAMPLES)
    assert plots._worst(np.zeros(10)).start == 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("inputs", [0, 1, 2])
def test_residuals(tmp_path, inputs):
    error, path = NOISE[:, 0] + 0.5 * np.roll(NOISE[:, 1], 3), tmp_path / "x.png"
    plots.residuals(whiteness(error), independence(error, NOISE[:, 1 : 1 + inputs]), path)
    assert shows(look(path), plots.MODELS[1]) or not inputs  # a lag outside its bounds
    nothing = np.full(100, np.nan)
    plots.residuals(whiteness(nothing), independence(nothing, NOISE[:100, :inputs]), path)
    look(path)


@pytest.mark.filterwarnings("error")
def test_order_errors(tmp_path):
    rows = [{"family": f"family {name}", "reach": reach, "error": name / reach} for name in range(1, 7) for reach in (1, 2, 3, 3)]
    plots.order_errors([*rows, {"family": "family 1", "reach": 9, "error": np.inf}], tmp_path / "x.png")
    picture = look(tmp_path / "x.png")
    assert all(shows(picture, colour) for colour in plots.MODELS)


def test_a_picture_that_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match=r"none/x.png: the picture cannot be written: No such file"):
        plots.bode(RESONANT, tmp_path / "none" / "x.png")
