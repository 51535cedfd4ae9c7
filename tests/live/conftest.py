"""A live server over a folder with the shipped recordings."""

import shutil
from pathlib import Path

import pytest
import rtkit_cam
import rtkit_ecg
import rtkit_echo

from rtkit.live.server import LiveServer


@pytest.fixture(scope="session")
def recordings(tmp_path_factory):
    """A folder with a call, an ECG record and a video."""
    folder = tmp_path_factory.mktemp("recordings")
    for module in (rtkit_echo, rtkit_ecg, rtkit_cam):
        for path in (Path(module.__file__).parent / "data").iterdir():
            if path.suffix != ".md":
                shutil.copy(path, folder)
    return folder


@pytest.fixture
def server(recordings):
    """A server of this machine only, which is closed afterwards."""
    made = LiveServer(recordings)
    made.start()
    yield made
    made.close()
