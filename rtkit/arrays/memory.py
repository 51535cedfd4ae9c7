"""Arrays, iterables and functions of the caller as ends of a stream."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import InputError, UsageError
from rtkit.core.items import Block, Frame, FrameSpec, Item, SampleSpec, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Options, Source
from rtkit.signals.blocks import BLOCK_SAMPLES, channel_names


def check_samples(array: NDArray[Any], owner: str, dtype: type[np.floating[Any]] = np.float32) -> NDArray[Any]:
    """Samples ``[n, channels]`` in -1..1, in an array of their own, from those of a caller, float or int16.

    Raises
    ------
    InputError
        Another type or shape.
    """
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] == 0) or not _is_sampled(array):
        raise InputError(f"{owner}: expected float or int16 samples [n] or [n, channels], got {array.dtype} {list(array.shape)}")
    data = array if array.ndim == 2 else array[:, None]
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes Inf, and counts as such
        return np.array(data, dtype) / dtype(32768) if array.dtype == np.int16 else np.array(data, dtype)


def check_frames(array: NDArray[Any], owner: str) -> NDArray[np.uint8]:
    """Frames ``[n, h, w]`` or ``[n, h, w, 3]`` of a caller; raises InputError for another type or shape."""
    if array.dtype != np.uint8 or array.ndim not in (3, 4) or 0 in array.shape[1:] or (array.ndim == 4 and array.shape[3] != 3):
        raise InputError(f"{owner}: expected uint8 frames [n, h, w] or [n, h, w, 3], got {array.dtype} {list(array.shape)}")
    return array


def check_rate(value: float | None, name: str, owner: str) -> float:
    """A rate (Hz) that a caller gave; raises UsageError if it is missing or not above 0."""
    if value is None or not 0 < value < math.inf:
        raise UsageError(f"{owner}: {name}={value} does not fit; expected a number above 0 (Hz)")
    return float(value)


def _is_sampled(array: NDArray[Any]) -> bool:
    return array.dtype == np.int16 or np.issubdtype(array.dtype, np.floating)


class ArraySource(Source):
    """Samples ``[n]`` or ``[n, channels]`` (float, int16), or frames ``[n, h, w(, 3)]`` (uint8), in memory.

    Parameters
    ----------
    array : ndarray
        Not written into.
    options : Options
        `rate` of samples, `fps` of frames, and `block` (4,096 samples) hold.
    """

    name = "array"

    def __init__(self, array: NDArray[Any], options: Options) -> None:
        self._array = array
        self._options = options
        self.length = len(array) if array.ndim else 0

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> Spec:
        """Look at type and shape.

        Raises
        ------
        InputError
            Neither samples nor frames.
        UsageError
            No rate is given.
        """
        if self._array.dtype == np.uint8:
            frames = check_frames(self._array, "array")
            self._fps = check_rate(self._options.fps, "fps", "array of frames")
            return FrameSpec(frames.shape[2], frames.shape[1], self._fps)
        self._samples = check_samples(self._array, "array", dtype)
        rate = check_rate(self._options.rate or self._options.default_rate, "rate", "array of samples")
        self._spec = SampleSpec(rate, channel_names(self._samples.shape[1]))
        return self._spec

    def __iter__(self) -> Iterator[Item]:
        """Blocks, or frames."""
        if self._array.dtype == np.uint8:
            for index, image in enumerate(self._array):
                yield Frame(image.copy(), index, index / self._fps)
            return
        size = self._options.block or BLOCK_SAMPLES
        for start in range(0, len(self._samples), size):
            yield Block(self._samples[start : start + size], start, self._spec.rate, self._spec.channels)


class IterableSource(Source):
    """What an iterable gives: blocks or frames, or arrays of samples ``[n(, channels)]`` or of one picture ``[h, w(, 3)]`` each.

    Parameters
    ----------
    items : iterable
        Asked for its first item when the stream opens.
    options : Options
        `rate` and `fps` hold for arrays, and `fps` for frames.
    """

    name = "iterable"

    def __init__(self, items: Iterable[Any], options: Options) -> None:
        self._items = items
        self._options = options
        self._stopped = False

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> Spec:
        """Take the first item and see what it is.

        Raises
        ------
        InputError
            There is none, or it is neither samples nor a picture.
        UsageError
            No rate is given.
        """
        self._dtype = dtype
        rest = iter(self._items)
        first = next(rest, None)
        if first is None:
            raise InputError(f"{self.name}: gave no item; expected blocks, frames or arrays")
        self._start = 0
        self._rate = self._options.rate or self._options.default_rate
        if isinstance(first, Block):
            self._rate = first.rate
        item = self._item(first)
        self._ahead = itertools.chain([item], map(self._item, rest))
        if isinstance(item, Block):
            return SampleSpec(item.rate, item.channels)
        return FrameSpec(item.image.shape[1], item.image.shape[0], check_rate(self._options.fps, "fps", "iterable of frames"))

    def __iter__(self) -> Iterator[Item]:
        """Items as they come."""
        for item in self._ahead:
            yield item
            if self._stopped:
                return

    def stop(self) -> None:
        """End the iteration behind the item that is under way."""
        self._stopped = True

    def _item(self, given: Any) -> Item:
        """One item, from what the iterable gave."""
        if isinstance(given, Block):
            return given.with_data(given.data)  # one of our own, to be changed on its way
        if isinstance(given, Frame):
            return given.with_data(given.image)
        array = np.asarray(given)
        if array.dtype == np.uint8:
            image = check_frames(array[None], self.name)[0].copy()
            self._start += 1
            return Frame(image, self._start - 1, (self._start - 1) / check_rate(self._options.fps, "fps", "iterable of frames"))
        data = check_samples(array, self.name, self._dtype)
        block = Block(data, self._start, check_rate(self._rate, "rate", "iterable of samples"), channel_names(data.shape[1]))
        self._start += len(data)
        return block


class FunctionSink(Sink):
    """A function of the caller that is called with each item; it may raise `StopStream`.

    Parameters
    ----------
    function : callable
        Takes a `Block` or a `Frame`, and keeps no reference to its array.
    options : Options
        None holds.
    """

    def __init__(self, function: Callable[[Any], Any], options: Options) -> None:
        self.name = getattr(function, "__name__", type(function).__name__)
        self._function = function

    def open(self, spec: Spec) -> None:
        """Any format fits."""

    def write(self, item: Item) -> None:
        """Call the function."""
        self._function(item)
