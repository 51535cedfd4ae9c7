"""The programs in `examples/` are short, use the public interface alone, and run; the docs show them."""

import ast
import contextlib
import json
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import soundfile
from rtkit_echo.scenes import room_scene

from .test_structure import lines_of_code

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
MOST_LINES = 15


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """Twelve seconds of a call in a room: near end, far end."""
    scene = room_scene()
    path = tmp_path_factory.mktemp("call") / "call.wav"
    soundfile.write(path, scene.samples[: 12 * scene.rate], scene.rate)
    return path


def run(name, *arguments):
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, arguments)], capture_output=True, text=True, timeout=300, cwd=EXAMPLES, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_programs_are_short_and_public(path):
    assert lines_of_code(path) <= MOST_LINES
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert not [name for name in names if name.startswith("rtkit") and name not in ("rtkit", "rtkit.models", "rtkit.images")]


def test_the_docs_show_them():
    text = (ROOT / "docs" / "python.md").read_text()
    for path in EXAMPLES.iterdir():
        if path.suffix in (".py", ".ipynb"):
            assert f"examples/{path.name}" in text, path.name


def test_own_loop(call):
    told = run("own_loop.py", call).splitlines()
    assert len(told) >= 10
    assert max(float(line.partition("ERLE")[2].split()[0]) for line in told) > 15


def test_ecg_table(tmp_path):
    told = run("ecg_table.py", ROOT / "plugins" / "rtkit_ecg" / "data" / "119.hea", tmp_path / "beats.csv")
    rows = (tmp_path / "beats.csv").read_text().splitlines()
    assert rows[0].startswith("time_s,class,probability")
    assert len(rows) > 190
    assert "V" in told


def test_own_ends():
    assert run("own_ends.py").startswith("60 blocks")


def test_web_app(call):
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, EXAMPLES / "web_app.py", str(call), str(port)], stderr=subprocess.PIPE, text=True)
    try:
        for line in server.stderr:  # until it listens
            if "running on" in line:
                break
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=120) as answer:
            first = json.loads(answer.readline())
        assert "erle_db" in first
    finally:
        server.kill()
        server.wait()
        server.stderr.close()


def test_notebook(monkeypatch):
    monkeypatch.chdir(EXAMPLES)
    cells = json.loads((EXAMPLES / "notebook.ipynb").read_text())["cells"]
    codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert sum(bool(line.strip()) for code in codes for line in code.splitlines()) <= MOST_LINES
    space, shown = {}, []
    for code in codes:
        *body, last = ast.parse(code).body
        exec(compile(ast.Module(body, []), "cell", "exec"), space)
        shown.append(eval(compile(ast.Expression(last.value), "cell", "eval"), space))
    assert "tail_ms" in shown[0]._repr_html_()
    assert shown[1][-1][2] > 15
    assert "ERLE" in shown[2]._repr_html_() or "erle" in shown[2]._repr_html_()
