"""A chain of processors: makes them from text, fits their formats together, and runs items through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rtkit.errors import SpecError
from rtkit.items import Block, Event, FrameSpec, Item, SampleSpec, Spec
from rtkit.plugins import AnyProcessor, host
from rtkit.processor import FrameProcessor, SampleProcessor
from rtkit.resample import Resampler


class Chain:
    """Processors, one after another.

    Parameters
    ----------
    steps : sequence of str or Processor
        ``name:key=value,…`` or processors that you made.

    Attributes
    ----------
    steps : list of Processor
        The processors; after `open` with a resampler in front of each one that wants another rate.
    names : list of str
        A name for each, for errors, reports and states.
    events : list of Event
        What they emitted, in order; whoever drives the chain takes them out.
    """

    def __init__(self, steps: Sequence[str | AnyProcessor]) -> None:
        self.steps: list[AnyProcessor] = [host().create_step(step) if isinstance(step, str) else step for step in steps]
        self.names = [step.partition(":")[0] if isinstance(step, str) else type(step).__name__.lower() for step in steps]
        self.events: list[Event] = []

    def open(self, spec: Spec) -> Spec:
        """Open every step for what the one before it gives; returns the format of the end.

        Raises
        ------
        SpecError
            A step does not accept what it is offered, and resampling does not help; the message names the step.
        """
        wanted, steps, names = list(zip(self.names, self.steps, strict=True)), list[AnyProcessor](), list[str]()
        for name, step in wanted:
            self._check_kind(name, step, spec)
            try:
                opened = step.open(spec)
            except SpecError as error:
                if error.rate is None or not isinstance(spec, SampleSpec):
                    raise SpecError(f"step {name!r} {error}") from None
                resampler = Resampler(error.rate)
                opened = self._open_again(name, step, resampler.open(spec))
                steps.append(resampler)
                names.append(f"resample to {error.rate:g} Hz")
            steps.append(step)
            names.append(name)
            spec = opened
        for step in steps:
            step.events = self.events
        self.steps, self.names = steps, names
        return spec

    def _open_again(self, name: str, step: AnyProcessor, spec: SampleSpec) -> Spec:
        try:
            opened: Spec = step.open(spec)
        except SpecError as error:
            raise SpecError(f"step {name!r} {error}") from None
        return opened

    @staticmethod
    def _check_kind(name: str, step: AnyProcessor, spec: Spec) -> None:
        if isinstance(step, SampleProcessor) and isinstance(spec, FrameSpec):
            raise SpecError(f"step {name!r} processes samples, got {spec}")
        if isinstance(step, FrameProcessor) and isinstance(spec, SampleSpec):
            raise SpecError(f"step {name!r} processes frames, got {spec}")

    @property
    def resamples(self) -> bool:
        """Whether a step resamples, so that blocks may be empty on their way."""
        return any(isinstance(step, Resampler) for step in self.steps)

    def calls(self) -> list[Callable[[Any], Any]]:
        """What to call for each item, in order. An empty block (while a resampler fills) passes the steps by."""
        if not self.resamples:
            return [step.process for step in self.steps]
        return [step.process if isinstance(step, Resampler) else unless_empty(step.process) for step in self.steps]

    def process(self, item: Item) -> Item:
        """Run one item through all steps."""
        for call in self.calls():
            item = call(item)
        return item

    def close(self) -> Iterator[Item]:
        """Close the steps in order; the tail of each runs through those behind it."""
        calls = self.calls()
        for index, step in enumerate(self.steps):
            tail = step.close()
            if tail is None:
                continue
            for call in calls[index + 1 :]:
                tail = call(tail)
            yield tail

    def latency(self) -> float:
        """By how much the output is behind the input (s), by algorithm."""
        return sum(step.latency / (step.spec.rate if isinstance(step.spec, SampleSpec) else step.spec.fps) for step in self.steps)


def unless_empty(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wrap `call` so that it is not called for a block without samples."""

    def guarded(item: Any) -> Any:
        return call(item) if not isinstance(item, Block) or len(item.data) else item

    return guarded
