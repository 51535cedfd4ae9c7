"""Streams end to end: what goes in comes out, faults are told in one line, and nothing written is lost."""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import rtkit
from rtkit import InputError, Options, SpecError, Stream, UsageError
from rtkit.core.stream import StepError
from rtkit.core.timings import Histograms
from rtkit.testing import ListSink
from tests.core import gain


@pytest.fixture
def noise(tmp_path):
    """A stereo file: 1.5 s at 16 kHz."""
    samples = (0.1 * np.random.default_rng(0).standard_normal((24000, 2))).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", samples, 16000, "FLOAT")
    return tmp_path / "noise.wav", samples


@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [
        (".wav", "PCM_U8", 1e-2),
        (".wav", "PCM_16", 1e-4),
        (".wav", "PCM_24", 1e-6),
        (".wav", "PCM_32", 1e-7),
        (".wav", "FLOAT", 0),
        (".wav", "DOUBLE", 1e-7),
        (".flac", "PCM_16", 1e-4),
        (".flac", "PCM_24", 1e-6),
        (".ogg", "VORBIS", 0.1),
        (".w64", "FLOAT", 0),
        (".rf64", "FLOAT", 0),
        (".aiff", "PCM_16", 1e-4),
        (".caf", "FLOAT", 0),
    ],
)
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44100, 2), (11025, 8)])
def test_every_format_is_read_and_written(tmp_path, suffix, subtype, tolerance, rate, channels):
    tones = 2 * np.pi * np.outer(np.arange(5000) / rate, 200 + 30 * np.arange(channels))
    samples = (0.3 * np.sin(tones)).astype(np.float32)
    path = tmp_path / f"in{suffix}"
    soundfile.write(path, samples, rate, subtype)
    out = tmp_path / f"out{suffix}"
    report = Stream(str(path), to=[str(out)]).run()
    assert report.samples == 5000
    assert soundfile.info(out).samplerate == rate
    np.testing.assert_allclose(soundfile.read(out, always_2d=True)[0], samples, atol=max(tolerance, 1e-6), rtol=0)


def test_32_channels_are_taken_and_33_refused(tmp_path):
    for channels in (32, 33):
        soundfile.write(tmp_path / "many.wav", np.zeros((100, channels), np.float32), 8000)
        stream = Stream(str(tmp_path / "many.wav"))
        if channels == 32:
            assert stream.run().samples == 100
        else:
            with pytest.raises(InputError, match="33 channels; expected at most 32"):
                stream.run()


@given(block=st.integers(1, 5000), seconds=st.floats(0.001, 2))
@settings(max_examples=25, deadline=None)
def test_blocks_and_limits_keep_every_sample(block, seconds):
    report = Stream("synth:noise", [gain.Gain()], seconds=seconds, options=Options(block=block)).run()
    assert report.samples == round(seconds * 16000)
    assert report.stream_s == pytest.approx(report.samples / 16000)


def test_two_files_become_two_channels_of_the_near_ends_length(tmp_path):
    random = np.random.default_rng(2)
    near, far = random.standard_normal(20000) * 0.1, random.standard_normal(30000) * 0.1
    soundfile.write(tmp_path / "near.wav", near, 16000, "FLOAT")
    soundfile.write(tmp_path / "far.wav", far, 16000, "FLOAT")
    Stream(f"{tmp_path}/near.wav+{tmp_path}/far.wav", to=[f"{tmp_path}/both.wav"]).run()
    both, _ = soundfile.read(tmp_path / "both.wav")
    np.testing.assert_allclose(both, np.stack([near, far[:20000]], axis=1), atol=1e-6)
    Stream(f"{tmp_path}/near.wav", far=f"{tmp_path}/far.wav", to=[f"{tmp_path}/same.wav"]).run()
    np.testing.assert_array_equal(soundfile.read(tmp_path / "same.wav")[0], both)
    Stream(f"{tmp_path}/far.wav+{tmp_path}/near.wav", to=[f"{tmp_path}/long.wav"]).run()
    assert not soundfile.read(tmp_path / "long.wav")[0][20000:, 1].any()


