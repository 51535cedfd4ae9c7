"""The laws that every processor obeys, as checks: ``rtkit.testing.check_processor("my_filter")`` in one line of a test."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import SpecError
from rtkit.core.host import host
from rtkit.core.items import Block, Event, Frame, FrameSpec, SampleSpec
from rtkit.core.processor import AnyProcessor, FrameProcessor, ParallelFrameProcessor, Processor, SampleProcessor

#: float32 results of the same computation, cut differently, where a library and not a kernel of ours sums them up.
TOLERANCE = 1e-6
#: Offered one after another until the processor accepts one.
SPECS = tuple(
    SampleSpec(rate, tuple(str(number + 1) for number in range(count))) for rate in (16000.0, 8000.0, 48000.0, 360.0) for count in (2, 1, 3)
)
FRAME_SPEC = FrameSpec(64, 48, 30.0)
Factory = Callable[[], AnyProcessor]


def check_processor(processor: str | AnyProcessor | type[AnyProcessor], seconds: float = 0.5, examples: int = 10) -> None:
    """Hold a processor to the laws of its contract.

    For samples: the block-size law, causality, NaN and Inf, state, no hold on the input, and a right output format. For frames:
    one in and one out with index and time kept, the input neither held nor written into, and, of one that is split, any order of looks.

    Parameters
    ----------
    processor : str, Processor, or a class of it
        ``name:key=value,…``, an instance (its parameters are copied; it is not touched), or a class without required parameters.
    seconds : float
        Length of the signals (s); at most 4,000 samples are used.
    examples : int
        How many ways of cutting are tried.

    Raises
    ------
    AssertionError
        A law is broken; the message says which and where.
    """
    make = _factory(processor)
    made = make()
    if isinstance(made, FrameProcessor) or (not isinstance(made, SampleProcessor) and _takes_frames(make)):
        check_frames(make)
        return
    spec = _accepted_spec(make)
    samples = _signal(spec, seconds)
    check_format(make, spec, samples)
    check_block_size(make, spec, samples, examples)
    check_causality(make, spec, samples, examples)
    check_not_finite(make, spec, samples)
    check_state(make, spec, samples)


def _factory(processor: str | AnyProcessor | type[AnyProcessor]) -> Factory:
    if isinstance(processor, str):
        return lambda: host().create(processor)
    if isinstance(processor, type):
        return processor
    values = processor.parameters()
    return lambda: type(processor)(**values)


def _takes_frames(make: Factory) -> bool:
    try:
        make().open(dataclasses.replace(FRAME_SPEC))
    except SpecError:
        return False
    return True


def _accepted_spec(make: Factory) -> SampleSpec:
    refusals = []
    for spec in SPECS:
        try:
            make().open(spec)
        except SpecError as error:
            refusals.append(f"{spec}: {error}")
            if error.rate is not None and spec.rate != error.rate:
                return _accepted_spec_at(make, error.rate)
        else:
            return spec
    raise AssertionError("accepts none of these formats: " + "; ".join(refusals))


def _accepted_spec_at(make: Factory, rate: float) -> SampleSpec:
    for spec in SPECS:
        offered = SampleSpec(rate, spec.channels)
        try:
            make().open(offered)
        except SpecError:
            continue
        return offered
    raise AssertionError(f"asks for {rate:g} Hz and accepts no number of channels there")


def _signal(spec: SampleSpec, seconds: float) -> NDArray[np.float32]:
    """Noise with a pause and a loud part, the channels related with a delay, as real inputs are."""
    random = np.random.default_rng(5)
    count = max(64, min(4000, round(seconds * spec.rate)))
    last = 0.1 * random.standard_normal(count + 50)
    last[count // 3 : count // 2] = 0
    last[3 * count // 4 :] *= 5
    channels = [0.5 * last[50 - 10 * number : 50 - 10 * number + count] for number in range(1, len(spec.channels))]
    noise = 0.003 * random.standard_normal((count, len(spec.channels)))
    return (np.stack([*reversed(channels), last[50 : 50 + count]], axis=1) + noise).astype(np.float32)


def run_blocks(processor: AnyProcessor, spec: SampleSpec, samples: NDArray[Any], cuts: Sequence[int]) -> tuple[NDArray[Any], list[Event]]:
    """Run an open processor over `samples`, cut at the indices `cuts`; gives the output and the events, without the tail."""
    parts = []
    for start, stop in zip([0, *cuts], [*cuts, len(samples)], strict=True):
        block = processor.process(Block(samples[start:stop].copy(), start, spec.rate, spec.channels))
        parts.append(np.array(block.data))
    events, processor.events = processor.events, []
    return np.concatenate(parts), events


def _fresh(make: Factory, spec: SampleSpec) -> AnyProcessor:
    processor = make()
    processor.open(dataclasses.replace(spec))
    return processor


def check_format(make: Factory, spec: SampleSpec, samples: NDArray[Any]) -> None:
    """The output is what `open` promised, as long as the input, finite, and neither the input nor its array is held or changed."""
    processor = make()
    assert isinstance(processor, Processor), f"{type(processor).__name__} is no Processor"
    promised = processor.open(spec)
    given = samples.copy()
    block = processor.process(Block(given, 0, spec.rate, spec.channels))
    assert block.rate == promised.rate, f"open promised {promised.rate:g} Hz, the block says {block.rate:g}"
    assert tuple(block.channels) == tuple(promised.channels), f"open promised channels {promised.channels}, the block has {block.channels}"
    assert block.data.shape == (len(samples), len(promised.channels)), f"output has shape {block.data.shape}"
    assert block.start == 0, f"the block starts at {block.start} instead of 0"
    assert np.isfinite(block.data).all(), "the output is not finite"
    np.testing.assert_array_equal(given, samples, "the input's array was written into")
    one, other = _fresh(make, spec), _fresh(make, spec)
    half = len(samples) // 2
    for processor, spoil in ((one, False), (other, True)):
        given = samples[:half].copy()
        processor.process(Block(given, 0, spec.rate, spec.channels))
        if spoil:
            given[:] = 1e3
    again = [p.process(Block(samples[half:].copy(), half, spec.rate, spec.channels)).data for p in (one, other)]
    np.testing.assert_array_equal(again[0], again[1], "the output depends on an input array after it was handed over: a reference was kept")


def check_block_size(make: Factory, spec: SampleSpec, samples: NDArray[Any], examples: int) -> None:
    """However the stream is cut, output and events are the same."""
    from hypothesis import given, settings
    from hypothesis import strategies as st

    whole, events = run_blocks(_fresh(make, spec), spec, samples, [])
    some = min(len(samples), 700)
    cut, _ = run_blocks(_fresh(make, spec), spec, samples[:some], list(range(1, some)))
    np.testing.assert_allclose(cut, whole[:some], rtol=TOLERANCE, atol=TOLERANCE, err_msg="block-size law: blocks of one sample")

    @settings(max_examples=examples, deadline=None, database=None, derandomize=True)
    @given(st.lists(st.integers(1, len(samples) - 1), max_size=20, unique=True).map(sorted))
    def holds(cuts: list[int]) -> None:
        cut, found = run_blocks(_fresh(make, spec), spec, samples, cuts)
        np.testing.assert_allclose(cut, whole, rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"block-size law: cut at {cuts}")
        assert found == events, f"block-size law: other events when cut at {cuts}"

    holds()


def check_causality(make: Factory, spec: SampleSpec, samples: NDArray[Any], examples: int) -> None:
    """What comes in after a sample changes nothing of what had come out by then.

    An output that is late by the latency may depend on as much input after the time that it is about.
    """
    random = np.random.default_rng(6)
    whole, _ = run_blocks(_fresh(make, spec), spec, samples, [])
    for at in random.integers(1, len(samples), examples):
        changed = samples.copy()
        changed[at:] = random.standard_normal(changed[at:].shape)
        out, _ = run_blocks(_fresh(make, spec), spec, changed, [])
        np.testing.assert_array_equal(out[:at], whole[:at], f"causality: input from sample {at} on changes the output before it")


def check_not_finite(make: Factory, spec: SampleSpec, samples: NDArray[Any]) -> None:
    """NaN and Inf never reach the output, nor poison what comes later."""
    for value in (np.nan, np.inf, -np.inf):
        spoiled = samples.copy()
        spoiled[len(samples) // 4 :: 97] = value
        out, _ = run_blocks(_fresh(make, spec), spec, spoiled, [])
        assert np.isfinite(out).all(), f"{value} in the input reaches the output"
    processor = _fresh(make, spec)
    run_blocks(processor, spec, np.full_like(samples, np.nan), [])
    for name, array in processor.state().items():
        assert not np.issubdtype(array.dtype, np.floating) or np.isfinite(array).all(), f"NaN in the input poisons the state {name!r}"


def check_state(make: Factory, spec: SampleSpec, samples: NDArray[Any]) -> None:
    """A state that was read and put back into a fresh processor makes it go on just the same."""
    half = len(samples) // 2
    first = _fresh(make, spec)
    first.process(Block(samples[:half].copy(), 0, spec.rate, spec.channels))
    state = {name: array.copy() for name, array in first.state().items()}
    second = _fresh(make, spec)
    second.load_state(state)
    rest = [p.process(Block(samples[half:].copy(), half, spec.rate, spec.channels)).data for p in (first, second)]
    if state:
        np.testing.assert_array_equal(rest[0], rest[1], "a state that was put back does not go on the same")


def check_frames(make: Factory, frames: int = 8) -> None:
    """One frame in, one out, index and time kept, the input neither held nor changed, the same at each run."""
    random = np.random.default_rng(7)
    images = random.integers(0, 256, (frames, FRAME_SPEC.height, FRAME_SPEC.width, 3), dtype=np.uint8)
    outputs: list[list[NDArray[np.uint8]]] = []
    for spoil in (False, True):
        processor = make()
        assert isinstance(processor, Processor)
        promised = processor.open(dataclasses.replace(FRAME_SPEC))
        outputs.append([])
        for index, image in enumerate(images):
            given = image.copy()
            frame = processor.process(Frame(given, index, index / FRAME_SPEC.fps))
            np.testing.assert_array_equal(given, image, f"frame {index}: the input's array was written into")
            assert (frame.index, frame.time) == (index, index / FRAME_SPEC.fps), f"frame {index} came out as {frame.index} at {frame.time}"
            shape = frame.image.shape
            assert shape[:2] == (promised.height, promised.width), f"open promised {promised}, the frame has {shape}"
            assert frame.image.dtype == np.uint8, f"the image is {frame.image.dtype}"
            outputs[-1].append(frame.image.copy())
            if spoil:
                given[:] = 0
        processor.close()
    for index, (one, other) in enumerate(zip(*outputs, strict=True)):
        np.testing.assert_array_equal(one, other, f"frame {index} depends on an image after it was handed over: a reference was kept")
    if isinstance(processor, ParallelFrameProcessor):
        _check_split(make, images, outputs[0])


def _check_split(make: Factory, images: NDArray[np.uint8], expected: list[NDArray[np.uint8]]) -> None:
    """Looks at the frames from the last to the first, and finishes them in order: the outcome must be the same."""
    processor = make()
    assert isinstance(processor, ParallelFrameProcessor)
    processor.open(dataclasses.replace(FRAME_SPEC))
    frames = [Frame(image.copy(), index, index / FRAME_SPEC.fps) for index, image in enumerate(images)]
    wanted = [processor.should_infer(frame) for frame in frames]
    found = [processor.infer(frame) if wants else None for frame, wants in reversed(list(zip(frames, wanted, strict=True)))][::-1]
    for index, frame in enumerate(frames):
        out = processor.render(frame, found[index]).image
        np.testing.assert_array_equal(out, expected[index], f"frame {index} comes out otherwise if frames are looked at in another order")
