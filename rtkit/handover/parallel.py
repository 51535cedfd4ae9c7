"""Several frames at once: the steps of a chain in threads, each step taking the frames in order."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from time import perf_counter_ns
from typing import Any

from rtkit.core.chain import Chain
from rtkit.core.items import Event, Frame
from rtkit.core.processor import ParallelFrameProcessor
from rtkit.core.source import Source

#: Frames of a file in flight for each worker thread, so that one that takes longer does not hold up the others' threads: the bound
#: (backpressure) on what is read ahead. A live source has only as many as there are threads: more would add latency.
READ_AHEAD_FRAMES = 3
#: Timeout for a source to end its iteration when it was asked to.
STOP_TIMEOUT_S = 2.0
#: Polling interval at which a thread that waits for the others checks whether it was stopped.
STOP_POLL_S = 0.1


class OrderedGate:
    """Lets frames through one at a time, in the order of their numbers."""

    def __init__(self) -> None:
        self._next = 0
        self._moved = threading.Condition()

    @contextlib.contextmanager
    def turn(self, number: int) -> Iterator[None]:
        """Wait for the turn of a frame; the next one's comes when the block is left."""
        with self._moved:
            self._moved.wait_for(lambda: self._next == number)
        try:
            yield
        finally:
            with self._moved:
                self._next += 1
                self._moved.notify_all()


@dataclass(slots=True)
class InFlightFrame:
    """A frame in flight: what became of it, when (ns of work, without waiting), what was found, and the error that ended it."""

    frame: Frame
    marks: list[int] = field(default_factory=lambda: [0])
    events: list[Event] = field(default_factory=list)
    error: BaseException | None = None

    @property
    def time(self) -> float:
        """Stream time (s)."""
        return self.frame.time


class ParallelSteps:
    """Runs several frames through a chain at once, `count` threads working.

    A step gets its frames in order, one at a time, as without threads, while the frame before is already in the next step; only the
    `infer` of a `ParallelFrameProcessor` runs for several frames at once. Frames leave in the order in which they came.

    Parameters
    ----------
    chain : Chain
        Open; for frames.
    count : int
        Threads that work at once; others wait for the turn of their frame.
    """

    def __init__(self, chain: Chain, count: int) -> None:
        self._chain = chain
        self._count = count
        self._working = threading.Semaphore(count)
        self._stopping = threading.Event()

    def run(
        self, source: Source, marks: list[int], changes: Collection[Any], change: Callable[[], None]
    ) -> Generator[InFlightFrame, None, None]:
        """The frames of the source, each after its way through the chain.

        Parameters
        ----------
        source : Source
            Open.
        marks : list of int
            Where the times of the steps go, as in `rtkit.core.timings.Timings`.
        changes : collection
            Not empty while live parameters wait to be set.
        change : callable
            Sets them; called when no frame is in flight.
        """
        self._marks, self._changes, self._change = marks, changes, change
        self._gates = [(OrderedGate(), OrderedGate()) for _ in self._chain.steps]
        for step in self._chain.steps:
            step.events = []  # of its own, so that those of two frames do not mix
        results: SimpleQueue[Future[InFlightFrame] | BaseException | None] = SimpleQueue()
        in_flight_limit = self._count if source.live else READ_AHEAD_FRAMES * self._count
        room = threading.Semaphore(in_flight_limit)
        pool = ThreadPoolExecutor(in_flight_limit, thread_name_prefix="step")
        feeder = threading.Thread(target=self._feed, args=(source, pool, room, in_flight_limit, results), name="feed steps", daemon=True)
        feeder.start()
        try:
            while (result := results.get()) is not None:
                if isinstance(result, BaseException):
                    raise result
                in_flight = result.result()
                room.release()  # the next frame may come in while this one is shown
                yield in_flight
        finally:
            self._stopping.set()
            source.stop()
            room.release()
            feeder.join(STOP_TIMEOUT_S)
            pool.shutdown()
            for step in self._chain.steps:
                step.events = self._chain.events

    def collect(self, in_flight: InFlightFrame) -> Frame:
        """Note the times and events of a frame that is through, and give its result; raises what a step raised."""
        self._marks.extend(in_flight.marks)
        self._chain.events.extend(in_flight.events)
        if in_flight.error is not None:
            raise in_flight.error
        return in_flight.frame

    def _feed(
        self, source: Iterable[Any], pool: ThreadPoolExecutor, room: threading.Semaphore, places: int, results: SimpleQueue[Any]
    ) -> None:
        try:
            frames = iter(source)
            number = 0
            while (
                room.acquire() and not self._stopping.is_set()
            ):  # backpressure; before the frame is taken, so that a camera gives the newest
                frame = next(frames, None)
                if frame is None:
                    break
                if self._changes:
                    self._wait_for_all(room, places - 1)
                    self._change()
                results.put(pool.submit(self._pass, number, frame))
                number += 1
            results.put(None)
        except BaseException as error:
            results.put(error)

    def _wait_for_all(self, room: threading.Semaphore, others: int) -> None:
        """Wait until no other frame is in flight."""
        taken = 0
        while taken < others and not self._stopping.is_set():
            taken += room.acquire(timeout=STOP_POLL_S)
        if taken:
            room.release(taken)

    def _pass(self, number: int, frame: Frame) -> InFlightFrame:
        in_flight = InFlightFrame(frame)
        passed = 0
        try:
            for step, (entrance, exit_) in zip(self._chain.steps, self._gates, strict=True):
                work = Stopwatch(self._working)
                found = None
                split = isinstance(step, ParallelFrameProcessor)
                with entrance.turn(number):
                    passed += 1
                    wanted = split and work(step.should_infer, in_flight.frame)  # type: ignore[attr-defined]
                if wanted:
                    found = work(step.infer, in_flight.frame)  # type: ignore[attr-defined]
                with exit_.turn(number):
                    passed += 1
                    arguments = (in_flight.frame, found) if split else (in_flight.frame,)
                    in_flight.frame = work(step.render if split else step.process, *arguments)  # type: ignore[attr-defined]
                    in_flight.events += step.events
                    step.events.clear()
                in_flight.marks.append(in_flight.marks[-1] + work.spent)
        except BaseException as error:
            in_flight.error = error
            for gate in [gate for pair in self._gates for gate in pair][passed:]:  # those behind must not wait for this one
                with gate.turn(number):
                    pass
        return in_flight


class Stopwatch:
    """Calls functions, when one of the threads that may work is free, and adds up the time (ns) `spent` in them."""

    def __init__(self, working: threading.Semaphore) -> None:
        self.spent = 0
        self._working = working

    def __call__(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function and give what it gives."""
        with self._working:
            begin = perf_counter_ns()
            try:
                return call(*arguments)
            finally:
                self.spent += perf_counter_ns() - begin
