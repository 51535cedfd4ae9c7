"""Looking over the shoulder of a stream: what comes in and what goes out, for pages and recordings, without holding it up."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rtkit.core.items import Block, Event, Frame, Item, SampleSpec, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Source
from rtkit.live.recent import Recent
from rtkit.live.recorder import Recorder

if TYPE_CHECKING:
    from rtkit.core.stream import Stream

#: Events kept for a page that looks 30 times a second.
EVENTS = 200
#: Time (s) after which a paused stream looks whether it was stopped.
PATIENCE = 0.2


class Watch:
    """What there is to see of one stream.

    Attributes
    ----------
    recorder : Recorder
        Files of input, output and events, when switched on.
    before, after : Spec or None
        Formats of input and output; None until the stream has opened them.
    inward, outward : Recent or None
        The newest samples of each, if it is a signal.
    watchers : dict
        A function for each page that looks on, called (by the stream's thread: be quick) when there is something new.
    opened : function
        Called when the stream is about to begin.
    live : bool
        The source is.
    every_frame : bool
        The source waits for each frame's answer: none is left out because the one before it has not been fetched.
    """

    def __init__(self, recorder: Recorder, every_frame: bool = False) -> None:
        self.recorder = recorder
        self.every_frame = every_frame
        self.before: Spec | None = None
        self.after: Spec | None = None
        self.inward: Recent | None = None
        self.outward: Recent | None = None
        self.watchers: dict[object, Callable[[], None]] = {}
        self.opened: Callable[[], None] = lambda: None
        self.live = False
        self.kinds: set[str] = set()  # of the events so far
        self.frame: Frame | None = None  # the newest that went out
        self.shown = True  # it has been fetched
        self._events: deque[tuple[int, Event]] = deque(maxlen=EVENTS)
        self._numbers = itertools.count(1)
        self._going = threading.Event()
        self._going.set()

    def attach(self, stream: Stream) -> None:
        """Put an eye on both ends of a stream that does not run yet."""
        self.live = stream.source.live
        stream.source = Watched(stream.source, self)
        stream.sinks.append(Eye(self))

    @property
    def paused(self) -> bool:
        """A file waits; a live source goes on, unseen."""
        return not self._going.is_set()

    def pause(self) -> None:
        """Pause."""
        self._going.clear()

    def resume(self) -> None:
        """Go on."""
        self._going.set()

    def wait(self) -> None:
        """Wait while paused."""
        self._going.wait()

    def came_in(self, item: Item) -> None:
        """Look at an item before the first step."""
        if self.recorder.on:
            self.recorder.write("input", item)
        if self.inward is not None:
            self.inward.write(item.data)  # type: ignore[union-attr]

    def went_out(self, item: Item) -> None:
        """Look at an item after the last step."""
        if self.recorder.on:
            self.recorder.write("output", item)
        if isinstance(item, Block):
            assert self.outward is not None
            self.outward.write(item.data)
        elif self.shown or self.every_frame:
            self.frame = Frame(item.image.copy(), item.index, item.time)
            self.shown = False
        self.wake()

    def found(self, event: Event) -> None:
        """Take an event."""
        self.recorder.event(event)
        self.kinds.add(event.kind)
        self._events.append((next(self._numbers), event))
        self.wake()

    def events(self, since: int) -> tuple[int, list[Event], int]:
        """The events after number `since`: number of the newest, the events, and how many were left out."""
        kept = list(self._events)
        newest = kept[-1][0] if kept else 0
        fresh = [event for number, event in kept if number > since]
        return newest, fresh, max(0, newest - since - len(fresh))

    def wake(self) -> None:
        """Tell the pages that there is something new."""
        for wake in tuple(self.watchers.values()):
            wake()


class Watched(Source):
    """A source that is looked at, and that waits while the stream is paused if it is a file.

    Parameters
    ----------
    source : Source
        The source itself.
    watch : Watch
        Who looks.
    """

    def __init__(self, source: Source, watch: Watch) -> None:
        self.name, self.live, self.parts = source.name, source.live, source.parts
        self._source = source
        self._watch = watch

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> Spec:
        """Open the source; errors as it has them."""
        spec = self._source.open(dtype)
        self.length = self._source.length
        self._watch.before = spec
        self._watch.inward = Recent(spec) if isinstance(spec, SampleSpec) else None
        self._watch.recorder.expect("input", spec)
        return spec

    def __iter__(self) -> Iterator[Item]:
        """Its items."""
        look, wait, live = self._watch.came_in, self._watch.wait, self.live
        for item in self._source:
            if not live:
                wait()
            look(item)
            yield item

    def stop(self) -> None:
        """Stop it."""
        self._watch.resume()
        self._source.stop()

    def close(self) -> None:
        """Close it."""
        self._source.close()

    def counts(self) -> dict[str, int]:
        """What it counts."""
        return self._source.counts()

    def delays(self) -> dict[str, float]:
        """Its delays."""
        return self._source.delays()


class Eye(Sink):
    """The end of a stream as a page sees it.

    Parameters
    ----------
    watch : Watch
        Who looks.
    """

    name = "page"

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def open(self, spec: Spec) -> None:
        """Note the format."""
        self._watch.after = spec
        self._watch.outward = Recent(spec) if isinstance(spec, SampleSpec) else None
        self._watch.recorder.expect("output", spec)
        self._watch.opened()

    def write(self, item: Item) -> None:
        """Look at one item."""
        self._watch.went_out(item)

    def event(self, event: Event) -> None:
        """Take one event."""
        self._watch.found(event)

    def close(self) -> None:
        """Finish the recordings."""
        self._watch.recorder.switch(False)
