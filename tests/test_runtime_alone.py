"""What rtkit declares is enough to run it: every other package is out of reach, TensorFlow first of all."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def closure() -> set[str]:
    """rtkit and the distributions that its dependencies, without extras, bring."""
    found = {"rtkit"}
    waiting = ["rtkit"]
    while waiting:
        name = waiting.pop()
        for requirement in importlib.metadata.requires(name) or []:
            bare, _, marker = requirement.partition(";")
            needed = re.match(r"[\w.-]+", bare.strip())[0].lower()
            try:
                importlib.metadata.distribution(needed)
            except importlib.metadata.PackageNotFoundError:
                continue  # of another platform
            if "extra ==" not in marker and needed not in found:
                found.add(needed)
                waiting.append(needed)
    return found


def test_models_run_where_tensorflow_is_absent(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    for name in closure():
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or [] if file.parts[0] not in ("..", "__pycache__")}:
            if not (site / top).exists():
                (site / top).symlink_to(distribution.locate_file(top))
    code = f"""
import sys
sys.path[:0] = [{str(site)!r}, {str(ROOT)!r}, {str(ROOT / "plugins")!r}]
for absent in ("tensorflow", "keras", "tf2onnx", "pytest"):
    try: __import__(absent)
    except ModuleNotFoundError: continue
    raise SystemExit(absent + " is there")
import numpy as np, rtkit
from rtkit.onnx import command
out, events = rtkit.apply("onnx:model=heartbeat", np.random.default_rng(0).standard_normal(1400), rate=140)
assert len(events) == 10, events
out, _ = rtkit.apply("onnx:model=heartbeat/step", np.zeros(100), rate=140)
assert out.shape == (100, 1)
assert [row["call"] for row in command.bench("heartbeat")][0] == "one call of model.onnx"
assert "10,451" in "".join(command.show("heartbeat"))
print("done", sorted(name for name in ("tensorflow", "keras", "onnx") if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "done []"
