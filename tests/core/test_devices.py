"""What devices there are: as plug-ins list them, and which of them a page may name."""

import json

import pytest

from rtkit import hookimpl
from rtkit.core.host import Host, host
from rtkit.live.request import may_name
from rtkit.provided.devices import DEVICE_KEYS, list_devices

STRAP = {"source": "strap:1", "name": "Chest strap", "group": "straps", "gives": "samples", "far": False, "battery": 0.8}


class Lists:
    """A plug-in that lists what it is told to, or raises it."""

    def __init__(self, found):
        self.found = found

    @hookimpl
    def rtkit_list_devices(self):
        if isinstance(self.found, BaseException):
            raise self.found
        return self.found


def test_what_is_listed_is_what_its_source_says():
    devices, problems = list_devices(host())
    assert problems == [] or all("PortAudio" in problem for problem in problems)
    for device in devices:
        assert device.keys() >= DEVICE_KEYS
        if device["source"] is not None:
            cls = host().sources[device["source"].partition(":")[0]]
            assert device["gives"] == cls.gives
            assert may_name(device["source"])
    assert "synth:noise" in [device["source"] for device in devices]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (RuntimeError("no\nluck"), "no luck"),
        (SystemExit(3), "3"),
        (None, "not iterable"),
        ([{"source": "x"}], "a device without far, gives, group, name"),
        (["mic"], "keys"),
    ],
)
def test_a_plugin_whose_list_fails_is_told_of_and_the_others_are_listed(found, reason):
    made = Host(entry_points=[])
    made.manager.register(Lists(found), "bad")
    made.manager.register(Lists([STRAP]), "good")
    devices, problems = list_devices(made)
    assert devices == [STRAP]
    (problem,) = problems
    assert problem.startswith("devices of plug-in 'bad': ")
    assert reason in problem
    assert "\n" not in problem


def test_the_command_lists_devices_by_group(cli):
    found = json.loads(cli("devices", "--json").stdout)
    assert {"source": "synth:plant", "name": "Synthetic plant", "group": "synthetic signals", "gives": "samples", "far": False} in found
    shown = cli("devices").stdout.splitlines()
    assert "synthetic signals" in shown
    assert any(line.startswith("synth:plant") for line in shown)


@pytest.mark.parametrize("name", ["mic", "mic:3", "camera:0", "speaker-monitor", "synth:noise", "lsl:My stream"])
def test_devices_may_be_named_by_pages(name):
    assert may_name(name)


@pytest.mark.parametrize(
    "name",
    ["camera:/dev/video0", "camera:..\\x", "http://x/y", "http:", "rtsp://x", "-", "a.wav", ".wav", "/", "", "mic/x", "none:1", "synth:/x"],
)
def test_files_and_addresses_may_not_be_named_by_pages(name):
    assert not may_name(name)


def test_what_is_read_from_files_and_addresses_is_not_open_to_pages():
    for name in host().sources:
        if name[0] in "./-" or "://" in name:
            assert not host().sources[name].open_to_pages, name


def test_every_file_and_device_says_what_it_gives():
    sources = host().sources
    silent = {name for name in sources if sources[name].gives is None}
    assert not {name for name in silent if name[0] in "./" or "://" in name or sources[name].open_to_pages}
