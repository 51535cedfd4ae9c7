"""What all tests share: no stranger's plug-ins, and one way to run the command line as a user does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

os.environ["RTKIT_PLUGINS"] = ""


@pytest.fixture(autouse=True)
def _only_own_plugins(monkeypatch):
    monkeypatch.setenv("RTKIT_PLUGINS", "")


@pytest.fixture
def cli(tmp_path):
    """Run ``rtkit ARGUMENTS`` in a fresh folder, in a process of its own."""

    def call(*arguments, cwd: Path = tmp_path, **options):
        options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
        if options["stdin"] is None:
            del options["stdin"]
        options.setdefault("text", True)
        return subprocess.run([sys.executable, "-m", "rtkit", *map(str, arguments)], cwd=cwd, capture_output=True, timeout=120, **options)

    return call
