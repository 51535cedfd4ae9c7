"""`echo` on the shipped recordings: depth, double talk, changes of path, delay and clock, and what it leaves alone."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rtkit_echo import far_kernel, fourier, linear_kernel
from rtkit_echo.delay import DelayFinder
from rtkit_echo.linear import block_size
from rtkit_echo.scenes import active_rms, room_scene
from scipy.signal import resample_poly

import rtkit
from rtkit import Block, InputError, SampleSpec, SpecError

RATE = 16000
SCENE = room_scene()
ALONE = slice(5 * RATE, 10 * RATE)  # the far end alone, the filter settled
NOISE = SCENE.near - SCENE.echo - SCENE.talker


def cancel(near, far, chain="echo", rate=RATE):
    """The output, in time with the input, and the events."""
    far = far if far.ndim == 2 else far[:, None]
    out, events = rtkit.apply(chain, np.column_stack([near, far]).astype(np.float32), rate=rate)
    latency = len(out) - len(near)
    return out[latency:, 0], events


def erle(near, out, part):
    return 10 * np.log10(np.sum(near[part].astype(float) ** 2) / np.sum(out[part].astype(float) ** 2))


def clock(signal, ppm):
    """A recording of `signal` by a clock that runs faster by `ppm`."""
    step = 1 / (1 + ppm * 1e-6)
    far, out = far_kernel.far_end(1, 128, len(signal)), np.zeros((len(signal), 1), np.float32)
    far_kernel.write(far, signal[:, None])
    far_kernel.read(far, 0.0, step, out)
    return out[:, 0]


def test_the_far_end_alone_goes_down_to_the_noise_and_the_filter_alone_gets_far():
    out, events = cancel(SCENE.near, SCENE.far)
    linear, _ = cancel(SCENE.near, SCENE.far, "echo:suppressor=none")
    left = 10 * np.log10(np.mean(out[ALONE] ** 2) / np.mean(NOISE[ALONE] ** 2))
    print(f"\nERLE {erle(SCENE.near, out, ALONE):.1f} dB, linear {erle(SCENE.near, linear, ALONE):.1f} dB, against the noise {left:.1f} dB")
    assert erle(SCENE.near, linear, ALONE) > 20
    assert erle(SCENE.near, out, ALONE) > 33
    assert -12 < left < 3
    assert [event.time for event in events] == pytest.approx(np.arange(1, len(events) + 1))
    assert events[8].label == "tracking"
    assert abs(events[8].data["drift_ppm"]) < 20
    assert events[8].data["delay_ms"] < 10


def test_double_talk_leaves_the_talker_whole():
    part = slice(10 * RATE, None)
    left = {}
    for name, chain in (("echo", "echo"), ("linear", "echo:suppressor=none"), ("adaline", "adaline:tail_ms=500")):
        out, _ = cancel(SCENE.near, SCENE.far, chain)
        left[name] = 10 * np.log10(np.sum(SCENE.talker[part] ** 2) / np.sum((out[part] - SCENE.talker[part]) ** 2))
    print(left)
    assert left["linear"] > left["adaline"] + 6
    assert left["echo"] > left["adaline"]


def test_a_changed_path_is_noticed_and_learned():
    half = 5 * RATE
    other = np.roll(SCENE.echo, 300) * 0.6
    near = np.concatenate([SCENE.echo[:half], other[half : 10 * RATE]]) + NOISE[: 10 * RATE]
    out, events = cancel(near, SCENE.far[: 10 * RATE], "echo:delay=false")
    assert erle(near, out, slice(half + RATE, half + 2 * RATE)) > 11
    assert erle(near, out, slice(half + 3 * RATE, 10 * RATE)) > 20
    assert "path changed" in [event.label for event in events[5:8]]
    assert "path changed" not in [event.label for event in events[2:5]]


def test_the_shadow_filter_sleeps_while_all_is_well_and_wakes_when_the_path_changes():
    processor, spec = rtkit.create("echo"), SampleSpec(RATE, ("near", "far"))
    processor.open(spec)
    counts, awake = processor._linear._linear.counts, []
    near = SCENE.echo[: 11 * RATE] + NOISE[: 11 * RATE]
    near[10 * RATE :] = -near[10 * RATE :]
    for at in range(0, len(near), 128):
        samples = np.column_stack([near[at : at + 128], SCENE.far[at : at + 128]])
        processor.process(Block(samples, at, RATE, spec.channels))
        awake.append(bool(counts[linear_kernel.SHADOW_ACTIVE]))
    a_second = RATE // 128
    assert all(awake[: 3 * a_second])
    assert np.mean(awake[6 * a_second : 10 * a_second]) < 0.2
    assert any(awake[10 * a_second :])


@pytest.mark.parametrize("delay", [0.1, 0.4, 0.9])
def test_a_bulk_delay_is_found(delay):
    count = 10 * RATE
    late = np.concatenate([np.zeros(round(delay * RATE), np.float32), SCENE.near])[:count]
    near = late + NOISE[:count] * (np.abs(late) == 0)
    plain, _ = cancel(SCENE.near[:count], SCENE.far[:count], "echo:suppressor=none")
    out, events = cancel(near, SCENE.far[:count], "echo:suppressor=none")
    part = slice(6 * RATE, count)
    assert 1000 * delay - 15 < events[4].data["delay_ms"] < 1000 * delay + 10
    assert erle(near, out, part) > erle(SCENE.near[:count], plain, part) - 12  # it had up to 2 s less to learn


@pytest.mark.parametrize("ppm", [200, -200])
def test_a_clock_that_drifts_is_followed(ppm):
    near = clock(np.concatenate([np.zeros(400, np.float32), SCENE.near[: 10 * RATE]]), ppm)[: 10 * RATE]
    far = SCENE.far[: len(near)]
    out, events = cancel(near, far, "echo:suppressor=none")
    fixed, _ = cancel(near, far, "echo:suppressor=none,drift=false")
    part = slice(6 * RATE, len(near))
    print(events[-1], erle(near, out, part), erle(near, fixed, part))
    assert events[-1].data["drift_ppm"] == pytest.approx(ppm, abs=20)
    assert erle(near, out, part) > 18
    assert erle(near, out, part) > erle(near, fixed, part) + 5


@settings(max_examples=5, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.floats(1e-4, 1))
def test_without_a_far_end_the_near_end_passes_as_it_is(seed, level):
    near = (np.random.default_rng(seed).standard_normal(8000) * level).astype(np.float32)
    for chain in ("echo", "echo:suppressor=none"):
        out, events = cancel(near, np.zeros(8000, np.float32), chain)
        np.testing.assert_allclose(out, near, atol=2e-6 * level)
    assert {event.label for event in events} <= {"silent"}


def test_a_talker_with_a_headset_is_left_alone_and_an_echo_that_comes_later_is_found():
    half = 10 * RATE
    talker = np.concatenate([SCENE.talker[half:], np.zeros(half)])  # who speaks first, without an echo
    echo = np.concatenate([np.zeros(half), SCENE.echo[half:]])
    near = talker + echo + NOISE
    out, _ = cancel(near, SCENE.far)
    harm = {"echo": near - out}
    harm["adaline"] = near - cancel(near, SCENE.far, "adaline:tail_ms=500")[0]
    left = {name: 10 * np.log10(np.sum(talker[:half] ** 2) / np.sum(taken[:half] ** 2)) for name, taken in harm.items()}
    found = erle(near, out, slice(half + RATE, half + 2 * RATE)), erle(near, out, slice(15 * RATE, 20 * RATE))
    print(left, found)
    assert left["echo"] > left["adaline"] + 9
    assert found[0] > 12
    assert found[1] > 33


KERNELS = """
import sys
import numba
from rtkit_echo.scenes import room_scene
import rtkit

