"""The main job live: `rtkit run` through PortAudio, with a measured room between loudspeaker and microphone."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import soxr
from rtkit_echo.scenes import DATA, room_scene

from rtkit.audio.far import TAIL_S
from tests.soundcard import DEVICE, soundcard  # noqa: F401  # the fixture

SECONDS = 20
#: Frames that may be under way when the run ends, at either side (s).
BORDER = 0.25
#: Time (s) that opening and closing the devices may take on a busy machine.
OPENING = 4.0


def rtkit(*arguments, cwd):
    command = [sys.executable, "-m", "rtkit", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def at_48k(samples, rate):
    return soxr.resample(samples, rate, 48000)


@pytest.mark.parametrize(("rate", "block"), [(16000, 128), (48000, 480)])
def test_the_echo_of_a_played_file_is_cancelled(soundcard, tmp_path, rate, block):  # noqa: F811
    scene = room_scene()
    soundfile.write(tmp_path / "far.wav", scene.far[: SECONDS * scene.rate], scene.rate)
    with (DATA / "room.wav").open("rb") as file:
        response, room_rate = soundfile.read(file, dtype="float32")
    early = response[: round(0.064 * room_rate)]  # what the filter can imitate; the reverberation beyond it would hide what it does
    response = 0.5 * at_48k(early, room_rate) * room_rate / 48000
    talker = 0.1 * at_48k(scene.talker[: SECONDS * scene.rate], scene.rate)
    noise = 1e-4 * np.random.default_rng(0).standard_normal(48000)
    with soundcard.room(response, near=talker, noise=noise):
        ends = ("--far", "far.wav", "--to", "clean.wav", "--report", "report.json", "--events", "events.jsonl")
        device = ("--rate", rate, "--block", block, "--latency", 0.1)
        done = rtkit("run", f"mic:{DEVICE}", "adaline:tail_ms=200", *ends, *device, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    print(json.dumps(report["counts"]), json.dumps(report["latency_ms"]))
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    erle = [event["data"]["erle_db"] for event in events]
    print(erle)

    # every frame is accounted for: what was captured was processed and written, and by the clock nothing is missing
    counts = report["counts"][f"mic:{DEVICE}"]
    assert counts["captured"] == report["samples"]
    assert soundfile.info(tmp_path / "clean.wav").frames == report["samples"]
    # the run is as long as the file, its round trip and the tail behind it: frames that went missing would make it shorter
    recorded = (counts["captured"] + counts["lost"] + counts["overrun"]) / rate
    assert recorded == pytest.approx(SECONDS + TAIL_S + report["latency_ms"]["round trip"] / 1e3, abs=BORDER)
    assert recorded <= report["wall_s"] < recorded + OPENING
    # the round trip is reported, and is one that this card can have
    assert 20 < report["latency_ms"]["round trip"] < 1000
    # the echo went down, before the talker came; not steadily, since this card moves the echo path by some samples every few
    # seconds, and more on a busy machine
    assert max(erle[2:9]) > 4


@pytest.mark.parametrize(("rate", "block"), [(16000, 128), (48000, 480)])
def test_echo_cancels_a_whole_room_live(soundcard, tmp_path, rate, block):  # noqa: F811
    scene = room_scene()
    far = np.concatenate([scene.far[: 10 * scene.rate]] * 2)  # the shipped talker, twice: 20 s
    soundfile.write(tmp_path / "far.wav", far, scene.rate)
    with (DATA / "room.wav").open("rb") as file:
        response, room_rate = soundfile.read(file, dtype="float32")
    response = 0.5 * at_48k(response, room_rate) * room_rate / 48000
    noise = 1e-4 * np.random.default_rng(0).standard_normal(48000)
    with soundcard.room(response, noise=noise):
        ends = ("--far", "far.wav", "--to", "clean.wav", "--report", "report.json", "--events", "events.jsonl")
        device = ("--rate", rate, "--block", block, "--latency", 0.1)
        done = rtkit("run", f"mic:{DEVICE}", "echo", *ends, *device, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    erle = [event["data"]["erle_db"] for event in events]
    print(json.dumps(report["counts"]), erle, events[-1])
    counts = report["counts"][f"mic:{DEVICE}"]
    assert counts["captured"] == report["samples"]
    assert soundfile.info(tmp_path / "clean.wav").frames == report["samples"] + 2 * (256 if rate == 48000 else 128)  # and its latency
    assert np.median(erle[13:20]) > 28  # this card moves the echo path by some samples every few seconds


def test_microphone_to_speaker_accounts_for_every_frame(soundcard, tmp_path):  # noqa: F811
    soundcard.load("module-loopback", "source=spk.monitor", "sink=mic", "latency_msec=30")
    ends = ("--to", f"speaker:{DEVICE}", "--to", "heard.wav", "--report", "report.json")
    device = ("--rate", 16000, "--block", 128, "--latency", 0.1)
    done = rtkit("run", f"mic:{DEVICE}", *ends, *device, "--seconds", 5, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    print(json.dumps(report["counts"]), json.dumps(report["latency_ms"]))
    assert report["samples"] == 5 * 16000 == soundfile.info(tmp_path / "heard.wav").frames
    speaker = report["counts"][f"speaker:{DEVICE}"]
    assert speaker["played"] + speaker.get("dropped", 0) == pytest.approx(5 * 16000, abs=BORDER * 16000)


def test_devices_are_listed(soundcard, tmp_path):  # noqa: F811
    found = json.loads(rtkit("devices", "--json", cwd=tmp_path).stdout)
    assert any(device["name"] == DEVICE for device in found)
    assert DEVICE in rtkit("devices", cwd=tmp_path).stdout


def test_a_lost_card_ends_with_code_4_and_keeps_what_was_heard(soundcard, tmp_path):  # noqa: F811
    command = [sys.executable, "-m", "rtkit", "run", f"mic:{DEVICE}", "--rate", "16000", "--to", "out.wav", "--reconnect", "2", "-q"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(200):
            if (tmp_path / "out.wav").exists() and (tmp_path / "out.wav").stat().st_size > 16000 * 4 * 2:
                break
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(process.stderr.read())
        soundcard.kill()
        assert process.wait(30) == 4
        lines = process.stderr.read().splitlines()
    assert f"mic:{DEVICE}" in lines[-1], lines
    assert soundfile.info(tmp_path / "out.wav").frames >= 32000


def test_a_model_runs_live_with_its_state(soundcard, tmp_path):  # noqa: F811
    """A stateful ONNX model keeps up with a microphone, and gives the same played in real time as in small blocks."""
    soundcard.load("module-loopback", "source=spk.monitor", "sink=mic", "latency_msec=30")
    device = ("--rate", 16000, "--block", 128, "--latency", 0.1, "--seconds", 3)
    heard = rtkit("run", f"mic:{DEVICE}", "--to", "heard.wav", *device, cwd=tmp_path)
    assert heard.returncode == 0, heard.stderr
    live = rtkit("run", f"mic:{DEVICE}", "onnx:model=heartbeat/step", "--to", "p.wav", "--report", "report.json", *device, cwd=tmp_path)
    assert live.returncode == 0, live.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    print(json.dumps(report["counts"]), report["steps"])
    assert report["samples"] == 3 * 16000 == soundfile.info(tmp_path / "p.wav").frames
    played = rtkit("run", "heard.wav", "onnx:model=heartbeat/step", "--to", "again.wav", "--realtime", "--seconds", 1, cwd=tmp_path)
    assert played.returncode == 0, played.stderr
    whole = rtkit("run", "heard.wav", "onnx:model=heartbeat/step", "--to", "whole.wav", "--block", 7, "--seconds", 1, cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    again, once = (soundfile.read(tmp_path / name, dtype="float32")[0] for name in ("again.wav", "whole.wav"))
    np.testing.assert_allclose(again, once, atol=1e-4)  # 16 bits in the file
    assert ((again > 0) & (again < 1)).all()
