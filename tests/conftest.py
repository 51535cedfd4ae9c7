"""What all tests share: no stranger's plug-ins, and one way to run the command line as a user does."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

os.environ["RTKIT_PLUGINS"] = ""
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as of a shell's job in the background: tests interrupt programs
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: Modules whose tests play and record in real time, or draw in a browser: they run one after another, with the machine to themselves.
LIVE = ("audio/test_live", "live/test_page", "live/test_views", "live/test_server", "test_live_run", "test_virtual_microphone")


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also what takes long: trainings, and figures on whole data sets")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if str(item.path.with_suffix("")).endswith(LIVE):
            item.add_marker(pytest.mark.live)
    long = [item for item in items if item.get_closest_marker("long") and not config.getoption("--long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


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