def loaded():
    modules = [module for name, module in sys.modules.items() if name.startswith("rtkit_echo.")]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, numba.core.dispatcher.Dispatcher)]
    return {value.py_func.__qualname__: len(value.signatures) for value in found}

scene = room_scene()
echo = rtkit.create("echo")
echo.open(rtkit.SampleSpec(scene.rate, ("near", "far")))
before = loaded()
samples = scene.samples
samples[3200:, 0] = scene.near[:-3200]  # a delay to be found
echo.process(rtkit.Block(samples, 0, scene.rate, ("near", "far")))
assert any(event.data["delay_ms"] > 100 for event in echo.events)
assert loaded() == before, {name: count for name, count in loaded().items() if before.get(name) != count}
"""


def test_all_kernels_are_there_before_the_first_sample():
    """In a process of its own: here others have used them."""
    subprocess.run([sys.executable, "-c", KERNELS], check=True)


def test_silence_stays_silence():
    out, _ = cancel(np.zeros(RATE, np.float32), np.zeros(RATE, np.float32))
    assert not out.any()
    out, _ = cancel(np.zeros(2 * RATE, np.float32), SCENE.far[: 2 * RATE])
    assert not out.any()


@pytest.mark.parametrize("rate", [8000, 11025, 48000])
def test_other_rates(rate):
    near, far = (resample_poly(signal[: 8 * RATE], rate, RATE).astype(np.float32) for signal in (SCENE.near, SCENE.far))
    processor = rtkit.create("echo")
    processor.open(SampleSpec(rate, ("near", "far")))
    assert processor.latency <= 0.016 * rate
    out, _ = cancel(near, far, rate=rate)
    assert erle(near, out, slice(5 * rate, 8 * rate - 2000)) > 28


@pytest.mark.long
def test_two_loudspeakers():
    count = 9 * RATE
    right = np.roll(SCENE.talker, -10 * RATE)[:count]  # another talker
    near = SCENE.near[:count] + 0.5 * np.roll(right, 200)
    both, _ = cancel(near, np.column_stack([SCENE.far[:count], right]), "echo:suppressor=none")
    one, _ = cancel(near, SCENE.far[:count], "echo:suppressor=none")
    part = slice(6 * RATE, count)
    assert erle(near, both, part) > erle(near, one, part) + 6


def test_formats_that_do_not_fit_are_refused():
    for channels, rate in ((1, RATE), (4, RATE), (2, 3000), (2, 200_000)):
        with pytest.raises(SpecError):
            rtkit.create("echo").open(SampleSpec(rate, tuple(map(str, range(channels)))))


def test_a_state_goes_on_and_one_of_another_length_is_refused():
    samples = SCENE.samples[: 4 * RATE]
    spec = SampleSpec(RATE, ("near", "far"))
    one, other = rtkit.create("echo"), rtkit.create("echo")
    one.open(spec)
    one.process(Block(samples[:40_000], 0, RATE, spec.channels))
    other.open(spec)
    other.load_state(one.state())
    rest = [processor.process(Block(samples[40_000:], 40_000, RATE, spec.channels)).data for processor in (one, other)]
    np.testing.assert_array_equal(*rest)
    short = rtkit.create("echo", tail_ms=100)
    short.open(spec)
    with pytest.raises(InputError, match=r"linear\.line_real should have shape"):
        short.load_state(one.state())


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.sampled_from([2, 4, 8, 64, 128, 256]), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_transforms_are_those_of_numpy(half, lanes, seed):
    signals = np.random.default_rng(seed).standard_normal((2 * half, lanes)).astype(np.float32)
    real, imaginary = (np.zeros((half + 1, lanes), np.float32) for _ in range(2))
    plan = fourier.plan(half, lanes)
    fourier.forward(signals, real, imaginary, plan)
    expected = np.fft.rfft(signals, axis=0)
    np.testing.assert_allclose(real + 1j * imaginary, expected, atol=1e-5 * np.abs(expected).max())
    back = np.zeros_like(signals)
    fourier.inverse(real, imaginary, back, plan)
    np.testing.assert_allclose(back, signals, atol=1e-5 * np.abs(signals).max())


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.floats(0, 1), st.floats(-5e-4, 5e-4), st.floats(0.001, 0.3))
def test_the_far_end_is_read_between_its_samples(place, pace, frequency):
    far, out = far_kernel.far_end(1, 128, 1024), np.zeros((256, 1), np.float32)
    wave = np.sin(2 * np.pi * frequency * np.arange(1024)).astype(np.float32)
    far_kernel.write(far, wave[:, None])
    far_kernel.read(far, 200 + place, 1 + pace, out)
    at = 200 + place + (1 + pace) * np.arange(256)
    np.testing.assert_allclose(out[:, 0], np.sin(2 * np.pi * frequency * at), atol=2e-3)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(0, 900), st.sampled_from([8000, 16000, 48000]), st.integers(0, 2**32 - 1))
def test_the_delay_finder_finds_any_delay(milliseconds, rate, seed):
    random, size = np.random.default_rng(seed), block_size(rate)
    count, lag = 3 * rate // size * size, milliseconds * rate // 1000
    far = random.standard_normal(count)
    near = np.concatenate([np.zeros(lag), far])[:count] + 0.5 * random.standard_normal(count)
    finder, found = DelayFinder(rate, size), []
    for at in range(0, count, size):
        answer = finder(near[at : at + size], far[at : at + size])
        found += [answer] if answer else []
    assert found
    assert found[-1][0] == pytest.approx(milliseconds / 1000, abs=5e-4)
    assert found[-1][1] >= 2


def test_no_delay_is_found_without_an_echo():
    random, finder = np.random.default_rng(0), DelayFinder(RATE, 128)
    answers = [finder(*random.standard_normal((2, 128))) for _ in range(1000)]
    assert all(answer is None or answer[1] < 2 for answer in answers)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(hnp.arrays(np.float32, (700, 2), elements=st.one_of(st.floats(width=32), st.sampled_from([np.nan, np.inf, 1e30, -1e38, 0.0]))))
def test_nothing_poisons_it(samples):
    processor = rtkit.create("echo")
    processor.open(SampleSpec(RATE, ("near", "far")))
    out = processor.process(Block(samples, 0, RATE, ("near", "far"))).data
    assert np.isfinite(out).all()
    after = processor.process(Block(SCENE.samples[:8000], 700, RATE, ("near", "far"))).data
    assert np.isfinite(after).all()
    assert all(np.isfinite(array).all() for array in processor.state().values())


def test_a_recording_is_cleaned_by_the_command(cli, tmp_path):
    import soundfile

    soundfile.write(tmp_path / "call.wav", SCENE.samples[: 6 * RATE], RATE, "FLOAT")
    done = cli("run", "call.wav", "echo", "--to", "clean.wav", "--events", "events.jsonl", "--quiet")
    assert done.returncode == 0, done.stderr
    clean, rate = soundfile.read(tmp_path / "clean.wav")
    assert rate == RATE
    assert active_rms(clean[2 * RATE :], RATE) < 0.1 * active_rms(SCENE.near[2 * RATE : 6 * RATE], RATE)
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 6
