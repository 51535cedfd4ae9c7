"""Several frames at once: the steps of a chain in threads, each step taking the frames in order."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from time import perf_counter_ns
from typing import Any

from rtkit.chain import Chain
from rtkit.items import Event, Frame
from rtkit.processor import SplitFrameProcessor
from rtkit.source import Source

#: Frames of a file on their way for each thread that works, so that one that takes longer does not hold up the others' threads. A
#: live source has only as many as there are threads: more would come late.
AHEAD = 3
#: Time (s) that a source gets to end its iteration when it was asked to.
PATIENCE = 2.0


class Gate:
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
class Passage:
    """A frame on its way: what became of it, when (ns of work, without waiting), what was found, and the error that ended it."""

    frame: Frame
    marks: list[int] = field(default_factory=lambda: [0])
    events: list[Event] = field(default_factory=list)
    error: BaseException | None = None

    @property
    def time(self) -> float:
        """Stream time (s)."""
        return self.frame.time


class Threads:
    """Runs several frames through a chain at once, `count` threads working.

    A step gets its frames in order, one at a time, as without threads, while the frame before is already in the next step; only the
    `look` of a `SplitFrameProcessor` runs for several frames at once. Frames leave in the order in which they came.

    Parameters
    ----------
    chain : Chain
        Open; for frames.
    count : int
        Threads that work at once; others wait for the turn of their frame.
    marks : list of int
        Where the times of the steps go, as in `rtkit.report.Timings`.
    """

    def __init__(self, chain: Chain, count: int, marks: list[int]) -> None:
        self._chain = chain
        self._count = count
        self._working = threading.Semaphore(count)
        self._marks = marks
        self._gates = [(Gate(), Gate()) for _ in chain.steps]
        self._stopping = threading.Event()

    def run(self, source: Source) -> Generator[Passage, None, None]:
        """The frames of the source, each after its passage through the chain."""
        from threadpoolctl import threadpool_limits

        for step in self._chain.steps:
            step.events = []  # of its own, so that those of two frames do not mix
        results: SimpleQueue[Future[Passage] | BaseException | None] = SimpleQueue()
        on_their_way = self._count if source.live else AHEAD * self._count
        room = threading.Semaphore(on_their_way)
        pool = ThreadPoolExecutor(on_their_way, thread_name_prefix="step")
        feeder = threading.Thread(target=self._feed, args=(source, pool, room, results), name="feed steps", daemon=True)
        blas = threadpool_limits(1, "blas")  # its threads beside these would slow each other down
        feeder.start()
        try:
            while (result := results.get()) is not None:
                if isinstance(result, BaseException):
                    raise result
                passage = result.result()
                room.release()  # the next frame may come in while this one is shown
                yield passage
        finally:
            self._stopping.set()
            source.stop()
            room.release()
            feeder.join(PATIENCE)
            pool.shutdown()
            blas.restore_original_limits()
            for step in self._chain.steps:
                step.events = self._chain.events

    def collect(self, passage: Passage) -> Frame:
        """Note the times and events of a frame that is through, and give its result; raises what a step raised."""
        self._marks.extend(passage.marks)
        self._chain.events.extend(passage.events)
        if passage.error is not None:
            raise passage.error
        return passage.frame

    def _feed(self, source: Iterable[Any], pool: ThreadPoolExecutor, room: threading.Semaphore, results: SimpleQueue[Any]) -> None:
        try:
            frames = iter(source)
            number = 0
            while room.acquire() and not self._stopping.is_set():  # room first: a camera then gives the newest
                frame = next(frames, None)
                if frame is None:
                    break
                results.put(pool.submit(self._pass, number, frame))
                number += 1
            results.put(None)
        except BaseException as error:
            results.put(error)

    def _pass(self, number: int, frame: Frame) -> Passage:
        passage = Passage(frame)
        passed = 0
        try:
            for step, (entrance, exit_) in zip(self._chain.steps, self._gates, strict=True):
                work = Stopwatch(self._working)
                found = None
                split = isinstance(step, SplitFrameProcessor)
                with entrance.turn(number):
                    passed += 1
                    wanted = split and work(step.wants, passage.frame)  # type: ignore[attr-defined]
                if wanted:
                    found = work(step.look, passage.frame)  # type: ignore[attr-defined]
                with exit_.turn(number):
                    passed += 1
                    arguments = (passage.frame, found) if split else (passage.frame,)
                    passage.frame = work(step.finish if split else step.process, *arguments)  # type: ignore[attr-defined]
                    passage.events += step.events
                    step.events.clear()
                passage.marks.append(passage.marks[-1] + work.spent)
        except BaseException as error:
            passage.error = error
            for gate in [gate for pair in self._gates for gate in pair][passed:]:  # those behind must not wait for this one
                with gate.turn(number):
                    pass
        return passage


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
