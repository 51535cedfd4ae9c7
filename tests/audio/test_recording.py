"""Recording input devices, without any: the streams are made here, and their samples are the time at which they sounded."""

import threading
import time
from typing import ClassVar

import numpy as np
import pytest

from rtkit.audio import recording
from rtkit.audio.capture import Microphone
from rtkit.core.errors import DeviceError
from rtkit.core.items import SampleSpec
from rtkit.core.source import Options

RATE, BLOCK = 16000, 160


class Device:
    """A stream that delivers blocks as fast as they are read; sample n of one that starts at `origin` (s) is origin * rate + n."""

    reconnects, delays, round_trip = 0, {"input device": 0.01}, None
    origins: ClassVar = {"near": 10.0, "far": 10.0}
    before: ClassVar = {"near": 5, "far": 5}  # blocks delivered before recording begins

    def __init__(self, name, side, targets, *, rate, block, **_):
        self.name, self.rate, self.block = targets[0], rate, block
        self.origin = self.origins[self.name]

    def open(self, process, missing, failed):
        self.missing, self.closing = missing, threading.Event()
        self.thread = threading.Thread(target=self.deliver, args=(process,), daemon=True)
        for number in range(self.before[self.name]):
            process(*self.heard(number))
        self.thread.start()

    def heard(self, number):
        first = round(self.origin * self.rate) + number * self.block
        return np.arange(first, first + self.block, dtype=np.float32)[:, None] / 2**20, np.empty((self.block, 0), np.float32)

    def deliver(self, process):
        capture, number = process.__self__, self.before[self.name]
        while not capture._begun and not self.closing.is_set():
            time.sleep(0.001)
        while not self.closing.is_set():
            if capture.ring.available < capture.ring.capacity // 2:
                process(*self.heard(number))
                number += 1
            else:
                time.sleep(0.001)

    def close(self):
        self.closing.set()
        self.thread.join()


@pytest.fixture
def devices(monkeypatch):
    monkeypatch.setattr(recording, "DeviceStream", Device)
    return monkeypatch


def options(**more):
    return Options(rate=RATE, block=BLOCK, **more)


def test_what_comes_before_the_recording_begins_is_left_out(devices):
    microphone = Microphone("near", options())
    assert microphone.counts() == microphone.delays() == {}
    assert microphone.open() == SampleSpec(RATE, ("near",))
    assert microphone.capture.ignored_frames == 5 * BLOCK
    blocks = []
    for block in microphone:
        blocks.append(block)
        if len(blocks) == 20:
            microphone.stop()
    microphone.close()
    assert [block.start for block in blocks] == list(range(0, 20 * BLOCK, BLOCK))
    data = np.concatenate([block.data for block in blocks])[:, 0] * 2**20
    np.testing.assert_array_equal(data, 10 * RATE + 5 * BLOCK + np.arange(20 * BLOCK))
    assert microphone.counts() == {"captured": 20 * BLOCK, "lost": 0, "overrun": 0, "reconnects": 0}
    assert set(microphone.delays()) == {"input device", "input ring"}


@pytest.mark.parametrize("late", [-0.25, -0.03, 0.0, 0.011, 0.4])
@pytest.mark.parametrize("before", [0, 30])
def test_two_devices_are_laid_side_by_side_in_time(devices, late, before):
    devices.setattr(Device, "origins", {"near": 10.0, "far": 10.0 + late})
    devices.setattr(Device, "before", {"near": 5, "far": before})
    devices.setattr("rtkit.audio.far.JITTER_S", 30.0)  # these devices keep no pace
    pair = Microphone("near", options()).with_far(Microphone("far", Options(rate=8000, block=BLOCK)), options())
    assert pair.open() == SampleSpec(RATE, ("near", "far"))
    blocks = []
    for block in pair:
        blocks.append(block)
        if len(blocks) == 50:
            pair.stop()
    pair.close()
    assert blocks[0].start == 0
    data = np.concatenate([block.data for block in blocks]) * 2**20
    np.testing.assert_array_equal(data[:, 0], data[:, 1])
    assert pair.counts()["far underrun"] == 0


def test_a_stop_before_it_is_open_counts(devices):
    microphone = Microphone("near", options())
    microphone.stop()
    microphone.open()
    assert list(microphone) == []
    microphone.close()


def test_lost_frames_make_a_gap_and_a_lost_device_an_error(devices):
    microphone = Microphone("near", options())
    microphone.open()
    blocks = iter(microphone)
    assert next(blocks).start == 0
    microphone.capture.stream.close()
    microphone.capture.miss(1000)
    assert microphone.counts()["lost"] == 1000
    microphone.capture.ring.close(DeviceError("it went away"))
    starts = []
    with pytest.raises(DeviceError, match="it went away"):
        starts.extend(block.start for block in blocks)
    assert np.all(np.diff([0, *starts]) == BLOCK)
