"""Live audio on the virtual sound card."""

import logging
import os
import subprocess
import threading
import time

import numpy as np
import pytest
from scipy.signal import correlate

from rtkit.audio.capture import Microphone, SpeakerMonitor
from rtkit.audio.playback import Speaker
from rtkit.audio.table import devices
from rtkit.core.errors import DeviceError, UsageError
from rtkit.core.items import Block, FrameSpec, SampleSpec
from rtkit.core.source import Options, Source
from tests.soundcard import DEVICE, SoundCard, soundcard  # noqa: F401  # the fixture

FORMATS = [(16000, 128), (48000, 480)]
LATENCY = 0.1  # s; less is not clean on a busy machine
BURST = 0.06  # s that the sound server may hand over at once, at either end of a measurement
ECHO = 0.02  # s of delay in the response of the room


def options(rate=16000, block=160, **more):
    return Options(rate=rate, block=block, latency=LATENCY, **more)


class File(Source):
    """Noise, as a file would give it."""

    name = "noise.wav"

    def __init__(self, rate, seconds, fails=False):
        self.rate, self.length, self.fails = rate, int(rate * seconds), fails
        self.data = (np.random.default_rng(0).standard_normal((self.length, 1)) * 0.1).astype(np.float32)

    def open(self, dtype=np.float32):
        return SampleSpec(self.rate)

    def __iter__(self):
        for at in range(0, self.length, 4096):
            yield Block(self.data[at : at + 4096].copy(), at, self.rate, ("mono",))
        if self.fails:
            raise ValueError("the file is damaged")


class Camera(File):
    name, live = "camera:0", True


def record(source, seconds):
    """Blocks of `seconds`, counted from the first one, and the time that they took."""
    blocks, begin = [], None
    for block in source:
        begin = begin or time.perf_counter()
        blocks.append(block)
        if time.perf_counter() - begin >= seconds:
            source.stop()
    return blocks, time.perf_counter() - begin


def joined(blocks):
    return np.concatenate([block.data for block in blocks])


def assert_continuous(blocks, missing=0):
    ends = [block.start + len(block.data) for block in blocks]
    assert sum(block.start - end for block, end in zip(blocks[1:], ends[:-1], strict=True)) == missing


def lag_of_echo(data, rate):
    """Seconds by which ``near`` is behind ``far``, looked for from -0.2 to 0.5 s, and how clear that is."""
    near, far = data[:, 0], data[:, 1]
    before, after, n = int(0.2 * rate), int(0.5 * rate), int(0.5 * rate)
    at = len(data) // 2 - n // 2
    match = np.abs(correlate(near[at - before : at + n + after], far[at : at + n], mode="valid"))
    return (int(match.argmax()) - before) / rate, match.max() / np.median(match)


def room_response():
    rng = np.random.default_rng(1)
    response = np.zeros(2400)
    at = int(ECHO * 48000)
    response[at] = 0.7
    response[at + 1 :] = 0.02 * rng.standard_normal(2400 - at - 1) * np.exp(-np.arange(2400 - at - 1) / 400)
    return response


@pytest.mark.parametrize(("rate", "block"), FORMATS)
def test_a_microphone_accounts_for_every_frame(soundcard: SoundCard, rate, block):  # noqa: F811
    source = Microphone(DEVICE, options(rate, block))
    assert source.open() == SampleSpec(rate, ("near",))
    blocks, seconds = record(source, 5.0)
    source.close()
    counts = source.counts()
    assert {len(b.data) for b in blocks} == {block}
    assert blocks[0].data.dtype == np.float32
    assert_continuous(blocks, counts["lost"] + counts["overrun"])
    total = counts["captured"] + counts["lost"] + counts["overrun"]
    assert abs(total - seconds * rate) <= 2 * block + BURST * rate
    assert counts["reconnects"] == 0
    assert 0.0 < source.delays()["input device"] < 1.0
    assert 0.0 < source.delays()["input ring"] < 1.0


