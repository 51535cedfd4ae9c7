"""A tap on a running stream: what comes in and what goes out, for pages and recordings, without holding it up."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from rtkit.core.items import Block, Event, Frame, Item, SampleSpec, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Source
from rtkit.live.history import SampleHistory
from rtkit.live.recorder import Recorder
from rtkit.provided.views import Form

if TYPE_CHECKING:
    from rtkit.core.stream import Stream

#: Events kept for a page that looks 30 times a second.
KEPT_EVENTS = 200


class StreamTap:
    """What there is to see of one stream.

    Parameters
    ----------
    recorder : Recorder
        See below.
    every_frame : bool
        See below.
    forms : mapping of str to str
        How signals are drawn in which there is an event of a kind, or which a processor handles; by its name.

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
    form : str or None
        How signals have to be drawn, as views of what was found in them say; None: as their rate suggests.
    frame : Frame or None
        The newest that went out.
    fetched : bool
        That one has been fetched.
    """

    def __init__(self, recorder: Recorder, every_frame: bool = False, forms: Mapping[str, Form] = MappingProxyType({})) -> None:
        self.recorder = recorder
        self.every_frame = every_frame
        self.input_spec: Spec | None = None
        self.output_spec: Spec | None = None
        self.input_history: SampleHistory | None = None
        self.output_history: SampleHistory | None = None
        self.watchers: dict[object, Callable[[], None]] = {}
        self.opened: Callable[[], None] = lambda: None
        self.live = False
        self.form: Form | None = None
        self._forms = forms
        self.frame: Frame | None = None
        self.fetched = True
        self._events: deque[tuple[int, Event]] = deque(maxlen=KEPT_EVENTS)
        self._numbers = itertools.count(1)
        self._going = threading.Event()
        self._going.set()

    def attach(self, stream: Stream) -> None:
        """Tap both ends of a stream that does not run yet."""
        self.live = stream.source.live
        self.form = next((self._forms[name] for name in stream.chain.names if name in self._forms), None)
        stream.source = TapSource(stream.source, self)
        stream.sinks.append(TapSink(self))

    @property
    def paused(self) -> bool:
        """A file waits; a live source goes on, unseen."""
        return not self._going.is_set()

    def pause(self, paused: bool) -> None:
        """Pause the stream, or let it go on."""
        if paused:
            self._going.clear()
        else:
            self._going.set()

    def wait(self) -> None:
        """Wait while paused."""
        self._going.wait()

    def on_input(self, item: Item) -> None:
        """Look at an item before the first step."""
        if self.recorder.on:
            self.recorder.write("input", item)
        if isinstance(item, Block) and self.input_history is not None:
            self.input_history.write(item.data)

    def on_output(self, item: Item) -> None:
        """Look at an item after the last step."""
        if self.recorder.on:
            self.recorder.write("output", item)
        if isinstance(item, Block):
            assert self.output_history is not None
            self.output_history.write(item.data)
        elif self.fetched or self.every_frame:
            self.frame = Frame(item.image.copy(), item.index, item.time)
            self.fetched = False
        self.wake()

    def on_event(self, event: Event) -> None:
        """Take an event."""
        self.recorder.event(event)
        self.form = self.form or self._forms.get(event.kind)
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


class TapSource(Source):
    """A source that is looked at, and that waits while the stream is paused if it is a file.

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
        look, wait, live = self._tap.on_input, self._tap.wait, self.live
        for item in self._source:
            if not live:
                wait()
            look(item)
            yield item

    def stop(self) -> None:
        """Stop it."""
        self._tap.pause(False)
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
