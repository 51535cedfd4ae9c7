"""The laws of the contract on recordings of several seconds, where states, events and tails have something to say: for every canceller."""

import ast
import dataclasses
import graphlib
from pathlib import Path

import numpy as np
import pytest
from rtkit_echo.adaline import Adaline
from rtkit_echo.echo import Echo
from rtkit_echo.scenes import hybrid_scene, room_scene
from rtkit_echo.slpr import Slpr
from scipy.signal import resample_poly

import rtkit
from rtkit import Block, SampleSpec
from rtkit.core.parameters import parameters_of

ROOM, HYBRID = room_scene(), hybrid_scene()
CASES = [(cls, values) for cls in (Echo, Adaline, Slpr) for values in cls.examples]
every_case = pytest.mark.parametrize(("cls", "values"), CASES, ids=[f"{c.__name__.lower()}:{v}" for c, v in CASES])


def opened(cls, values):
    """A processor, and samples of more than two seconds for it."""
    scene = ROOM if cls is Echo else HYBRID
    processor = cls(**values)
    processor.open(SampleSpec(scene.rate, ("near", "far")))
    return processor, scene.samples[scene.rate : round(3.3 * scene.rate)]


def run(processor, samples, start=0, size=1000):
    """The output and the events."""
    parts = []
    for at in range(0, len(samples), size):
        data = samples[at : at + size].copy()
        parts.append(processor.process(Block(data, start + at, processor.spec.rate, processor.spec.channels)).data.copy())
    events = [dataclasses.astuple(event) for event in processor.events]
    processor.events.clear()
    return np.concatenate(parts), events


@every_case
@pytest.mark.parametrize("start", [0, 7_000_001])
def test_the_tail_follows_the_last_sample_and_is_as_long_as_the_latency(cls, values, start):
    processor, samples = opened(cls, values)
    whole, _ = run(processor, samples, start)
    tail = processor.close()
    assert processor.events == []
    if processor.latency == 0:
        assert tail is None
        return
    assert tail.start == start + len(samples)
    assert (tail.rate, tail.channels) == (processor.spec.rate, ("cleaned",))
    assert (tail.data.shape, tail.data.dtype) == ((processor.latency, 1), np.float32)
    assert np.isfinite(tail.data).all()
    processor, _ = opened(cls, values)
    longer, _ = run(processor, np.concatenate([samples, np.zeros((processor.latency, 2), np.float32)]), start, 1777)
    np.testing.assert_array_equal(np.concatenate([whole, tail.data]), longer)


@every_case
def test_there_is_no_tail_before_any_input(cls, values):
    assert opened(cls, values)[0].close() is None
    processor, samples = opened(cls, values)
    run(processor, samples[:3000])
    processor.open(processor.spec)
    assert processor.close() is None


def test_time_never_runs_backwards_behind_echo():
    """A resampled step behind it is told where the tail begins, and so is every output that carries time."""
    starts = []

    class Where(rtkit.SampleProcessor):
        def open(self, spec):
            if spec.rate != 44_100:
                raise rtkit.SpecError("wants 44.1 kHz", 44_100)
            return super().open(spec)

        def process(self, block):
            starts.append((block.start, len(block.data)))
            return block

    rtkit.apply(["echo:suppressor=rule,tail_ms=64", Where()], ROOM.samples[:5000], rate=ROOM.rate)
    assert len(starts) > 1
    assert [start for start, _ in starts[1:]] == [start + count for start, count in starts[:-1]]


@every_case
def test_open_again_is_a_fresh_start(cls, values):
    processor, samples = opened(cls, values)
    first = run(processor, samples)
    summary = processor.summary()
    processor.close()
    processor.open(SampleSpec(processor.spec.rate, ("near", "far")))
    again = run(processor, samples)
    np.testing.assert_array_equal(first[0], again[0])
    assert first[1] == again[1]
    assert len(first[1]) == 2
    assert processor.summary() == summary


@every_case
def test_output_events_and_tail_go_on_after_a_state_was_put_back(cls, values):
    processor, samples = opened(cls, values)
    fresh, _ = opened(cls, values)
    half = round(1.4 * processor.spec.rate) + 37  # neither a second nor a block of the filter
    run(processor, samples[:half])
    state = processor.state()
    other, _ = opened(cls, values)
    other.load_state(state)
    rests = [(*run(p, samples[half:], half), p.close()) for p in (processor, other, fresh)]
    np.testing.assert_array_equal(rests[0][0], rests[1][0])
    assert rests[0][1] == rests[1][1] != []
    if rests[0][2] is not None:
        np.testing.assert_array_equal(rests[0][2].data, rests[1][2].data)
    assert not np.array_equal(rests[0][0], rests[2][0])
    assert rests[0][1] != rests[2][1]