def test_nothing_is_recorded_or_played_before_the_steps_are_ready(soundcard: SoundCard):  # noqa: F811
    noise = np.random.default_rng(2).standard_normal(10 * 48000) * 0.1
    alone = Microphone(DEVICE, options())
    file = Microphone(DEVICE, options()).with_far(File(16000, 2.0), options())
    monitor = Microphone(DEVICE, options()).with_far(SpeakerMonitor("", options()), options())
    for source, beside in ((alone, noise), (file, np.zeros(0)), (monitor, noise)):
        with soundcard.room(room_response()), soundcard.playing(beside):
            source.open()
            time.sleep(2.5)  # longer than the ring is: models are loaded
            blocks, seconds = record(source, 2.0)
            source.close()
        counts, data = source.counts(), joined(blocks)
        assert counts["overrun"] == 0
        assert blocks[0].start == 0
        assert len(data) / 16000 < seconds + 0.5 + BURST  # but what it takes to know the round trip
        if source is not alone:
            lag, clear = lag_of_echo(data, 16000)
            assert clear > 10
            assert 0.0 <= lag < 0.2 + ECHO
        if source is file:
            assert np.abs(data[: 16000 // 2, 1]).max() > 0.01  # it begins with the recording


def test_a_slow_reader_overruns_and_the_clock_is_corrected(soundcard: SoundCard, monkeypatch):  # noqa: F811
    monkeypatch.setattr("rtkit.audio.recording.RING_S", 0.2)
    source = Microphone(DEVICE, options())
    source.open()
    begin, blocks = time.perf_counter(), []
    for block in source:
        blocks.append(block)
        if len(blocks) == 20:
            time.sleep(1.0)
        if len(blocks) == 60:
            source.stop()
    seconds = time.perf_counter() - begin
    source.close()
    assert source.counts()["overrun"] > 0.5 * 16000
    assert_continuous(blocks, source.counts()["overrun"] + source.counts()["lost"])
    assert abs(blocks[-1].start / 16000 - seconds) < 0.5


@pytest.mark.parametrize(("rate", "block", "far_rate"), [(16000, 128, 16000), (48000, 480, 48000), (16000, 160, 44100)])
def test_a_file_that_is_played_comes_just_before_its_echo(soundcard: SoundCard, rate, block, far_rate):  # noqa: F811
    with soundcard.room(room_response()):
        source = Microphone(DEVICE, options(rate, block)).with_far(File(far_rate, 3.0), options(rate, block))
        assert source.open() == SampleSpec(rate, ("near", "far"))
        blocks = list(source)
        source.close()
    counts, data = source.counts(), joined(blocks)
    lag, clear = lag_of_echo(data, rate)
    print(counts, source.delays(), lag)
    assert clear > 10
    assert 0.0 <= lag < 0.2 + ECHO  # the room's own buffers lie in this, beyond what PortAudio knows
    assert_continuous(blocks, counts["lost"] + counts["overrun"])
    assert 0.0 < source.delays()["round trip"] < 2.0
    # All of the file was played, and the tail recorded.
    sounded = np.flatnonzero(np.abs(data[:, 1]) > 0.01)
    assert abs((sounded[-1] - sounded[0]) / rate - 3.0) < 0.05 + counts["far underrun"] / rate + counts["lost"] / rate
    assert len(data) / rate > 3.4


def test_without_a_room_the_far_end_is_no_later_than_its_echo(soundcard: SoundCard):  # noqa: F811
    """The hardest case: the output's monitor is the microphone, with no way in between."""
    os.environ["PULSE_SOURCE"] = "spk.monitor"
    source = Microphone(DEVICE, options()).with_far(File(16000, 3.0), options())
    source.open()
    data = joined(list(source))
    source.close()
    lag, clear = lag_of_echo(data, 16000)
    print(source.delays(), lag)
    assert clear > 10
    assert 0.0 <= lag < 0.06


def test_an_error_of_the_far_file_is_raised_where_the_stream_is_read(soundcard: SoundCard):  # noqa: F811
    source = Microphone(DEVICE, options()).with_far(File(16000, 1.0, fails=True), options())
    source.open()
    with pytest.raises(ValueError, match="damaged"):
        list(source)
    source.close()


class Late(SpeakerMonitor):
    def locate(self):
        time.sleep(0.3)
        return super().locate()


def test_a_microphone_beside_the_speaker_monitor(soundcard: SoundCard):  # noqa: F811
    noise = np.random.default_rng(2).standard_normal(10 * 48000) * 0.1
    with soundcard.room(room_response()), soundcard.playing(noise):
        source = Microphone(DEVICE, options()).with_far(Late("", options()), options())
        assert source.open() == SampleSpec(16000, ("near", "far"))
        blocks, seconds = record(source, 4.0)
        source.close()
    lag, clear = lag_of_echo(joined(blocks), 16000)
    print(source.counts(), lag)
    assert clear > 10
    assert 0.0 <= lag < 0.1  # without the alignment it is 0.11 s: what the near end may wait, and the way
    assert blocks[0].start == 0
    assert_continuous(blocks, source.counts()["lost"] + source.counts()["overrun"])
    # nothing that a live sink would have to catch up with
    assert sum(len(block.data) for block in blocks) / 16000 < seconds + 2 * BURST


def test_an_error_in_the_callback_is_raised_where_the_stream_is_read(soundcard: SoundCard, monkeypatch):  # noqa: F811
    source = Microphone(DEVICE, options())
    source.open()
    next(iter(source))
    monkeypatch.setattr(source.capture.ring, "write", None)
    with pytest.raises(TypeError, match="not callable"):
        list(source)
    source.close()


def test_what_is_no_far_end_is_refused():
    for far, more, message in [(Camera(16000, 1.0), {}, "not camera:0"), (File(16000, 1.0), {"channels": 2}, "has 1 channel, not 2")]:
        with pytest.raises(UsageError, match=message):
            Microphone("", options()).with_far(far, options(**more))


def test_the_speaker_plays_everything_and_the_monitor_hears_it(soundcard: SoundCard):  # noqa: F811
    monitor = SpeakerMonitor("", options(48000, 480))
    monitor.open()
    heard, file = [], File(48000, 3.0)
    listener = threading.Thread(target=lambda: heard.extend(monitor))
    listener.start()
    speaker = Speaker(DEVICE, options())
    speaker.open(SampleSpec(48000))
    begin = time.perf_counter()
    for block in file:
        speaker.write(block)
    speaker.close()
    seconds = time.perf_counter() - begin
    time.sleep(0.3)
    monitor.stop()
    listener.join()
    monitor.close()
    assert speaker.counts()["played"] == file.length
    assert speaker.counts()["dropped"] == 0
    assert 2.9 < seconds < 6.0
    assert 0.0 < speaker.delays()["output ring"] <= 0.2
    assert 0.0 < speaker.delays()["output device"] < 1.0
    data = joined(heard)[:, 0]
    for at in (0, len(file.data) // 2, len(file.data) - 4800):  # the first and the last samples too
        piece = file.data[at : at + 4800, 0]
        assert correlate(data, piece, mode="valid").max() > 0.9 * piece @ piece


def test_the_speaker_plays_into_a_sink_of_the_sound_server(soundcard: SoundCard, tmp_path):  # noqa: F811
    soundcard.load("module-null-sink", "sink_name=other", "rate=48000", "channels=1", "norewinds=1")
    noise = (np.random.default_rng(5).standard_normal((48000, 1)) * 0.1).astype(np.float32)
    with soundcard.recording("other.monitor", tmp_path / "other"), soundcard.recording("spk.monitor", tmp_path / "default"):
        speaker = Speaker("other", options(48000, 480))
        speaker.open(SampleSpec(48000))
        speaker.write(Block(noise, 0, 48000, ("mono",)))
        speaker.close()
        time.sleep(BURST + LATENCY)
    assert np.abs(np.fromfile(tmp_path / "other", np.float32)).max() > 0.1
    assert not np.fromfile(tmp_path / "default", np.float32).any()
    assert os.environ["PULSE_SINK"] == "spk"


def test_a_sink_that_is_not_there_is_named(soundcard: SoundCard):  # noqa: F811
    with pytest.raises(DeviceError, match="a sink 'nowhere'"):
        Speaker("nowhere", options()).open(SampleSpec(16000))


def test_the_default_output_is_asked_for_by_name(soundcard: SoundCard, monkeypatch):  # noqa: F811
    """The alias for its monitor is not for PipeWire, which gives the microphone instead: near and far end would be the same."""
    monkeypatch.delenv("PULSE_SINK")
    soundcard.load("module-null-sink", "sink_name=other")
    for sink in ("other", "spk"):
        subprocess.run(["pactl", "set-default-sink", sink], check=True)
        assert SpeakerMonitor("", options()).locate() == ("pulse", {"PULSE_SOURCE": f"{sink}.monitor"})
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeviceError, match="pulseaudio-utils"):
        SpeakerMonitor("", options()).open()


def test_a_live_stream_does_not_delay_the_speaker_more_and_more(soundcard: SoundCard):  # noqa: F811
    speaker = Speaker(DEVICE, options())
    speaker.live = True
    speaker.open(SampleSpec(16000))
    written, begin = 0, time.perf_counter()
    while (now := time.perf_counter() - begin) < 2.0:  # a microphone whose clock is faster by half
        if written < 1.5 * now * 16000:
            speaker.write(Block(np.zeros((160, 1), np.float32), written, 16000, ("mono",)))
            written += 160
        time.sleep(0.001)
    speaker.close()
    counts = speaker.counts()
    assert counts["dropped"] > 0.2 * written
    assert counts["played"] + counts["dropped"] == written
    assert speaker.delays()["output ring"] <= 0.2


def test_a_format_that_does_not_open_names_the_device(soundcard: SoundCard):  # noqa: F811
    for make in (lambda: Microphone(DEVICE, options(channels=500)).open(), lambda: Speaker(DEVICE, options()).open(SampleSpec(5.0))):
        with pytest.raises(DeviceError, match=r"pulse does not open with .* channel.* Hz"):
            make()
    with pytest.raises(UsageError, match="plays samples"):
        Speaker(DEVICE, options()).open(FrameSpec(640, 480, 30.0))


def test_the_table_of_devices(soundcard: SoundCard, capfd):  # noqa: F811
    begin = time.perf_counter()
    table = {row["name"]: row for row in devices()}
    assert time.perf_counter() - begin < 10.0
    assert table[DEVICE]["host"] == "ALSA"
    assert table[DEVICE]["inputs"] > 0
    assert table[DEVICE]["outputs"] > 0
    assert set(table[DEVICE]["rates"]) >= {16000, 48000}
    assert sum(row["default_input"] for row in table.values()) == 1
    assert capfd.readouterr().err == ""


def test_a_lost_microphone_is_noticed_and_comes_back(soundcard: SoundCard, caplog):  # noqa: F811
    caplog.set_level(logging.WARNING, "rtkit.audio")
    source = Microphone(DEVICE, options(reconnect=20.0))
    source.open()
    begin, blocks, killed, noticed = time.perf_counter(), [], 0.0, []

    class Notice(logging.Handler):
        def emit(self, record):
            noticed.append(time.perf_counter())

    handler = Notice()
    logging.getLogger("rtkit.audio").addHandler(handler)
    revival = threading.Timer(2.5, soundcard.start)
    try:
        for block in source:
            blocks.append(block)
            now = time.perf_counter()
            if not killed and now - begin > 1.0:
                soundcard.kill()
                killed = time.perf_counter()
                revival.start()
            if source.counts()["reconnects"] and block.start > blocks[0].start + 16000 * (noticed[-1] - begin + 1.0):
                source.stop()
    finally:
        logging.getLogger("rtkit.audio").removeHandler(handler)
        revival.join()
    seconds = time.perf_counter() - begin
    source.close()
    counts = source.counts()
    print(counts, seconds, noticed[0] - killed)
    assert noticed[0] - killed < 2.0
    assert "went away" in caplog.text
    assert "is back" in caplog.text
    assert counts["reconnects"] >= 1
    assert counts["lost"] > 2.0 * 16000
    assert_continuous(blocks, counts["lost"] + counts["overrun"])
    assert abs((blocks[-1].start + len(blocks[-1].data)) / 16000 - seconds) < 0.5


def test_a_microphone_that_stays_away_ends_the_stream_after_all_that_came_before(soundcard: SoundCard):  # noqa: F811
    source = Microphone(DEVICE, options(reconnect=2.0))
    source.open()
    got, killed = 0, 0.0
    with pytest.raises(DeviceError, match=r"mic:pulse: .*stayed away for 2 s"):  # noqa: PT012  # the kill belongs inside
        for block in source:
            got += len(block.data)
            if not killed and got > 16000:
                soundcard.kill()
                killed = time.perf_counter()
    assert time.perf_counter() - killed < 2.0 + 2.0 + 3.0
    source.close()
    assert got == source.counts()["captured"] == source.capture.ring.written


def test_a_lost_speaker_is_an_error_too(soundcard: SoundCard):  # noqa: F811
    speaker = Speaker(DEVICE, options(reconnect=1.0))
    speaker.open(SampleSpec(16000))
    begin = time.perf_counter()
    with pytest.raises(DeviceError, match=r"speaker:pulse: .*stayed away"):  # noqa: PT012  # likewise
        for block in File(16000, 60.0):
            speaker.write(block)
            if block.start > 8000:
                soundcard.kill()
    assert time.perf_counter() - begin < 15.0
    speaker.close()
