"""`rtkit model`: list, show, bench."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from rtkit import Frame, FrameSpec
from rtkit.onnx.find import shipped


def test_the_shipped_models_are_listed(cli):
    listed = cli("model")
    assert listed.returncode == 0, listed.stderr
    for name in shipped():
        assert name in listed.stdout
    assert {row["model"] for row in json.loads(cli("model", "--json").stdout)} == set(shipped())


def test_the_card_is_shown(cli):
    shown = cli("model", "heartbeat")
    assert shown.returncode == 0, shown.stderr
    for part in ("10,451", "ODC-BY", "accuracy", "beat float32 [batch, 140, 1]", "lstm_h_out", "Not a medical device", "quantisation"):
        assert part in shown.stdout, part
    card = json.loads(cli("model", "heartbeat", "--json").stdout)
    assert card == json.loads((shipped()["heartbeat"] / "model.json").read_text()) | card
    assert cli("model", shipped()["heartbeat"] / "model.onnx").stdout == shown.stdout


def test_a_file_without_a_card_shows_its_shapes(cli, tmp_path):
    from tests import graphs

    graphs.running_sum(tmp_path / "sum.onnx")
    shown = cli("model", "sum.onnx").stdout
    assert "no model card" in shown
    assert "x float32 [1, time, 1]" in shown
    assert "total → total_out" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nothing",), 3, "heartbeat"),
        (("bench",), 2, "which?"),
        (("a", "b"), 2, "one model"),
    ],
)
def test_wrong_use_is_one_line(cli, arguments, code, said):
    done = cli("model", *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_model_and_its_steps_are_timed(cli):
    done = cli("model", "bench", "heartbeat", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["call"] for row in rows] == [
        "one call of model.onnx",
        *(f"step.onnx in steps of {size}, a sample" for size in (1, 36, 360)),
    ]
    assert all(0 < row["us"] < 1e6 for row in rows)
    assert [row["call"] for row in json.loads(cli("model", "bench", shipped()["heartbeat"] / "step.onnx", "--json").stdout)] == [
        row["call"] for row in rows[1:]
    ]


def test_the_documented_code_runs():
    text = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    stepping, processor = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    names = {}
    exec(stepping, names)
    assert names["p"].shape == (1, 1, 1)
    exec(processor, names)
    embedding = names["Embedding"]()
    embedding.open(FrameSpec(64, 48, 30.0))
    embedding.process(Frame(np.zeros((48, 64, 3), np.uint8), 0, 0.0))
    assert len(embedding.events[0].data["embedding"]) > 1
