"""A source and a sink for tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.core.items import Block, Event, Item, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Source


class ListSource(Source):
    """Gives the items of a list, copies of them, so that it can be run again.

    Parameters
    ----------
    items : iterable of Block or Frame
        What it gives.
    spec : SampleSpec or FrameSpec
        Their format.
    live : bool
        Whether it passes for a live source, which does not wait for a slow stream.
    raises : Exception, optional
        Raised in place of item number `after`, or at the end if there are fewer.
    after : int
        See `raises`.

    Attributes
    ----------
    opened, closed, stopped : int
        How often that was called.
    """

    name = "list"

    def __init__(self, items: Iterable[Item], spec: Spec, *, live: bool = False, raises: Exception | None = None, after: int = 0) -> None:
        self.live = live
        self.opened = self.closed = self.stopped = 0
        self._items = list(items)
        self.length = sum(len(item.data) if isinstance(item, Block) else 1 for item in self._items)
        self._spec = spec
        self._raises = raises
        self._after = after

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> Spec:
        """Count; the items keep their precision."""
        self.opened += 1
        return deepcopy(self._spec)

    def __iter__(self) -> Iterator[Item]:
        """The items, until the end, `stop`, or the error that was ordered."""
        stopped = self.stopped
        for number, item in enumerate(self._items):
            if self.stopped > stopped or (self._raises is not None and number >= self._after):
                break
            yield deepcopy(item)
        if self._raises is not None and self.stopped == stopped:
            raise self._raises

    def stop(self) -> None:
        """End the iteration."""
        self.stopped += 1

    def close(self) -> None:
        """Count."""
        self.closed += 1


class ListSink(Sink):
    """Collects what a stream gives.

    Parameters
    ----------
    raises : Exception, optional
        Raised by `write` in place of taking item number `after`; ``StopStream()`` plays a window that is closed.
    after : int
        See `raises`.

    Attributes
    ----------
    items : list of Block or Frame
        Copies of what was written.
    events : list of Event
        Events, in order.
    spec : SampleSpec, FrameSpec or None
        The format that it was opened with.
    opened, closed : int
        How often that was called.
    """

    name = "list"

    def __init__(self, *, raises: Exception | None = None, after: int = 0) -> None:
        self.items: list[Item] = []
        self.events: list[Event] = []
        self.spec: Spec | None = None
        self.opened = self.closed = 0
        self._raises = raises
        self._after = after

    def open(self, spec: Spec) -> None:
        """Note the format."""
        self.spec = spec
        self.opened += 1

    def write(self, item: Item) -> None:
        """Keep a copy, or raise what was ordered."""
        if self._raises is not None and len(self.items) >= self._after:
            raise self._raises
        self.items.append(deepcopy(item))

    def event(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)

    def close(self) -> None:
        """Count."""
        self.closed += 1

    @property
    def data(self) -> NDArray[Any]:
        """Everything as one array: samples ``[n, channels]`` or images ``[n, h, w, …]``."""
        return np.concatenate([item.data if isinstance(item, Block) else item.image[None] for item in self.items])