def test_a_far_end_of_another_rate_is_resampled(tmp_path):
    time_ = np.arange(32000) / 16000
    soundfile.write(tmp_path / "near.wav", np.sin(2 * np.pi * 300 * time_), 16000, "FLOAT")
    soundfile.write(tmp_path / "far.wav", np.sin(2 * np.pi * 300 * np.arange(88200) / 44100), 44100, "FLOAT")
    Stream(f"{tmp_path}/near.wav+{tmp_path}/far.wav", to=[f"{tmp_path}/both.wav"]).run()
    both, _ = soundfile.read(tmp_path / "both.wav")
    np.testing.assert_allclose(both[500:-500, 1], both[500:-500, 0], atol=1e-3)


def test_a_processor_that_wants_another_rate_gets_it(tmp_path, noise):
    report = Stream(str(noise[0]), [gain.Gain(), gain.Wants8k(), gain.Gain()], to=[f"{tmp_path}/out.wav"]).run()
    assert [step.name for step in report.steps] == ["gain", "resample to 8000 Hz", "wants8k", "gain"]
    assert soundfile.info(tmp_path / "out.wav").samplerate == 8000
    assert soundfile.info(tmp_path / "out.wav").frames == 12000
    assert report.latency_ms["algorithm"] > 0


def test_tails_run_through_the_steps_behind(noise):
    path, samples = noise
    sink = ListSink()
    Stream(str(path), [gain.Delay(), gain.Gain(factor=2)], to=[sink]).run()
    np.testing.assert_array_equal(sink.data[10:], 2 * samples)
    assert sink.items[-1].start == len(samples)


def test_apply_and_stream_agree(tmp_path, noise):
    path, samples = noise
    Stream(str(path), ["adaline:tail_ms=8"], to=[f"{tmp_path}/out.wav"]).run()
    out, events = rtkit.apply("adaline:tail_ms=8", samples, rate=16000)
    np.testing.assert_array_equal(soundfile.read(tmp_path / "out.wav", dtype="float32")[0], out[:, 0])
    assert [event.kind for event in events] == ["echo"]


def test_apply_refuses_what_it_cannot_take():
    for samples in (np.zeros(10, np.int64), np.zeros((2, 3, 4)), np.zeros((5, 0))):
        with pytest.raises(InputError, match="expected float or int16 samples"):
            rtkit.apply([], samples, rate=8000)
    with pytest.raises(UsageError, match="either rate="):
        rtkit.apply([], np.zeros(10))
    with pytest.raises(SpecError, match=r"step 'adaline' needs 2 channels \(near end, far end\)"):
        rtkit.apply("adaline", np.zeros(10), rate=8000)
    out, events = rtkit.apply("adaline", np.zeros((0, 2)), rate=8000)
    assert out.shape == (0, 1)
    assert not events


def test_apply_runs_frames():
    frames = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)
    out, _ = rtkit.apply(gain.Invert(), frames, fps=30)
    np.testing.assert_array_equal(out, 255 - frames)
    with pytest.raises(SpecError, match="processes samples"):
        rtkit.apply(gain.Gain(), frames, fps=30)


def test_not_finite_samples_are_counted(tmp_path):
    samples = np.zeros((9000, 2), np.float32)
    samples[100:150, 0], samples[5000, 1], samples[6000] = np.nan, np.inf, 3e38
    soundfile.write(tmp_path / "bad.wav", samples, 8000, "FLOAT")
    report = Stream(str(tmp_path / "bad.wav"), ["adaline:tail_ms=8"], to=[f"{tmp_path}/out.wav"]).run()
    assert report.non_finite == 51
    assert np.isfinite(soundfile.read(tmp_path / "out.wav")[0]).all()


def test_a_failing_step_is_named_and_what_was_written_stays(tmp_path, noise):
    class Fails(gain.Through):
        def process(self, block):
            if block.start >= 8192:
                raise ZeroDivisionError("nothing to divide")
            return block

    sink = ListSink()
    stream = Stream(str(noise[0]), [gain.Gain(), Fails()], to=[f"{tmp_path}/out.wav", sink])
    with pytest.raises(StepError, match=r"step 'fails' failed at item 2: ZeroDivisionError: nothing to divide"):
        stream.run()
    assert soundfile.info(tmp_path / "out.wav").frames == len(sink.data) == 8192
    assert sink.closed == 1
    assert "ZeroDivisionError" in stream.report.error


