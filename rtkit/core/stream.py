"""A stream: one source, a chain of processors, sinks."""

from __future__ import annotations

import math
import time
import warnings
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeAlias, Unpack

import numpy as np

from rtkit.core.chain import Chain, unless_empty
from rtkit.core.endpoints import AnySink, AnySource, make_event_sink, make_sink, make_source
from rtkit.core.errors import InputError, RtkitError, SpecError, StepError, StopStream, UsageError
from rtkit.core.extras import not_installed
from rtkit.core.host import host
from rtkit.core.items import Block, Event, Item, SampleSpec, Spec
from rtkit.core.parameters import check_values
from rtkit.core.processor import AnyProcessor, SampleProcessor
from rtkit.core.report import Report
from rtkit.core.settings import Settings, check_settings, options_of
from rtkit.core.sink import Sink
from rtkit.core.source import Options, Source
from rtkit.core.states import load_states, save_states
from rtkit.core.timings import Timings

#: Delays that are reported and are not a part of the path from source to sink.
DELAYS_OFF_PATH = frozenset({"round trip"})
#: What iterating over a stream gives: an item as it left the steps, and the events that came with it.
ProcessedItem: TypeAlias = tuple[Item, list[Event]]


class Runner(Protocol):
    """Runs the steps of a stream in the stream's place."""

    def run(self, source: Source, marks: list[int], changes: Collection[Any], change: Callable[[], None]) -> Generator[Any, None, None]:
        """Give something with a `time` for each item of the source, in order; call `change`, while `changes` is not empty, between two."""

    def collect(self, given: Any) -> Item:
        """The item of what `run` gave, its marks of time and its events noted; raises what a step raised."""


