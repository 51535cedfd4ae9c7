"""A tap on a running stream: what comes in and what goes out, for pages and recordings, and the way by which pages steer it."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import numpy as np

from rtkit.items import Block, Event, Frame, Item, SampleSpec, Spec
from rtkit.live.history import SampleHistory
from rtkit.live.recorder import Recorder
from rtkit.sink import Sink
from rtkit.source import Source

if TYPE_CHECKING:
    from rtkit.stream import Stream

#: Events kept for a page that looks 30 times a second.
KEPT_EVENTS = 200


class StreamTap:
    """What there is to see of one stream, and what pages ask of it while it runs.

    Attributes
    ----------
    recorder : Recorder
        Files of input, output and events, when switched on.
    input_spec, output_spec : Spec or None
        Formats of input and output; None until the stream has opened them.
    input_history, output_history : SampleHistory or None
        The newest samples of each, if it is a signal.
    watchers : dict
        A function for each page that looks on, called (by the stream's thread: be quick) when there is something new.
    opened : function
        Called when the stream is about to begin.
    live : bool
        The source is.
    every_frame : bool
        The source waits for each frame's answer: none is left out because the one before it has not been fetched.
    frame : Frame or None
        The newest that went out.
    fetched : bool
        That one has been fetched.
    """

    def __init__(self, recorder: Recorder, every_frame: bool = False) -> None:
        self.recorder = recorder
        self.every_frame = every_frame
        self.input_spec: Spec | None = None
        self.output_spec: Spec | None = None
        self.input_history: SampleHistory | None = None
        self.output_history: SampleHistory | None = None
        self.watchers: dict[object, Callable[[], None]] = {}
        self.opened: Callable[[], None] = lambda: None
        self.live = False
        self.frame: Frame | None = None
        self.fetched = True
        self._events: deque[tuple[int, Event]] = deque(maxlen=KEPT_EVENTS)
        self._numbers = itertools.count(1)
        self._changes: deque[tuple[Callable[[], None], Future[None]]] = deque()
        self._steered = threading.Condition()  # guards what follows; told of each change to it
        self._paused = self._ended = False
        self._under_way = 0  # frames that are in the steps; of samples, never any between two blocks

    def attach(self, stream: Stream) -> None:
        """Tap both ends of a stream that does not run yet."""
        self.live = stream.source.live
        stream.source = TapSource(stream.source, self)
        stream.sinks.append(TapSink(self))

    # What pages ask for

    @property
    def paused(self) -> bool:
        """A file waits; a live source goes on, unseen."""
        return self._paused

    def pause(self, paused: bool) -> None:
        """Pause the stream, or let it go on."""
        with self._steered:
            self._paused = paused
            self._steered.notify_all()

    def apply(self, change: Callable[[], None]) -> Future[None]:
        """Have the stream's thread call a function between two items, when no step is at work: at the next one, or at once if paused.

        Returns
        -------
        Future
            Done when it has been called, with the error that it raised; cancelled if the stream ends before that.
        """
        future: Future[None] = Future()
        with self._steered:
            if self._ended:
                future.cancel()
            else:
                self._changes.append((change, future))
                self._steered.notify_all()
        return future

    # Called by the stream

    def between_items(self) -> None:
        """Apply what pages changed, and wait while a file is paused."""
        if not (self._changes or self._paused):  # the usual case, for each item: no lock
            return
        while (waiting := self._next_change()) is not None:
            _call(*waiting)  # without the lock: it takes its time, and tells others

    def _next_change(self) -> tuple[Callable[[], None], Future[None]] | None:
        """Wait until no frame is under way, and while a file is paused, for the next change; None if the stream goes on."""
        with self._steered:
            while not self._ended:
                if self._changes and not self._under_way:
                    return self._changes.popleft()
                if not self._changes and (self.live or not self._paused):
                    break
                self._steered.wait()
            return None

    def end(self) -> None:
        """The stream ends or was asked to: nobody waits any more."""
        with self._steered:
            self._ended = True
            while self._changes:
                self._changes.popleft()[1].cancel()
            self._steered.notify_all()

    def on_input(self, item: Item) -> None:
        """Look at an item before the first step."""
        if self.recorder.on:
            self.recorder.write("input", item)
        if isinstance(item, Frame):
            with self._steered:
                self._under_way += 1
        elif self.input_history is not None:
            self.input_history.write(item.data)

    def on_output(self, item: Item) -> None:
        """Look at an item after the last step."""
        if self.recorder.on:
            self.recorder.write("output", item)
        if isinstance(item, Block):
            assert self.output_history is not None
            self.output_history.write(item.data)
        else:
            with self._steered:
                self._under_way -= 1
                self._steered.notify_all()
            if self.fetched or self.every_frame:
                self.frame = Frame(item.image.copy(), item.index, item.time)
                self.fetched = False
        self.wake()

    def on_event(self, event: Event) -> None:
        """Take an event."""
        self.recorder.event(event)
        self._events.append((next(self._numbers), event))
        self.wake()

    def wake(self) -> None:
        """Tell the pages that there is something new."""
        for wake in tuple(self.watchers.values()):
            wake()

    def events(self, since: int) -> tuple[int, list[Event], int]:
        """The events after number `since`: number of the newest, the events, and how many were left out."""
        kept = list(self._events)
        newest = kept[-1][0] if kept else 0
        fresh = [event for number, event in kept if number > since]
        return newest, fresh, max(0, newest - since - len(fresh))


def _call(change: Callable[[], None], future: Future[None]) -> None:
    try:
        change()
    except Exception as error:  # of a processor's author, perhaps: whoever asked for the change is told
        future.set_exception(error)
    else:
        future.set_result(None)


class TapSource(Source):
    """A source that is looked at, and between whose items pages are heard.

    Parameters
    ----------
    source : Source
        The source itself.
    tap : StreamTap
        Who looks.
    """

    def __init__(self, source: Source, tap: StreamTap) -> None:
        self.name, self.live, self.parts = source.name, source.live, source.parts
        self._source = source
        self._tap = tap

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> Spec:
        """Open the source; errors as it has them."""
        spec = self._source.open(dtype)
        self.length = self._source.length
        self._tap.input_spec = spec
        self._tap.input_history = SampleHistory(spec) if isinstance(spec, SampleSpec) else None
        self._tap.recorder.expect("input", spec)
        return spec

    def __iter__(self) -> Iterator[Item]:
        """Its items."""
        look, between_items = self._tap.on_input, self._tap.between_items
        for item in self._source:
            between_items()
            look(item)
            yield item

    def stop(self) -> None:
        """Stop it."""
        self._tap.end()
        self._source.stop()

    def close(self) -> None:
        """Close it."""
        self._tap.end()
        self._source.close()

    def counts(self) -> dict[str, int]:
        """What it counts."""
        return self._source.counts()

    def delays(self) -> dict[str, float]:
        """Its delays."""
        return self._source.delays()


class TapSink(Sink):
    """The end of a stream as a page sees it.

    Parameters
    ----------
    tap : StreamTap
        Who looks.
    """

    name = "page"

    def __init__(self, tap: StreamTap) -> None:
        self._tap = tap

    def open(self, spec: Spec) -> None:
        """Note the format."""
        self._tap.output_spec = spec
        self._tap.output_history = SampleHistory(spec) if isinstance(spec, SampleSpec) else None
        self._tap.recorder.expect("output", spec)
        self._tap.opened()

    def write(self, item: Item) -> None:
        """Look at one item."""
        self._tap.on_output(item)

    def event(self, event: Event) -> None:
        """Take one event."""
        self._tap.on_event(event)

    def close(self) -> None:
        """Finish the recordings."""
        self._tap.recorder.switch(False)
