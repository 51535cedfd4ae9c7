"""The monitor as a user runs it: files, pipes, the demo."""

import json
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from rtkit_ecg.demo import DATA

from tests.rtkit_ecg.hearts import errors, excerpt, heart


def test_the_main_job(cli, tmp_path):
    import wfdb

    done = cli("run", DATA / "119.hea", "ecg", "--to", "beats.atr", "--to", "strip.png", "--to", "beats.ann.csv")
    assert done.returncode == 0, done.stderr
    marks, record = wfdb.rdann(str(tmp_path / "beats"), "atr"), excerpt("119")
    beats = np.array([sample for sample, symbol in zip(marks.sample, marks.symbol, strict=True) if symbol in "NSVFQ"]) / record.rate
    assert errors(record.beats, beats)[:2] == (0, 0)
    assert (tmp_path / "strip.png").read_bytes()[:4] == b"\x89PNG"
    lines = (tmp_path / "beats.ann.csv").read_text().splitlines()
    assert sum(",beat," in line for line in lines) == len(record.beats)


def test_a_chest_strap_through_a_pipe(tmp_path):
    signal, peaks = heart(20, 130, rr=0.7)
    command = [
        sys.executable,
        "-m",
        "rtkit",
        "run",
        "-",
        "ecg:classify=false",
        "--rate",
        "130",
        "--format",
        "f32le",
        "--events",
        "events.jsonl",
        "-q",
    ]
    process = subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE)
    for start in range(0, len(signal), 30):
        process.stdin.write(signal[start : start + 30].tobytes())
        process.stdin.flush()
        time.sleep(0.002)
    process.stdin.close()
    assert process.wait(60) == 0
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    found = np.array([event["time"] for event in events if event["kind"] == "beat"])
    assert errors(peaks, found)[:2] == (0, 0)


def test_heartbeats_in_a_table(cli, tmp_path):
    shutil.copy(DATA / "heartbeats.csv", tmp_path / "ecg.csv")
    done = cli("run", "ecg.csv", "ecg", "--to", "beats.jsonl")
    assert done.returncode == 0, done.stderr
    labels = [json.loads(line)["label"] for line in (tmp_path / "beats.jsonl").read_text().splitlines()]
    assert set(labels) == {"normal", "abnormal"}
    assert len(labels) == 12


def test_a_truncated_record_keeps_what_it_had(cli, tmp_path):
    shutil.copy(DATA / "119.hea", tmp_path)
    whole = (DATA / "119.dat").read_bytes()
    (tmp_path / "119.dat").write_bytes(whole[: len(whole) // 2])
    done = cli("run", "119.hea", "ecg:classify=false", "--to", "beats.ann.csv", "--to", "beats.atr", "-q")
    assert done.returncode == 3
    message = done.stderr.strip()
    assert message.count("\n") == 0
    assert "119.hea" in message
    assert "truncated" in message
    assert len((tmp_path / "beats.ann.csv").read_text().splitlines()) > 80
    assert (tmp_path / "beats.atr").stat().st_size > 150


@pytest.mark.parametrize(
    ("name", "content", "arguments", "code"),
    [
        ("empty.csv", b"", ["--rate", "250"], 3),
        ("words.csv", b"a,b\n1,2\nthree,4\n", ["--rate", "250"], 3),
        ("slow.csv", b"1\n2\n3\n", ["--rate", "50"], 3),
        ("bare.hea", b"", [], 3),
        ("evil.hea", b"evil 1 360 10\n../../etc/passwd 16 200 12 0 0 0 0 I\n", [], 3),
    ],
)
def test_bad_input_is_one_line(cli, tmp_path, name, content, arguments, code):
    (tmp_path / name).write_bytes(content)
    done = cli("run", name, "ecg:classify=false", *arguments, "-q")
    message = done.stderr.strip()
    assert (done.returncode, message.count("\n")) == (code, 0), message
    assert name in message


def test_the_demo(cli, tmp_path):
    done = cli("demo", "ecg")
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert "197 of the 197" in said
    assert "ventricular flutter" in said
    assert "Not a medical device" in said
    assert {path.name for path in (tmp_path / "rtkit-demo").iterdir()} >= {"119.atr", "119.png", "207.ann.csv"}


def test_a_run_goes_on_from_a_saved_state(cli, tmp_path):
    signal, _ = heart(60, 250, rr=0.7)
    half = 30 * 250 + 60
    np.save(tmp_path / "whole.npy", signal)
    np.save(tmp_path / "one.npy", signal[:half])
    np.save(tmp_path / "two.npy", signal[half:])
    for name, options in {"whole": [], "one": ["--save-state", "s.npz"], "two": ["--load-state", "s.npz"]}.items():
        done = cli("run", f"{name}.npy", "ecg:classify=false", "--rate", 250, "--events", f"{name}.jsonl", "-q", *options)
        assert done.returncode == 0, done.stderr

    def beats(name, shift=0.0):
        events = [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        return [(round(event["time"] + shift, 3), event["data"]["rr_s"]) for event in events if event["kind"] == "beat"]

    assert beats("one") + beats("two", half / 250) == beats("whole")


def test_a_state_of_other_leads_is_refused(cli, tmp_path):
    assert cli("run", DATA / "119.hea", "ecg:classify=false", "--seconds", 5, "--save-state", "s.npz", "-q").returncode == 0
    done = cli("run", DATA / "119.hea", "ecg:classify=false,lead=1", "--seconds", 5, "--load-state", "s.npz", "-q")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr


def test_the_reference_annotations_are_not_overwritten(cli, tmp_path):
    for suffix in ("hea", "dat", "atr"):
        shutil.copy(DATA / f"119.{suffix}", tmp_path)
    done = cli("run", "119.hea", "ecg:classify=false", "--to", "119.atr", "-q")
    assert done.returncode == 2, done.stderr
    assert (tmp_path / "119.atr").read_bytes() == (DATA / "119.atr").read_bytes()


@pytest.mark.parametrize("suffix", ["jsonl", "ann.csv", "atr"])
def test_a_full_disk_is_one_line(cli, tmp_path, suffix):
    (tmp_path / f"full.{suffix}").symlink_to("/dev/full")
    done = cli("run", DATA / "119.hea", "ecg:classify=false", "--to", f"full.{suffix}", "--seconds", 5, "-q")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
    assert f"full.{suffix}" in done.stderr


def test_parameters_that_contradict_each_other(cli):
    done = cli("run", DATA / "119.hea", "ecg:bradycardia=130", "-q")
    assert done.returncode == 2
    assert "not below" in done.stderr
