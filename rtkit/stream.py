"""A stream: one source, a chain of processors, sinks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rtkit.chain import Chain, unless_empty
from rtkit.endpoints import make_sink, make_source
from rtkit.errors import Enough, InputError, RtkitError, SpecError, UsageError
from rtkit.items import Block, SampleSpec, Spec
from rtkit.plugins import AnyProcessor, host
from rtkit.processor import SampleProcessor
from rtkit.progress import Progress
from rtkit.report import Report, Timings
from rtkit.sink import Sink
from rtkit.source import Options, Source
from rtkit.states import load_states, save_states
from rtkit.threads import Threads

#: Delays that are reported and are not a part of the way from source to sink.
BESIDE = frozenset({"round trip"})


class StepError(RtkitError):
    """A processor raised what it should not have: an error of its author. The cause is chained."""


class Stream:
    """One source, a chain of processors, and sinks, run in the calling thread.

    Parameters
    ----------
    source : str or Source
        A file, ``mic[:DEVICE]``, ``-``, ``near.wav+far.wav``, ``synth:KIND``, or a source that you made.
    steps : sequence of str or Processor
        ``name:key=value,…`` or processors that you made.
    to : sequence of str or Sink
        Where the output goes.
    far : str or Source, optional
        The far end beside a microphone or a near-end file.
    realtime : bool
        Play a file as if it were a live device.
    seconds : float, optional
        End after this much stream time.
    options : Options, optional
        Rate, block size and so on, for sources and sinks that need to be told.
    threads : int
        Frames that may be on their way through the steps at once, each in a thread of its own; they stay in order.
    load_state, save_state : path, optional
        A file (npz) with the state of the steps, to start from and to leave behind.
    save_model : path, optional
        A folder in which to leave what a step learned, as an ONNX model; see `rtkit.onnx.writer`.
    progress : bool
        Show a progress line on standard error when that is a terminal.

    Attributes
    ----------
    report : Report
        What the run did; brought up to date several times a second, complete when `run` has returned or raised.

    Raises
    ------
    UsageError, InputError
        A name that nothing answers to.

    Examples
    --------
    >>> import rtkit
    >>> report = rtkit.Stream("synth:noise", seconds=1.0).run()
    >>> report.samples
    16000
    """

    def __init__(
        self,
        source: str | Source,
        steps: Sequence[str | AnyProcessor] = (),
        to: Sequence[str | Sink] = (),
        *,
        far: str | Source | None = None,
        realtime: bool = False,
        seconds: float | None = None,
        options: Options | None = None,
        threads: int = 1,
        load_state: str | Path | None = None,
        save_state: str | Path | None = None,
        save_model: str | Path | None = None,
        progress: bool = False,
    ) -> None:
        options = options or Options()
        self.chain = Chain(steps)
        first = self.chain.steps[0] if self.chain.steps else None
        if isinstance(first, SampleProcessor) and first.untold_rate is not None:
            options = replace(options, untold_rate=first.untold_rate)
        self.source = make_source(source, options, far=far, realtime=realtime)
        self.sinks = [make_sink(sink, options, self.source) for sink in to]
        self.report = Report(self.source.name, [sink.name for sink in self.sinks])
        self._seconds = math.inf if seconds is None else seconds
        self._threads = threads
        self._load_state, self._save_state, self._save_model = load_state, save_state, save_model
        if save_model is not None:
            from rtkit.onnx.writer import find_learners

            find_learners(self.chain.names, self.chain.steps)  # better now than at the end of a long run
        self._progress = progress
        self._limit: float = math.inf  # samples or frames; known when the source is open

    def stop(self) -> None:
        """Ask the stream to end; may be called from another thread."""
        self._seconds = self._limit = 0
        self.source.stop()

    def run(self) -> Report:
        """Run to the end of the source, to `stop`, or to an error; sinks are closed in each case.

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
        hooks = host().manager.hook
        self._started = time.perf_counter()
        try:
            with ExitStack() as closing:  # undone from the last line to the first, each whatever happens to the others
                closing.callback(self._count)
                closing.callback(self.source.close)
                spec = self._open(closing)
                hooks.rtkit_stream_started(stream=self)
                closing.callback(self._drain)
                self._loop(spec)
        except KeyboardInterrupt:
            self.report.interrupted = True
            raise
        except Exception as error:
            self.report.error = str(error)
            raise
        finally:
            self.report.wall_s = time.perf_counter() - self._started
            hooks.rtkit_stream_stopped(stream=self, report=self.report)
        return self.report

    def _open(self, closing: ExitStack) -> Spec:
        first = self.chain.steps[0] if self.chain.steps else None
        spec = self.source.open(first.dtype if isinstance(first, SampleProcessor) else np.float32)
        if self._threads > 1 and isinstance(spec, SampleSpec):
            raise UsageError(f"threads={self._threads}: frames are processed in threads, and {self.source.name} gives samples")
        try:
            out = self.chain.open(spec)
        except SpecError as error:
            raise SpecError(f"{self.source.name}: {error}") from None
        if self._load_state is not None:
            load_states(self._load_state, self.chain)
        for sink in self.sinks:
            sink.live = self.source.live
            if not isinstance(out, sink.takes):
                raise InputError(f"{sink.name}: takes {'frames' if isinstance(out, SampleSpec) else 'samples'}, got {out}")
            sink.open(out)
            closing.callback(sink.close)
        return spec

    def _loop(self, spec: Spec) -> None:
        """Hand items from the source to the steps and the sinks: the hot path, without a hook or a new object an item."""
        report, chain, events = self.report, self.chain, self.chain.events
        sampled = isinstance(spec, SampleSpec)
        period = 1 / (spec.rate if isinstance(spec, SampleSpec) else spec.fps)
        calls: list[Callable[[Any], Any]] = chain.calls()
        writes = [unless_empty(sink.write) if chain.resamples else sink.write for sink in self.sinks]
        timings = Timings(len(calls), period)
        mark, sizes, clock, vdot, isfinite = timings.marks.append, timings.sizes, time.perf_counter_ns, np.vdot, math.isfinite
        source: Iterable[Any] = self.source
        ending = ExitStack()
        if self._threads > 1 and calls:
            threads = Threads(chain, self._threads, timings.marks)
            source, calls, mark = threads.run(self.source), [threads.collect], ignore  # which notes the times itself
            ending.callback(source.close)  # whatever happens, before anything else is closed
        done, whole, items, size, last = 0, 0, 0, 1, False
        self._limit = self._seconds if math.isinf(self._seconds) else round(self._seconds / period)
        item: Any
        with ending, Progress(self._progress, self.source, self._limit, period) as progress:
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
                    done += size
                    items += 1
                    mark(clock())
                    for call in calls:
                        item = call(item)
                        mark(clock())
                    sizes.append(size)
                    for write in writes:
                        write(item)
                    whole = done
                    if events:
                        self._deliver()
                    if len(sizes) >= timings.batch:
                        report.items, report.samples, report.stream_s = items, done if sampled else 0, done * period
                        self._sum_up(timings, period, sampled)
                        progress.update(done)
                    if last:
                        self.source.stop()
                        break
            except Enough:
                self.source.stop()
            except KeyboardInterrupt:
                done = whole  # what was under way is not in the sinks
                raise
            except RtkitError:
                raise
            except Exception as error:
                raise self._blame(error, timings, items - 1) from error
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

    def _blame(self, error: Exception, timings: Timings, item: int) -> Exception:
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
        delays = dict(self.source.delays())
        if sampled:
            delays["block"] = timings.longest * period
        delays |= {"steps": timings.p99_s, "algorithm": self.chain.latency()}
        for sink in self.sinks:
            delays |= sink.delays()
        parts = {part: round(1e3 * seconds, 3) for part, seconds in delays.items()}
        total = sum(ms for part, ms in parts.items() if part not in BESIDE)
        report.latency_ms = {"total": round(total, 3)} | parts

    def _deliver(self) -> None:
        """Hand the events of the last item to the sinks and the observers."""
        events = self.chain.events[:]
        self.chain.events.clear()
        self.report.events += len(events)
        for event in events:
            for sink in self.sinks:
                sink.event(event)
            host().manager.hook.rtkit_event(stream=self, event=event)

    def _drain(self) -> None:
        """Hand the tails of the steps to the sinks, and save the state that they end with."""
        for tail in self.chain.close():
            for sink in self.sinks:
                unless_empty(sink.write)(tail)
        self._deliver()
        if self._save_state is not None:
            save_states(self._save_state, self.chain)
        if self._save_model is not None:
            from rtkit.onnx.writer import find_learners, write_learned

            seen = {
                "learned_from": self.source.name,
                "seconds": round(self.report.stream_s, 3),
                "steps": [repr(step) for step in self.chain.steps],
            }
            write_learned(self._save_model, find_learners(self.chain.names, self.chain.steps), seen)

    def _count(self) -> None:
        """Gather what the source and the sinks counted; for the last time when they are closed."""
        ends: list[Source | Sink] = [self.source, *self.sinks]
        for end in ends:
            if counts := end.counts():
                self.report.counts[end.name] = counts


def ignore(mark: int) -> None:
    """Note no time."""
