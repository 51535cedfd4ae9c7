"""What the laws are held against: a way to make a processor anew, an input that suits it, and ways to run it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import SpecError
from rtkit.core.items import Block, Event, Frame, FrameSpec, Item, SampleSpec, Spec
from rtkit.core.processor import AnyProcessor
from rtkit.testing.signals import FRAME_SPEC, SAMPLE_SPECS, example_frames, example_samples

#: Makes a processor; keyword arguments take the place of single parameters.
Factory = Callable[..., AnyProcessor]

#: Relative to the largest value: by how much the same computation may differ when it is cut otherwise or goes on from a state, where
#: a library sums up.
TOLERANCE = 1e-6
#: Samples in a block, where a law does not say how to cut.
BLOCK = 480


@dataclass(slots=True)
class Outcome:
    """What a run gave: the output of all its items as one array, and the events."""

    output: NDArray[Any]
    events: list[Event]


def require(holds: object, words: str) -> None:
    """Raise AssertionError with these words unless it holds; ``python -O`` does not take it away."""
    if not holds:
        raise AssertionError(words)


def require_same(found: Outcome, expected: Outcome, words: str, tolerance: float = 0.0) -> None:
    """Raise AssertionError unless two runs gave the same; `tolerance` is relative to the largest value."""
    found_out = difference(found, expected, tolerance)
    require(found_out is None, f"{words}: {found_out}")


def difference(found: Outcome, expected: Outcome, tolerance: float = 0.0) -> str | None:
    """In words, where two runs differ; None where they do not."""
    return _different_arrays(found.output, expected.output, tolerance) or _different_events(found.events, expected.events, tolerance)


def _different_arrays(found: NDArray[Any], expected: NDArray[Any], tolerance: float) -> str | None:
    if found.shape != expected.shape:
        return f"the output has shape {found.shape} instead of {expected.shape}"
    finite = expected[np.isfinite(expected)]
    limit = tolerance * float(np.max(np.abs(finite), initial=0))
    wide = np.promote_types(found.dtype, np.float64)
    with np.errstate(invalid="ignore"):
        good = (np.abs(found.astype(wide) - expected.astype(wide)) <= limit) | (found == expected) | (np.isnan(found) & np.isnan(expected))
    if good.all():
        return None
    place = np.unravel_index(int(np.argmin(good)), good.shape)
    return f"the output differs first at {place[0]}: {found[place]!s} instead of {expected[place]!s}"


def _different_events(found: Sequence[Event], expected: Sequence[Event], tolerance: float) -> str | None:
    for number, (one, other) in enumerate(zip(found, expected, strict=False)):
        for field in fields(Event):
            value, wanted = getattr(one, field.name), getattr(other, field.name)
            if not _alike(value, wanted, tolerance):
                return f"event {number}, {one.kind} at {one.time:g} s, has {field.name} {value!r} instead of {wanted!r}"
    if len(found) != len(expected):
        return f"there are {len(found)} events instead of {len(expected)}"
    return None


def _alike(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key], tolerance) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(_alike(*pair, tolerance) for pair in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def data_of(item: Item) -> NDArray[Any]:
    """The array of a block or frame."""
    return item.data if isinstance(item, Block) else item.image


def rows_of(item: Item) -> NDArray[Any]:
    """A copy of the samples of a block ``[n, channels]``, or of the image of a frame ``[1, h, w, …]``."""
    return np.array(item.data if isinstance(item, Block) else item.image[None])


def copy_state(processor: AnyProcessor) -> dict[str, NDArray[Any]]:
    """The state of a processor, in arrays of its own."""
    return {name: np.array(array) for name, array in processor.state().items()}


class Subject(ABC):
    """A processor on trial.

    Parameters
    ----------
    name : str
        What it is called in messages.
    make : callable
        Makes it; keyword arguments take the place of single parameters.
    given : Processor, optional
        The instance that it was made after.

    Attributes
    ----------
    spec : SampleSpec or FrameSpec
        A format that it accepts.
    length : int
        Samples or frames of the example.
    """

    spec: Spec
    length: int

    def __init__(self, name: str, make: Factory, given: AnyProcessor | None = None) -> None:
        self.name = name
        self.make = make
        self.given = given

    def open(self, **values: Any) -> AnyProcessor:
        """Make it anew and open it; with other values of some parameters."""
        processor = self.make(**values)
        processor.open(replace(self.spec))
        return processor

    @abstractmethod
    def items(self, begin: int = 0, end: int | None = None) -> Iterator[Item]:
        """The items of the example from `begin` to `end` (samples or frames), each with an array of its own."""

    def passes_through(self, output: NDArray[Any], begin: int) -> bool:
        """Whether the example may have nothing for this processor, as `output`, from `begin` on, is the same."""
        return False

    @abstractmethod
    def join(self, parts: list[NDArray[Any]]) -> NDArray[Any]:
        """Put the arrays of several items together."""

    def drive(self, processor: AnyProcessor, items: Iterable[Item]) -> Outcome:
        """Run items through an open processor."""
        parts = [rows_of(processor.process(item)) for item in items]
        return Outcome(self.join(parts), take_events(processor))

    def finish(self, processor: AnyProcessor) -> Outcome:
        """Close a processor; gives the tail."""
        tail = processor.close()
        return Outcome(self.join([] if tail is None else [rows_of(tail)]), take_events(processor))

    def run(self, processor: AnyProcessor, items: Iterable[Item]) -> Outcome:
        """Run items through an open processor and close it; the tail belongs to the output."""
        body, tail = self.drive(processor, items), self.finish(processor)
        return Outcome(self.join([body.output, tail.output]) if len(tail.output) else body.output, body.events + tail.events)

    @cached_property
    def whole(self) -> Outcome:
        """What comes out of the whole example, in `items`."""
        return self.run(self.open(), self.items())


def take_events(processor: AnyProcessor) -> list[Event]:
    """Take the events out of a processor."""
    events, processor.events = processor.events, []
    return events


class SampleSubject(Subject):
    """A processor of samples on trial."""

    @cached_property
    def spec(self) -> SampleSpec:  # type: ignore[override]  # found out when it is needed: a plug-in may have to load a model for it
        """The first format of `SAMPLE_SPECS` that it accepts, or one at a rate that it asks for."""
        refusals: list[SpecError] = []
        for offered in SAMPLE_SPECS:
            try:
                self.make().open(replace(offered))
            except SpecError as error:
                refusals.append(error)
            else:
                return offered
        for rate in dict.fromkeys(error.rate for error in refusals if error.rate is not None):
            for channels in dict.fromkeys(offered.channels for offered in SAMPLE_SPECS):
                try:
                    self.make().open(SampleSpec(rate, channels))
                except SpecError:
                    continue
                return SampleSpec(rate, channels)
        raise AssertionError("accepts none of the formats that were offered: " + "; ".join(dict.fromkeys(str(error) for error in refusals)))

    @cached_property
    def promised(self) -> SampleSpec:
        """The format of its output, as `open` tells it."""
        promised = self.make().open(replace(self.spec))
        require(isinstance(promised, SampleSpec), f"open gives {promised!r} instead of a SampleSpec")
        assert isinstance(promised, SampleSpec)
        return promised

    @cached_property
    def resizes(self) -> bool:
        """Whether output and input differ in rate or length."""
        return bool(getattr(self.make(), "resizes", False))

    @cached_property
    def samples(self) -> NDArray[Any]:
        """The example ``[n, channels]``, in the precision that the processor wants; its own one, if it brings one."""
        made = self.make()
        own = getattr(made, "example", example_samples)
        return np.asarray(own(self.spec)).astype(getattr(made, "dtype", np.float32))

    @property
    def length(self) -> int:  # type: ignore[override]
        """Samples of the example."""
        return len(self.samples)

    def items(self, begin: int = 0, end: int | None = None) -> Iterator[Block]:
        """The example in blocks of `BLOCK`."""
        end = self.length if end is None else end
        return self.blocks(self.samples[:end], range(begin + BLOCK, end, BLOCK), begin)

    def blocks(self, samples: NDArray[Any], cuts: Iterable[int] = (), begin: int = 0, shift: int = 0) -> Iterator[Block]:
        """Samples ``[n, channels]`` from `begin` on, cut at the indices `cuts`; the first one is number ``begin + shift`` of the stream."""
        for start, stop in pairwise([begin, *cuts, len(samples)]):
            yield Block(samples[start:stop].copy(), start + shift, self.spec.rate, self.spec.channels)

    def join(self, parts: list[NDArray[Any]]) -> NDArray[Any]:
        """One behind the other."""
        width = len(self.promised.channels)
        for part in parts:
            require(part.ndim == 2 and part.shape[1] == width, f"open promised {width} channel(s), a block has shape {part.shape}")
        return np.concatenate(parts) if parts else np.zeros((0, width), np.float32)


class FrameSubject(Subject):
    """A processor of frames on trial."""

    spec: FrameSpec = FRAME_SPEC

    @property
    def length(self) -> int:  # type: ignore[override]
        """Frames of the example."""
        return len(self.images)

    @cached_property
    def promised(self) -> FrameSpec:
        """The format of its output, as `open` tells it."""
        promised = self.make().open(replace(self.spec))
        require(isinstance(promised, FrameSpec), f"open gives {promised!r} instead of a FrameSpec")
        assert isinstance(promised, FrameSpec)
        return promised

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """The example, ``[n, h, w, 3]``; its own one, if it brings one."""
        own = getattr(self.make(), "example", example_frames)
        return np.asarray(own(self.spec))

    def passes_through(self, output: NDArray[Any], begin: int) -> bool:
        """Whether `output` is the example from `begin` on: no face is in it, say."""
        return np.array_equal(output, self.images[begin:])

    def items(self, begin: int = 0, end: int | None = None) -> Iterator[Frame]:
        """The frames of the example; as from a camera that skips one now and then."""
        for place in range(begin, self.length if end is None else end):
            index = place + place // 3
            yield Frame(self.images[place].copy(), index, index / self.spec.fps)

    def join(self, parts: list[NDArray[Any]]) -> NDArray[Any]:
        """One above the other."""
        shapes = {part.shape[1:] for part in parts}
        require(len(shapes) <= 1, f"the images have different shapes: {', '.join(map(str, sorted(shapes)))}")
        return np.concatenate(parts) if parts else np.zeros((0, self.spec.height, self.spec.width, 3), np.uint8)
