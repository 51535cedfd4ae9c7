"""The recipe of docs/echo.md: rtkit stands between the microphone and a call program, which records from a virtual microphone."""

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from rtkit_echo.scenes import DATA, room_scene
from scipy.signal import correlate

import rtkit
from tests.soundcard import soundcard  # noqa: F401  # the fixture

RECIPE = Path(__file__).parents[1] / "docs" / "echo.md"
ALONE, FAR = 3, 15  # s of the near end alone, and of the far end after that
STARTING = 60.0  # s in which rtkit must be at work, on a busy machine too
ENDING = 0.1  # s that are under way when rtkit is interrupted
BETWEEN = 0.5  # s after which one program's sound has gone through


def recipe():
    """The commands of the recipe: those that load a module of the sound server, and the one that runs rtkit."""
    lines = [line.split("#")[0].split() for line in RECIPE.read_text().splitlines() if line.startswith("    ")]
    modules = [line[2:] for line in lines if line[:2] == ["pactl", "load-module"]]
    (command,) = (line[1:] for line in lines if line[:2] == ["rtkit", "run"] and "speaker:rtkit_clean" in line)
    return modules, command


def at_48k(samples, rate):
    return soxr.resample(samples, rate, 48000)


def level(samples):
    """dB re full scale."""
    return 10 * np.log10(np.mean(samples.astype(float) ** 2) + 1e-20)


def passed(before, after, n):
    """By how many samples `n` samples of `before` come later in `after`, and how much of them is changed (dB)."""
    lag = correlate(after[: 2 * n], before[:n], mode="full", method="fft")
    delay = int(lag.argmax()) - (n - 1)
    return delay, level(after[delay : delay + n] - before[:n]) - level(before[:n])


@contextmanager
def desktop(card):
    """What a desktop has: a default loudspeaker and a default microphone, chosen by nobody's environment."""
    subprocess.run(["pactl", "set-default-sink", "spk"], check=True)
    subprocess.run(["pactl", "set-default-source", "mic.monitor"], check=True)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PULSE_SINK", "PULSE_SOURCE"):
            patch.delenv(name)
            patch.delitem(card.environment, name)
        yield


@contextmanager
def running(command, folder):
    """rtkit, at work from the beginning of the block on, interrupted at its end; its report is then in ``report.json``."""
    events = folder / "events.jsonl"
    whole = [sys.executable, "-m", "rtkit", *command, "--events", str(events), "--report", str(folder / "report.json")]
    with subprocess.Popen(whole, stderr=subprocess.PIPE, text=True) as process:
        try:
            end = time.monotonic() + STARTING
            while not (events.exists() and events.stat().st_size):
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < end, "rtkit does not start"
                time.sleep(0.1)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=STARTING)
    assert process.returncode == 130, said


def test_a_call_program_hears_the_talker_but_no_echo(soundcard, tmp_path):  # noqa: F811
    scene = room_scene()
    far = at_48k(np.concatenate([scene.far[: 10 * scene.rate]] * 2), scene.rate)  # the shipped talker, twice
    talker = at_48k(scene.talker[scene.talker.nonzero()[0][0] :], scene.rate)
    with (DATA / "room.wav").open("rb") as file:
        response, room_rate = soundfile.read(file, dtype="float32")
    response = 0.5 * at_48k(response, room_rate) * room_rate / 48000
    noise = 1e-4 * np.random.default_rng(0).standard_normal(48000)

    rtkit.apply("echo", np.zeros((48000, 2), np.float32), rate=48000)  # its first use on a machine compiles for some time
    modules, command = recipe()
    with desktop(soundcard), soundcard.room(response, noise=noise):
        for module in modules:
            soundcard.load(*module)
        subprocess.run(["pactl", "set-default-source", "mic.monitor"], check=True)  # a real microphone comes before a virtual one
        with (
            running([*command, "--latency", "0.1"], tmp_path),
            soundcard.recording("mic.monitor", tmp_path / "microphone"),
            soundcard.recording("rtkit_microphone", tmp_path / "virtual"),
        ):
            time.sleep(BETWEEN)
            with soundcard.playing(talker, sink="mic"):
                time.sleep(ALONE)
            time.sleep(BETWEEN)
            with soundcard.playing(far):
                time.sleep(FAR)

    report = json.loads((tmp_path / "report.json").read_text())
    events = [json.loads(line)["data"] for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    microphone, virtual = (np.fromfile(tmp_path / name, np.float32) for name in ("microphone", "virtual"))
    third = slice(min(len(microphone), len(virtual)) - FAR * 48000 // 3, min(len(microphone), len(virtual)))
    erle = level(microphone[third]) - level(virtual[third])
    delay, changed = passed(microphone, virtual, round((BETWEEN + ALONE) * 48000))
    print(f"ERLE in the last third {erle:.1f} dB, microphone {level(microphone[third]):.1f} dB")
    print(f"talker alone: {1e3 * delay / 48000:.0f} ms later, {changed:.0f} dB of it changed")
    print(json.dumps(report["counts"]), json.dumps(report["latency_ms"]), events[-1])

    assert level(microphone[third]) > -45  # there was an echo
    assert erle > 20
    assert changed < -30  # without an echo the virtual microphone is the microphone, without a gap
    # every frame that the devices gave was heard, and went on; a machine whose cores are all busy drops some at the way out
    heard, spoken = report["counts"]["mic with speaker-monitor"], report["counts"]["speaker:rtkit_clean"]
    assert heard["lost"] == heard["overrun"] == heard["far lost"] == heard["reconnects"] == spoken["reconnects"] == 0
    assert spoken["played"] + spoken["dropped"] == pytest.approx(heard["captured"], abs=ENDING * 48000)
    assert max(spoken["dropped"], spoken["underrun"], heard["far underrun"], heard["far overrun"]) < 0.1 * heard["captured"]
