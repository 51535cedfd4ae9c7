"""Chains over arrays: a whole one with `apply`, one after another with a `Pipeline`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rtkit.arrays.memory import check_frames, check_rate, check_samples
from rtkit.core.chain import Chain
from rtkit.core.errors import SpecError, UsageError
from rtkit.core.items import Block, Event, Frame, FrameSpec, Item, SampleSpec, Spec
from rtkit.core.processor import AnyProcessor, SampleProcessor
from rtkit.signals.blocks import channel_names

Steps: TypeAlias = str | AnyProcessor | Sequence[str | AnyProcessor]


class Pipeline:
    """A chain in your own loop: arrays of any length in and out, as they come.

    Parameters
    ----------
    steps : str, Processor, or a sequence of them
        ``"echo:tail_ms=128"``, or several steps in a list.
    rate : float, optional
        Samples a second (Hz), for samples.
    fps : float, optional
        Frames a second (Hz), for frames.

    Attributes
    ----------
    chain : Chain
        The processors; open after the first array.

    Raises
    ------
    UsageError
        Neither or both of `rate` and `fps`; a step that does not exist.

    Examples
    --------
    >>> import numpy as np, rtkit
    >>> pipe = rtkit.Pipeline("adaline:tail_ms=8", rate=16000)
    >>> cleaned, events = pipe(np.zeros((160, 2), np.int16))
    >>> cleaned.shape, cleaned.dtype
    ((160, 1), dtype('int16'))
    >>> tail, events = pipe.close()
    """

    def __init__(self, steps: Steps, *, rate: float | None = None, fps: float | None = None) -> None:
        if (rate is None) == (fps is None):
            raise UsageError("pipeline: expected either rate= (samples) or fps= (frames), in Hz")
        self.chain = Chain([steps] if isinstance(steps, str) or not isinstance(steps, Sequence) else steps)
        self._rate = None if rate is None else check_rate(rate, "rate", "pipeline")
        self._fps = None if fps is None else check_rate(fps, "fps", "pipeline")
        self._spec: Spec | None = None
        self._out: Spec | None = None
        self._done = 0  # samples or frames
        self._dtype: np.dtype[Any] = np.dtype(np.float32)

    def __call__(self, items: NDArray[Any]) -> tuple[NDArray[Any], list[Event]]:
        """Process what came next.

        Parameters
        ----------
        items : ndarray
            Samples, float or int16, ``[n]`` or ``[n, channels]``; or frames, uint8 ``[n, h, w]`` or ``[n, h, w, 3]`` (BGR).

        Returns
        -------
        output : ndarray
            ``[n, channels]``, int16 of int16 and float32 of floating point; or frames. Behind the input by `latency`.
        events : list of Event
            Those that came with it.

        Raises
        ------
        InputError
            An array of another type or shape than the first, or of none that fits.
        SpecError
            A step that does not accept this rate or these channels.
        """
        array = np.asarray(items)
        self._open(array)
        if isinstance(self._spec, SampleSpec):
            return self._gather([self.chain.process(block) for block in self._blocks(array)])
        return self._gather([self.chain.process(frame) for frame in self._frames(array)])

    def close(self) -> tuple[NDArray[Any], list[Event]]:
        """End: what was still inside, as of a call. The next call begins anew."""
        tails = self._gather(list(self.chain.close()) if self._spec is not None else [])
        self._spec, self._done = None, 0
        return tails

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.chain.abort()
        self._spec, self._done = None, 0

    @property
    def latency_s(self) -> float:
        """By how much the output is behind the input (s); known after the first call."""
        return self.chain.latency_s() if self._out is not None else 0.0

    def summary(self) -> dict[str, dict[str, Any]]:
        """The outcome so far, by step; see `Processor.summary`."""
        return {name: step.summary() for name, step in zip(self.chain.names, self.chain.steps, strict=True)}

    def __repr__(self) -> str:
        rate = f"rate={self._rate:g}" if self._rate is not None else f"fps={self._fps:g}"
        return f"Pipeline({self.chain.steps!r}, {rate})"

    def _open(self, array: NDArray[Any]) -> None:
        """Open the steps for the first array; check that another one has the same format."""
        if self._rate is not None:
            check_samples(array[:0], "pipeline")
            spec: Spec = SampleSpec(self._rate, channel_names(1 if array.ndim == 1 else array.shape[1]))
        else:
            check_frames(array, "pipeline")
            spec = FrameSpec(array.shape[2], array.shape[1], float(self._fps or 0))
        if self._spec == spec:
            return
        if self._spec is not None:
            raise SpecError(f"pipeline: got {spec} after {self._spec}; close() it first, or make another one")
        try:
            self._out = self.chain.open(spec)
        except SpecError as error:
            transposed = array.ndim == 2 and array.shape[0] < array.shape[1] and self._rate is not None
            hint = f"; samples are [n, channels], and these are {list(array.shape)}: is it the transpose (x.T) that is meant?"
            raise SpecError(f"{error}{hint if transposed else ''}", error.rate) from None
        self._spec, self._dtype = spec, np.dtype(np.int16 if array.dtype == np.int16 else np.float32)

    def _blocks(self, array: NDArray[Any]) -> Iterable[Block]:
        assert isinstance(self._spec, SampleSpec)
        first = self.chain.steps[0] if self.chain.steps else None
        data = check_samples(array, "pipeline", first.dtype if isinstance(first, SampleProcessor) else np.float32)
        if len(data):
            yield Block(data, self._done, self._spec.rate, self._spec.channels)
        self._done += len(data)

    def _frames(self, array: NDArray[Any]) -> Iterable[Frame]:
        assert isinstance(self._spec, FrameSpec)
        for image in array:  # one by one: a video is large
            yield Frame(image.copy(), self._done, self._done / self._spec.fps)
            self._done += 1

    def _gather(self, items: list[Item]) -> tuple[NDArray[Any], list[Event]]:
        """One array of what came out, and the events."""
        events = self.chain.events[:]
        self.chain.events.clear()
        images = [item.image for item in items if isinstance(item, Frame)]
        if isinstance(self._out, FrameSpec):
            return np.stack(images) if images else np.zeros((0, self._out.height, self._out.width, 3), np.uint8), events
        channels = len(self._out.channels) if self._out is not None else 0
        parts = [np.zeros((0, channels), np.float32), *(item.data for item in items if isinstance(item, Block) and len(item.data))]
        data = np.concatenate(parts).astype(np.float32, copy=False)
        if self._dtype == np.int16:
            return np.clip(np.rint(np.nan_to_num(data) * 32768), -32768, 32767).astype(np.int16), events
        return data, events


def apply(chain: Steps, items: NDArray[Any], *, rate: float | None = None, fps: float | None = None) -> tuple[NDArray[Any], list[Event]]:
    """Run a chain over a whole signal or video in memory.

    Parameters
    ----------
    chain : str, Processor, or a sequence of them
        ``"adaline:tail_ms=64"``, or several steps in a list.
    items : ndarray
        Samples, float or int16, ``[n]`` or ``[n, channels]``, with `rate`; or frames, uint8 ``[n, h, w]`` or ``[n, h, w, 3]``
        (BGR), with `fps`.
    rate : float, optional
        Samples a second (Hz).
    fps : float, optional
        Frames a second (Hz).

    Returns
    -------
    output : ndarray
        ``[n, channels]``, int16 of int16 and else float32; or frames. Behind the input by the chain's latency, if it has any.
    events : list of Event
        In the order in which they were emitted.

    Raises
    ------
    UsageError
        Neither or both of `rate` and `fps`; a chain that does not exist.
    InputError
        An array of another type or shape.
    SpecError
        A step that does not accept this rate or these channels.

    Examples
    --------
    >>> import numpy as np, rtkit
    >>> far = np.random.default_rng(0).standard_normal(16000).astype(np.float32) * 0.1
    >>> near = 0.5 * np.roll(far, 20)
    >>> cleaned, events = rtkit.apply("adaline:tail_ms=8", np.stack([near, far], axis=1), rate=16000)
    >>> cleaned.shape, events[-1].label
    ((16000, 1), 'tracking')
    """
    with Pipeline(chain, rate=rate, fps=fps) as pipe:
        output, events = pipe(items)
        tail, late = pipe.close()
        if len(output) and not len(tail):
            return output, events + late
        return np.concatenate((output, tail)), events + late