class Stream:
    """One source, a chain of processors, and sinks, run in the calling thread: by `run`, or item by item in a ``for`` loop.

    Parameters
    ----------
    source : str, Path, ndarray, iterable, or Source
        A file, ``mic[:DEVICE]``, ``-``, ``near.wav+far.wav``, ``synth:KIND``; an array of samples (with `rate`) or frames (with `fps`);
        an iterable of blocks, frames or arrays; or a source that you made.
    steps : str, Processor, or a sequence of them
        ``name:key=value,…`` or processors that you made.
    to : str, Path, callable, Sink, or a sequence of them
        Where the output goes; a function is called with each item.
    options : Options, optional
        What sources and sinks are told; the settings go before it.
    on_event : callable, optional
        Called with each `Event`, in the thread of the stream.
    on_progress : callable, optional
        Called with the `Report` several times a second.
    **settings
        As `rtkit.Settings` describes them.

    Attributes
    ----------
    report : Report
        What the run did; brought up to date several times a second, complete when `run` has returned or raised.
    settings : Settings
        What was given, for plug-ins.
    at_end : list of callable
        What is to be done after a run that ended well, before the sinks are closed.
    runner : Runner or None
        What runs the steps in the stream's place, in threads of its own; a plug-in may put it here before the stream opens.

    Raises
    ------
    UsageError, InputError
        A name that nothing answers to, or a setting that does not fit.

    Examples
    --------
    >>> import rtkit
    >>> report = rtkit.Stream("synth:noise", seconds=1.0).run()
    >>> report.samples
    16000
    """

    def __init__(
        self,
        source: AnySource,
        steps: str | AnyProcessor | Sequence[str | AnyProcessor] = (),
        to: AnySink | Sequence[AnySink] = (),
        *,
        options: Options | None = None,
        on_event: Callable[[Event], Any] | None = None,
        on_progress: Callable[[Report], Any] | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        if "progress" in settings:
            warnings.warn("Stream: progress is called on_progress now, and takes a function", DeprecationWarning, stacklevel=2)
            settings = {name: value for name, value in settings.items() if name != "progress"}  # type: ignore[assignment]
        self.settings = check_settings(settings)
        endpoint_options = options_of(self.settings, options)
        self.chain = Chain([steps] if isinstance(steps, str) or not isinstance(steps, Sequence) else steps)
        self._given = list(zip(self.chain.names, self.chain.steps, strict=True))  # without what is put between them
        first = self.chain.steps[0] if self.chain.steps else None
        if isinstance(first, SampleProcessor) and first.default_rate is not None:
            endpoint_options = replace(endpoint_options, default_rate=first.default_rate)
        self.source = make_source(source, endpoint_options, far=self.settings.get("far"), realtime=self.settings.get("realtime", False))
        to = to if isinstance(to, Sequence) and not isinstance(to, str) else [to]
        self.sinks = [make_sink(sink, endpoint_options, self.source) for sink in to]
        if "events" in self.settings:
            self.sinks.append(make_event_sink(str(self.settings["events"]), endpoint_options))
        self.report = Report(self.source.name, [sink.name for sink in self.sinks], live=self.source.live)
        self.at_end: list[Callable[[], Any]] = []
        self.runner: Runner | None = None
        if (path := self.settings.get("save_state")) is not None:
            self.at_end.append(lambda: save_states(path, self.chain))
        self._on_event, self._on_progress = on_event, on_progress
        seconds = self.settings.get("seconds")
        self._seconds = math.inf if seconds is None else seconds
        self._limit: float = math.inf  # samples or frames; known when the source is open
        self._changes: deque[Callable[[], Any]] = deque()  # what is to be called between two items
        host().call("rtkit_stream_created", through=RtkitError, stream=self)

    def stop(self) -> None:
        """Ask the stream to end; may be called from another thread."""
        self._seconds = self._limit = 0
        self.source.stop()

    def set(self, step: int | str, **values: Any) -> None:
        """Change live parameters of a step, between two items; may be called from another thread.

        Parameters
        ----------
        step : int or str
            Number of the step among those that were given, from 0 on, or its name.
        **values
            By the names of the parameters.

        Raises
        ------
        UsageError
            No such step, no live parameter, or a value that does not fit.
        """
        given = self._given
        found = [each for name, each in given if name == step] if isinstance(step, str) else [each for _, each in given[step : step + 1]]
        if len(found) != 1:
            names = ", ".join(name for name, _ in given) or "none"
            raise UsageError(f"{'several steps are' if found else 'no step is'} {step!r}; there are {names}, numbered from 0")
        (chosen,) = found
        chosen.check_live(values)
        self.between_items(partial(chosen.set, **check_values(type(chosen), values)))

    def between_items(self, function: Callable[[], Any]) -> None:
        """Call a function once in the thread of the stream, when no step is at work; what it raises ends the stream. From any thread."""
        self._changes.append(function)

    def _change(self) -> None:
        """Call what is to be called between two items, such as setting live parameters."""
        while self._changes:
            self._changes.popleft()()

    def run(self) -> Report:
        """Run to the end of the source, to `stop`, or to an error; steps, sinks and the source are closed once in each case.

        Returns
        -------
        Report
            Also kept as `report`, which is complete after an error and after Ctrl-C, too.

        Raises
        ------
        InputError, SpecError
            Bad input, or formats that do not fit together.
        DeviceError
            A device went away and stayed away.
        StepError
            A processor failed.
        KeyboardInterrupt
            After everything was closed in order.
        """
        for _ in self._run(yielding=False):
            pass
        return self.report

    def __iter__(self) -> Iterator[ProcessedItem]:
        """Run, and give each item as it left the steps with the events that came with it; errors as of `run`.

        A loop that is left early ends the stream well.
        """
        return self._run(yielding=True)

    def _run(self, yielding: bool) -> Generator[ProcessedItem, None, None]:
        report, begun = self.report, time.perf_counter()
        closing: list[Callable[[], Any]] = [self.source.close]
        failure: BaseException | None = None
        try:
            spec = self._open(closing)
            self._started = time.perf_counter()
            report.open_s = self._started - begun
            host().call("rtkit_stream_started", stream=self)
            try:
                yield from self._loop(spec, yielding)
            except (KeyboardInterrupt, GeneratorExit) as ended:  # how people end a stream: what is there is finished
                report.interrupted = isinstance(ended, KeyboardInterrupt)
                for _ in self._finish():
                    pass
                raise
            for step in self._finish():
                if yielding:
                    yield step
        except BaseException as error:
            failure = not_installed(error, report.source) if isinstance(error, ModuleNotFoundError) else error
            self.chain.abort()
        for close in reversed(closing):  # each once, whatever happens to the others
            try:
                close()
            except BaseException as error:  # the first error is the one that is told
                failure = failure or error
        self._count()
        if report.opened:
            report.wall_s = time.perf_counter() - self._started
        if isinstance(failure, Exception):
            report.error = str(failure)
        host().call("rtkit_stream_stopped", stream=self, report=report)
        if "report" in self.settings:
            try:
                report.write(str(self.settings["report"]))
            except InputError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _open(self, closing: list[Callable[[], Any]]) -> Spec:
        threads = self.settings.get("threads", 1)
        first = self.chain.steps[0] if self.chain.steps else None
        spec = self.source.open(first.dtype if isinstance(first, SampleProcessor) else np.float32)
        if threads is not None and threads > 1 and isinstance(spec, SampleSpec):
            raise UsageError(f"threads={threads}: frames are processed in threads, and {self.source.name} gives samples")
        try:
            out = self.chain.open(spec)
        except SpecError as error:
            raise SpecError(f"{self.source.name}: {error}") from None
        if (path := self.settings.get("load_state")) is not None:
            load_states(path, self.chain)
        for sink in self.sinks:
            sink.live = self.source.live
            if not isinstance(out, sink.takes):
                raise InputError(f"{sink.name}: takes {'frames' if isinstance(out, SampleSpec) else 'samples'}, got {out}")
            sink.open(out)
            closing.append(sink.close)
        self.report.opened = True
        return spec

    def _loop(self, spec: Spec, yielding: bool) -> Generator[ProcessedItem, None, None]:
        """Hand items from the source to the steps and the sinks: the hot path, without a hook or a new object an item."""
        report, chain, events, changes = self.report, self.chain, self.chain.events, self._changes
        sampled = isinstance(spec, SampleSpec)
        period = 1 / (spec.rate if isinstance(spec, SampleSpec) else spec.fps)
        functions = chain.process_functions()
        writes = [unless_empty(sink.write) if chain.resizes else sink.write for sink in self.sinks]
        timings = Timings(len(functions), period)
        mark, sizes, clock, vdot, isfinite = timings.marks.append, timings.sizes, time.perf_counter_ns, np.vdot, math.isfinite
        source: Iterable[Any] = self.source
        ending = ExitStack()
        if self.runner is not None and functions:
            running = self.runner.run(self.source, timings.marks, changes, self._change)
            source, functions, mark = running, [self.runner.collect], _ignore  # which notes the times itself
            changes = deque()
            ending.callback(running.close)  # whatever happens, before anything else is closed
        done, whole, items, size, last = 0, 0, 0, 1, False
        self._limit = self._seconds if math.isinf(self._seconds) else round(self._seconds / period)
        report.length_s = period * min(self._limit, math.inf if self.source.length is None else self.source.length)
        item: Any
        found: list[Event] = []
        with ending:
            try:
                for item in source:
                    if sampled:
                        size = len(data := item.data)
                        if not isfinite(vdot(data, data)):  # a cheap hint; huge values overflow it, too
                            report.non_finite += int(np.sum(~np.isfinite(data)))
                    else:
                        done = round(item.time / period)  # a camera skips frames
                    if done + size >= self._limit:
                        size, last = self._last(item, size, int(self._limit) - done), True
                        if not size:  # stopped before it began: no step has to take an empty block
                            break
                    if changes:
                        self._change()
                    done += size
                    items += 1
                    mark(clock())
                    for function in functions:
                        item = function(item)
                        mark(clock())
                    sizes.append(size)
                    for write in writes:
                        write(item)
                    whole = done
                    if events:
                        found = self._deliver()
                    if yielding:
                        yield item, found
                        found = []
                    if len(sizes) >= timings.batch:
                        report.items, report.samples, report.stream_s = items, done if sampled else 0, done * period
                        self._sum_up(timings, period, sampled)
                        if self._on_progress is not None:
                            self._on_progress(report)
                    if last:
                        self.source.stop()
                        break
            except StopStream:
                self.source.stop()
            except (KeyboardInterrupt, GeneratorExit):
                done = whole  # what was under way is not in the sinks
                raise
            except RtkitError:
                raise
            except Exception as error:
                raise self._step_error(error, timings, items - 1) from error
            finally:
                report.items, report.samples, report.stream_s = items, done if sampled else 0, done * period
                self._sum_up(timings, period, sampled)

    @staticmethod
    def _last(item: Any, size: int, room: int) -> int:
        """Cut the item that reaches the limit down to it; after `stop`, the limit is behind and the item stays whole."""
        if not (isinstance(item, Block) and 0 <= room < size):
            return size
        item.data = item.data[:room]
        return room

    def _step_error(self, error: Exception, timings: Timings, item: int) -> Exception:
        """Name the step that failed; what came from elsewhere is handed on as it is."""
        place = timings.unfinished()
        if place is None:
            return error
        name = self.chain.names[place]
        return StepError(f"{self.source.name}: step {name!r} failed at item {item}: {type(error).__name__}: {error}")

    def _sum_up(self, timings: Timings, period: float, sampled: bool) -> None:
        """Put times, delays and counts into the report, while the devices are still open."""
        timings.flush()
        report = self.report
        report.wall_s = time.perf_counter() - self._started
        self._count()
        report.busy_s = timings.busy_s
        report.deadline_misses = timings.misses
        report.steps = [timings.step(index, name) for index, name in enumerate(self.chain.names)]
        algorithm = self.chain.latency_s()
        if not report.live:  # a file is read ahead: no time passes between its samples and their output but what the steps need
            report.latency_ms = {"algorithm": round(1e3 * algorithm, 3)} if algorithm else {}
            return
        delays = dict(self.source.delays())
        if sampled:
            delays["block"] = timings.longest * period
        delays |= {"steps": timings.p99_s, "algorithm": algorithm}
        for sink in self.sinks:
            delays |= sink.delays()
        parts = {part: round(1e3 * seconds, 3) for part, seconds in delays.items()}
        total = sum(ms for part, ms in parts.items() if part not in DELAYS_OFF_PATH)
        report.latency_ms = {"total": round(total, 3)} | parts

    def _deliver(self) -> list[Event]:
        """Hand the events of the last item to the sinks, the caller, and the observers."""
        events = self.chain.events[:]
        self.chain.events.clear()
        self.report.events += len(events)
        for event in events:
            for sink in self.sinks:
                sink.event(event)
            if self._on_event is not None:
                self._on_event(event)
            host().call("rtkit_event", stream=self, event=event)
        return events

    def _finish(self) -> Iterator[ProcessedItem]:
        """End a run well: hand the tails of the steps to the sinks, do what is to be done at the end, and ask for the outcome."""
        for tail in self.chain.close():
            for sink in self.sinks:
                unless_empty(sink.write)(tail)
            yield tail, self._deliver()
        self._deliver()
        for act in self.at_end:
            act()
        for name, step in zip(self.chain.names, self.chain.steps, strict=True):
            try:
                summary = dict(step.summary())
            except Exception as error:  # what was processed is good all the same
                summary = {"warnings": [f"its summary failed: {type(error).__name__}: {error}"]}
            self.report.warnings += [f"{name}: {warning}" for warning in summary.pop("warnings", ())]
            if summary:
                self.report.summary[name if name not in self.report.summary else f"{name} {len(self.report.summary) + 1}"] = summary

    def _count(self) -> None:
        """Gather what the source and the sinks counted; for the last time when they are closed."""
        ends: list[Source | Sink] = [self.source, *self.sinks]
        for end in ends:
            if counts := end.counts():
                self.report.counts[end.name] = counts


def _ignore(mark: int) -> None:
    """Note no time."""