def test_truncated_and_damaged_files_are_told_with_their_place(cli, tmp_path, noise):
    whole = noise[0].read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[:100_000])
    done = cli("run", "cut.wav", "adaline:tail_ms=8", "--to", "out.wav", "-q")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "cut.wav: truncated: ends at sample" in done.stderr
    kept = soundfile.info(tmp_path / "out.wav").frames
    assert kept > 12000
    assert f"ends at sample {kept} " in done.stderr
    soundfile.write(tmp_path / "in.flac", noise[1], 16000)
    (tmp_path / "cut.flac").write_bytes((tmp_path / "in.flac").read_bytes()[:40_000])
    done = cli("run", "cut.flac", "--to", "out2.wav", "-q")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "cut.flac: " in done.stderr
    for name, content in (("text.wav", b"hello"), ("empty.wav", b""), ("random.flac", os.urandom(5000)), ("header.wav", whole[:30])):
        (tmp_path / name).write_bytes(content)
        done = cli("run", name, "-q")
        assert (done.returncode, done.stderr.count("\n")) == (3, 1), name
        assert name in done.stderr


@given(position=st.integers(0, 80), value=st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_a_damaged_header_never_crashes(tmp_path_factory, position, value):
    folder = tmp_path_factory.mktemp("fuzz")
    soundfile.write(folder / "x.wav", np.zeros((500, 2), np.int16), 8000)
    content = bytearray((folder / "x.wav").read_bytes())
    content[position] = value
    (folder / "x.wav").write_bytes(content)
    with contextlib.suppress(InputError):
        Stream(str(folder / "x.wav"), [gain.Gain()]).run()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere.wav"], 3, "no such file"),
        (["synth:noise", "adalin"], 2, "did you mean 'adaline'"),
        (["synth:noise", "adaline:tail=3"], 2, "no parameter 'tail'"),
        (["synth:noise", "adaline:tail_ms=-3"], 2, "expected a number from"),
        (["synth:noise", "adaline"], 3, "needs 2 channels"),
        (["synth:noise", "--to", "x.xyz"], 2, "no sink for files of type .xyz"),
        (["synth:nothing"], 2, "expected one of silence"),
        (["synth:noise", "--to", "no/such/folder/x.wav", "--seconds", "1"], 3, "cannot be written"),
        (["synth:noise", "--load-state", "none.npz"], 3, "none.npz: no such file; expected a state"),
        (["synth:noise", "--seconds", "1", "--report", "no/such/r.json"], 3, "the report cannot be written"),
        (["synth:noise", "--seconds", "1", "--events", "no/such/e.jsonl"], 3, "e.jsonl: cannot be written"),
        (["synth:noise", "--nonsense"], 2, "No such option"),
    ],
)
def test_errors_are_one_line_with_the_right_code(cli, arguments, code, words):
    done = cli("run", *arguments, "-q")
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_is_never_overwritten_by_its_own_output(cli, noise):
    done = cli("run", "noise.wav", "--to", "noise.wav")
    assert done.returncode == 2
    assert soundfile.info(noise[0]).frames == 24000


def test_a_wav_file_that_is_full_says_so_and_stays_valid(tmp_path, monkeypatch):
    monkeypatch.setattr("rtkit.signals.sound.MAX_WAV_BYTES", 100_000)
    with pytest.raises(InputError, match=r"a WAV file holds 4 GiB, reached at sample 24576; write .w64 or .rf64 instead"):
        Stream("synth:noise", to=[f"{tmp_path}/out.wav"]).run()
    assert soundfile.info(tmp_path / "out.wav").frames == 24576


