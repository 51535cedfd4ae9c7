import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtkit.audio import device
from rtkit.audio.device import LossWatch, find
from rtkit.audio.table import devices
from rtkit.core.errors import DeviceError


def arrivals(rate, block, seconds, drift, burst, jitter, seed):
    """Times (s) at which the blocks of a device come: delivered by bursts of a sound server, late by jitter."""
    rng = np.random.default_rng(seed)
    due = (np.arange(int(seconds * rate / block)) + 1) * block / rate * (1.0 + drift)
    if burst:
        due = np.ceil(due / burst) * burst
    return np.maximum.accumulate(due + rng.exponential(jitter, len(due)))


conditions = st.fixed_dictionaries(
    {
        "rate_block": st.sampled_from([(16000, 128), (16000, 160), (48000, 480), (44100, 1024)]),
        "drift": st.floats(-500e-6, 500e-6),
        "burst": st.sampled_from([0.0, 0.02, 0.04]),
        "jitter": st.floats(0.0, 0.005),
        "seed": st.integers(0, 1000),
    }
)


def counted(times, rate, block):
    watch = LossWatch(rate, block)
    return [watch.arrived(now, block) for now in times]


@settings(max_examples=60, deadline=None)
@given(conditions)
def test_jitter_and_drift_are_no_loss(condition):
    rate, block = condition.pop("rate_block")
    assert sum(counted(arrivals(rate, block, 60.0, **condition), rate, block)) == 0


@settings(max_examples=60, deadline=None)
@given(conditions, st.floats(0.03, 1.0), st.floats(3.0, 10.0))
def test_lost_callbacks_are_counted_within_two_seconds(condition, missing, when):
    rate, block = condition.pop("rate_block")
    times = arrivals(rate, block, 15.0, **condition)
    first, blocks = int(when * rate / block), max(2, round(missing * rate / block))
    times = np.delete(times, slice(first, first + blocks))
    found = np.array(counted(times, rate, block))
    # The phase of a burst moves the earliest arrival by up to a block, jitter by some milliseconds.
    assert abs(found.sum() - blocks * block) <= block + 0.006 * rate
    assert times[np.flatnonzero(found)].max() <= times[first] + 2.0 + 16 * block / rate


def test_one_long_stall_that_is_made_up_for_is_no_loss():
    times = arrivals(16000, 160, 10.0, 0.0, 0.0, 0.001, 0)
    stalled = (times > 5.0) & (times < 5.9)
    times[stalled] = 5.9
    assert sum(counted(times, 16000, 160)) == 0


def fake(*names, default=(0, 0)):
    table = [
        {"index": i, "name": name, "max_input_channels": 0 if "out" in name else 2, "max_output_channels": 2}
        for i, name in enumerate(names)
    ]
    return SimpleNamespace(query_devices=lambda: table, default=SimpleNamespace(device=default))


@pytest.mark.parametrize(
    ("target", "expected"), [("", "USB headset"), ("0", "built-in"), ("HEADSET", "USB headset"), ("usb", "USB"), ("built", "built-in")]
)
def test_a_device_is_found_by_number_part_of_name_or_default(monkeypatch, target, expected):
    monkeypatch.setattr(device, "portaudio", lambda: fake("built-in", "USB headset", "USB", default=(1, 0)))
    assert find(target, "input")["name"] == expected


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("hdmi", "no audio input device matches 'hdmi'.*0 mic A; 1 mic B"),
        ("mic", "several .* match 'mic'.*0 mic A; 1 mic B"),
        ("2", "no audio"),
    ],
)
def test_what_does_not_name_one_device_is_refused_with_the_candidates(monkeypatch, target, message):
    monkeypatch.setattr(device, "portaudio", lambda: fake("mic A", "mic B", "line out"))
    with pytest.raises(DeviceError, match=message):
        find(target, "input")


def test_no_device_at_all_is_said_clearly(monkeypatch):
    monkeypatch.setattr(device, "portaudio", fake)
    with pytest.raises(DeviceError, match="no audio output device on this system"):
        find("", "output")


def test_a_missing_library_names_the_package(monkeypatch):
    def missing(name, *rest):
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return original(name, *rest)

    original = __import__
    monkeypatch.setattr("builtins.__import__", missing)
    with pytest.raises(DeviceError, match="libportaudio2"):
        devices()


def test_a_hanging_call_is_left_behind(monkeypatch):
    monkeypatch.setattr(device, "PORTAUDIO_TIMEOUT_S", 0.05)
    release = threading.Event()
    begin = time.perf_counter()
    with pytest.raises(TimeoutError):
        device._bounded(lambda: release.wait(10.0))
    assert time.perf_counter() - begin < 5.0
    release.set()
    with pytest.raises(ZeroDivisionError):
        device._bounded(lambda: 1 / 0)


def test_quiet_silences_what_c_code_prints(capfd):
    import os

    with device.quiet():
        os.write(2, b"ALSA lib: noise")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