LIVE = [
    (Adaline, "step_size", 0.1),
    (Adaline, "leakage", 0.01),
    (Adaline, "guard", False),
    (Slpr, "step_size", 0.2),
]


@pytest.mark.parametrize(("cls", "name", "value"), LIVE)
def test_a_live_parameter_is_as_if_made_with_it_from_there_on(cls, name, value):
    assert name in cls.live
    processor, samples = opened(cls, {})
    half = len(samples) // 2
    run(processor, samples[:half])
    made, _ = opened(cls, {name: value})
    made.load_state(processor.state())
    unchanged, _ = opened(cls, {})
    unchanged.load_state(processor.state())
    processor.set(**{name: value})
    outs = [run(p, samples[half:], half)[0] for p in (processor, made, unchanged)]
    np.testing.assert_array_equal(outs[0], outs[1])
    assert not np.array_equal(outs[0], outs[2])


def test_every_live_parameter_is_tried():
    assert {(cls, name) for cls, name, _ in LIVE} == {(cls, name) for cls in (Echo, Adaline, Slpr) for name in cls.live}


@pytest.mark.parametrize(("cls", "name", "value"), LIVE)
def test_nothing_changes_inside_a_block(cls, name, value):
    """A block of several seconds runs through the kernel in pieces: another thread must not change what the later ones get."""
    processor, samples = opened(cls, {})
    whole, _ = run(processor, samples, size=len(samples))
    processor, _ = opened(cls, {})
    kernel = processor.kernel

    def meddled(*arguments):
        kernel(*arguments)
        processor.set(**{name: value})

    processor.kernel = meddled
    np.testing.assert_array_equal(run(processor, samples, size=len(samples))[0], whole)


@every_case
def test_a_clone_is_like_it(cls, values):
    processor, samples = opened(cls, values)
    clone, _ = opened(cls, processor.parameters())
    assert clone.parameters() == processor.parameters()
    np.testing.assert_array_equal(run(clone, samples)[0], run(processor, samples)[0])


@pytest.mark.parametrize("cls", [Echo, Adaline, Slpr])
def test_every_parameter_is_documented_with_its_range(cls):
    for parameter in parameters_of(cls):
        assert parameter.doc, parameter.name
        if parameter.type in (int, float):
            assert np.isfinite([parameter.low, parameter.high]).all()
            bound = f"{parameter.high:,.0f}" if parameter.high == 200_000 else f"{parameter.high:g}"
            assert bound in parameter.doc or parameter.name == "h_max", (parameter.name, parameter.doc)


def test_a_state_of_rtkit_0_1_goes_on():
    """`states/echo-0.1.npz` was written by it after 900 samples; some of its arrays had other names then."""
    samples = (np.round(resample_poly(ROOM.samples[:48_000], 1, 4) * 2**15) / 2**15).astype(np.float32)
    processor, other = (Echo(tail_ms=8, suppressor="rule", delay=False) for _ in range(2))
    for each in (processor, other):
        each.open(SampleSpec(4000, ("near", "far")))
    run(processor, samples[:900])
    with np.load(Path(__file__).parent / "states" / "echo-0.1.npz") as state:
        assert {name for name in state if "rival" in name}
        other.load_state(dict(state))
    (expected, events), (found, others) = (run(each, samples[900:], 900) for each in (processor, other))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert [event[:3] for event in events] == [event[:3] for event in others]


def imports(package, folder):
    """For each module of a package, those of the same package that it imports anywhere, lazily or for types too."""
    found = {}
    for path in folder.glob("*.py"):
        names = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[: package.count(".") + 1] == package.split("."):
                names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
        found[path.stem] = {name.removeprefix(f"{package}.").split(".")[0] for name in names if name.startswith(f"{package}.")}
    return {name: known & set(found) for name, known in found.items()}


@pytest.mark.parametrize(("package", "folder"), [("rtkit_echo", "plugins/rtkit_echo"), ("rtkit.audio", "rtkit/audio")])
def test_no_import_goes_in_a_circle(package, folder):
    found = imports(package, Path(__file__).parents[2] / folder)
    assert any(found.values())
    assert list(graphlib.TopologicalSorter(found).static_order())  # raises CycleError