@pytest.mark.parametrize("layout", ["u8", "s16le", "s16be", "s32le", "f32le", "f64le"])
def test_raw_samples_in_a_pipe(cli, layout):
    from rtkit.signals.raw import FORMATS, decode, encode

    dtype = np.dtype(FORMATS[layout])
    samples = (0.3 * np.random.default_rng(3).standard_normal((3000, 2))).clip(-1, 0.99).astype(np.float32)
    raw = encode(samples, dtype)
    done = cli("run", "-", "--channels", 2, "--format", layout, "--to", "-", "-q", input=raw, text=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == raw
    np.testing.assert_allclose(decode(raw, dtype, np.float32).reshape(-1, 2), samples, atol=1e-2 if layout == "u8" else 1e-4)


def test_a_pipe_that_ends_inside_a_sample_or_is_a_file(cli, noise):
    done = cli("run", "-", "--channels", 2, "--to", "out.wav", "-q", input=b"\0" * 4003, text=False)
    assert done.returncode == 3
    assert b"ends inside sample 1000: 3 of 4 bytes" in done.stderr
    done = cli("run", "-", "-q", input=noise[0].read_bytes(), text=False)
    assert done.returncode == 3
    assert b"is a RIFF file, expected raw samples" in done.stderr


def test_a_reader_that_leaves_ends_the_stream_quietly():
    rtkit_ = [sys.executable, "-m", "rtkit", "run", "synth:noise", "--to", "-", "-q"]
    with subprocess.Popen(rtkit_, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(1000)
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""


def test_pipelines_written_down_do_the_same(cli, tmp_path, noise):
    (tmp_path / "p.toml").write_text(
        'source = "noise.wav"\nsteps = ["adaline:tail_ms=8", {processor = "adaline", tail_ms = 4}]\nto = "x.wav"\nreport = "r.json"\n'
    )
    done = cli("run", "p.toml")
    assert done.returncode == 3  # the second canceller gets one channel
    assert "step 'adaline' needs 2 channels" in done.stderr
    (tmp_path / "p.toml").write_text(
        'source = "noise.wav"\nto = ["a.wav"]\nevents = "e.jsonl"\nreport = "r.json"\n[[steps]]\nprocessor = "adaline"\ntail_ms = 8\n'
    )
    assert cli("run", "p.toml", "-q").returncode == 0
    assert cli("run", "noise.wav", "adaline:tail_ms=8", "--to", "b.wav", "-q").returncode == 0
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a.wav")[0], soundfile.read(tmp_path / "b.wav")[0])
    event = json.loads((tmp_path / "e.jsonl").read_text().splitlines()[0])
    assert (event["kind"], event["time"]) == ("echo", 1.0)
    assert json.loads((tmp_path / "r.json").read_text())["samples"] == 24000
    (tmp_path / "p.toml").write_text('source = "noise.wav"\nstepps = []\n')
    done = cli("run", "p.toml")
    assert done.returncode == 3
    assert "no key 'stepps'" in done.stderr


def test_states_survive_a_restart(cli, tmp_path, noise):
    path, samples = noise
    soundfile.write(tmp_path / "one.wav", samples[:9000], 16000, "FLOAT")
    soundfile.write(tmp_path / "two.wav", samples[9000:], 16000, "FLOAT")
    assert cli("run", path, "adaline:tail_ms=8", "--to", "whole.wav", "-q").returncode == 0
    assert cli("run", "one.wav", "adaline:tail_ms=8", "--to", "a.wav", "--save-state", "s.npz", "-q").returncode == 0
    assert cli("run", "two.wav", "adaline:tail_ms=8", "--to", "b.wav", "--load-state", "s.npz", "-q").returncode == 0
    parts = np.concatenate([soundfile.read(tmp_path / name, dtype="float32")[0] for name in ("a.wav", "b.wav")])
    np.testing.assert_array_equal(parts, soundfile.read(tmp_path / "whole.wav", dtype="float32")[0])
    done = cli("run", "two.wav", "adaline:tail_ms=16", "--load-state", "s.npz")
    assert done.returncode == 3
    assert "s.npz: state of Adaline: weights should have shape (256,), found (128,)" in done.stderr


@pytest.mark.parametrize("steps", [[], [gain.Wants8k()]])
def test_a_stream_that_ends_before_it_begins_gives_no_step_an_empty_block(steps):
    class NeverEmpty(gain.Through):
        def process(self, block):
            assert len(block.data)
            return block

    report = Stream("synth:noise", [NeverEmpty(), *steps], ["null"], seconds=0).run()
    assert (report.items, report.samples) == (0, 0)


def test_the_report_counts_and_times(noise):
    report = Stream(str(noise[0]), [gain.Gain(), gain.Through()]).run()
    found = report.to_dict()
    json.dumps(found)
    assert (found["items"], found["samples"], found["events"]) == (6, 24000, 1)
    assert [step["name"] for step in found["steps"]] == ["gain", "through"]
    assert found["latency_ms"] == {}  # a file is not late
    assert found["open_s"] > 0
    for step in found["steps"]:
        assert 0 < step["p50_us"] <= step["p99_us"] <= step["max_us"]
    assert 0 < found["busy_s"] < found["wall_s"]


@given(st.lists(st.integers(1, 9 * 10**10), min_size=1, max_size=200))
def test_percentiles_are_at_most_a_bin_too_high(durations):
    histogram = Histograms(1)
    histogram.add(np.array(durations)[:, None])
    for percent in (50, 99, 100):
        exact = np.sort(durations)[math.ceil(percent / 100 * len(durations)) - 1]
        assert exact <= histogram.percentile(0, percent) * (1 + 1e-9)
        assert histogram.percentile(0, percent) <= max(exact * 1.06, 100)


def test_hooks_see_a_stream_from_start_to_stop():
    from rtkit.core.hookspecs import hookimpl
    from rtkit.core.host import host

    seen = []

    class Observer:
        @hookimpl
        def rtkit_stream_started(self, stream):
            seen.append("started")

        @hookimpl
        def rtkit_event(self, stream, event):
            seen.append(event.label)

        @hookimpl
        def rtkit_stream_stopped(self, stream, report):
            seen.append(report.samples)

    host().manager.register(observer := Observer())
    try:
        Stream("synth:noise", [gain.Gain()], seconds=2).run()
    finally:
        host().manager.unregister(observer)
    assert seen == ["started", "second", "second", 32000]


def start(*arguments, cwd):
    return subprocess.Popen([sys.executable, "-m", "rtkit", "run", *arguments], cwd=cwd, stderr=subprocess.PIPE)


def wait_for_size(path, size):
    for _ in range(600):
        if path.exists() and path.stat().st_size > size:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path.name} never grew")


def test_kill_9_leaves_a_wav_that_opens_with_all_but_the_last_second(tmp_path):
    out = tmp_path / "out.wav"
    with start("synth:noise", "--realtime", "--to", "out.wav", "-q", cwd=tmp_path) as process:
        wait_for_size(out, 16000 * 4 * 3)
        size = out.stat().st_size
        process.send_signal(signal.SIGKILL)
    written, _ = soundfile.read(out)
    assert len(written) >= size // 4 - 16000 - 200
    assert written.any()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_closes_well(tmp_path, number):
    with start(
        "synth:noise", "adaline", "--channels", "2", "--realtime", "--to", "out.wav", "--report", "r.json", "-q", cwd=tmp_path
    ) as process:
        wait_for_size(tmp_path / "out.wav", 16000 * 4)
        process.send_signal(number)
        assert process.wait(20) == 130
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["interrupted"]
    assert soundfile.info(tmp_path / "out.wav").frames == report["samples"]


def test_stop_from_another_thread():
    import threading

    stream = Stream("synth:noise", [gain.Through()])
    threading.Timer(0.3, stream.stop).start()
    assert stream.run().samples > 0


def test_memory_does_not_grow_with_length():
    code = "import resource, rtkit, sys; rtkit.Stream('synth:noise', ['adaline:tail_ms=4'], ['null'], seconds=float(sys.argv[1]),"
    code += " options=rtkit.Options(channels=2)).run(); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    short, long = (int(subprocess.run([sys.executable, "-c", code, s], capture_output=True, check=True).stdout) for s in ("10", "1200"))
    assert long < 1.1 * short


@pytest.mark.parametrize("name", ["array", "iterable", "<array>", "<choice>", "standard input", ""])
def test_what_has_no_name_cannot_be_asked_for_by_one(cli, name):
    done = cli("run", name, "--to", "null")
    assert done.returncode in (2, 3)
    assert "Traceback" not in done.stderr
    assert "<" not in done.stderr.replace(name, "")


def test_a_function_is_no_name_of_a_sink(cli):
    for name in ("function", "<function>"):
        done = cli("run", "synth:noise", "--seconds", 0.1, "--to", name)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
