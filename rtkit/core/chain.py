"""A chain of processors: makes them from text, fits their formats together, and runs items through them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rtkit.core.errors import SpecError
from rtkit.core.extras import not_installed
from rtkit.core.host import host
from rtkit.core.items import Block, Event, FrameSpec, Item, SampleSpec, Spec
from rtkit.core.processor import AnyProcessor, FrameProcessor, SampleProcessor

#: Name under which a wing registers the processor that changes the rate, with the parameter ``rate`` (Hz).
RESAMPLE = "resample"


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
        self.steps: list[AnyProcessor] = [host().create(step) if isinstance(step, str) else step for step in steps]
        self.names = [step.partition(":")[0] if isinstance(step, str) else type(step).__name__.lower() for step in steps]
        self.events: list[Event] = []
        self._opened: list[AnyProcessor] = []  # those that are to be closed

    def open(self, spec: Spec) -> Spec:
        """Open every step for what the one before it gives; returns the format of the end.

        Raises
        ------
        SpecError
            A step does not accept what it is offered, and resampling does not help; the message names the step.
        """
        wanted, steps, names = list(zip(self.names, self.steps, strict=True)), list[AnyProcessor](), list[str]()
        try:
            for name, step in wanted:
                self._check_kind(name, step, spec)
                try:
                    opened = self._open(name, step, spec)
                except SpecError as error:
                    if error.rate is None or not isinstance(spec, SampleSpec):
                        raise
                    resampler = host().create(RESAMPLE, rate=error.rate)
                    opened = self._open(name, step, self._open(RESAMPLE, resampler, spec))
                    steps.append(resampler)
                    names.append(f"resample to {error.rate:g} Hz")
                steps.append(step)
                names.append(name)
                spec = opened
        except BaseException:
            self.abort()
            raise
        for step in steps:
            step.events = self.events
        self.steps, self.names = steps, names
        return spec

    def _open(self, name: str, step: AnyProcessor, spec: Spec) -> Spec:
        try:
            opened: Spec = step.open(spec)
        except SpecError as error:
            raise SpecError(f"step {name!r} {error}", error.rate) from None
        except ModuleNotFoundError as error:
            raise not_installed(error, f"step {name!r}") from None
        self._opened.append(step)
        return opened

    @staticmethod
    def _check_kind(name: str, step: AnyProcessor, spec: Spec) -> None:
        if isinstance(step, SampleProcessor) and isinstance(spec, FrameSpec):
            raise SpecError(f"step {name!r} processes samples, got {spec}")
        if isinstance(step, FrameProcessor) and isinstance(spec, SampleSpec):
            raise SpecError(f"step {name!r} processes frames, got {spec}")

    @property
    def resizes(self) -> bool:
        """Whether a step changes the lengths of blocks, so that some may be empty on their way."""
        return any(isinstance(step, SampleProcessor) and step.resizes for step in self.steps)

    def process_functions(self) -> list[Callable[[Any], Any]]:
        """What to call for each item, in order. An empty block (while a resampler fills) passes the steps by."""
        if not self.resizes:
            return [step.process for step in self.steps]
        return [step.process if getattr(step, "resizes", False) else unless_empty(step.process) for step in self.steps]

    def process(self, item: Item) -> Item:
        """Run one item through all steps."""
        for process in self.process_functions():
            item = process(item)
        return item

    def close(self) -> Iterator[Item]:
        """Close the steps in order, each once; the tail of each runs through those behind it. After an error, the rest add nothing."""
        functions = self.process_functions()
        while self._opened:
            try:
                tail = self._opened.pop(0).close()
                if tail is None:
                    continue
                for process in functions[len(functions) - len(self._opened) :]:
                    tail = process(tail)
            except BaseException:
                self.abort()
                raise
            yield tail

    def abort(self) -> None:
        """Close, after an error, the steps that are still open; they add nothing, and their own errors count no more."""
        for step in self._opened:
            with contextlib.suppress(Exception):  # the first error is the one that is told
                step.close()
        self._opened.clear()

    def latency_s(self) -> float:
        """By how much the output is behind the input (s), by algorithm."""
        return sum(step.latency / (step.spec.rate if isinstance(step.spec, SampleSpec) else step.spec.fps) for step in self.steps)


def unless_empty(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wrap `call` so that it is not called for a block without samples."""

    def guarded(item: Any) -> Any:
        return call(item) if not isinstance(item, Block) or len(item.data) else item

    return guarded
