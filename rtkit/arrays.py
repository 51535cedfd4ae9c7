"""Chains over whole arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.chain import Chain
from rtkit.errors import InputError, UsageError
from rtkit.items import Block, Event, Frame, FrameSpec, Item, SampleSpec
from rtkit.plugins import AnyProcessor
from rtkit.processor import SampleProcessor


def apply(
    chain: str | AnyProcessor | Sequence[str | AnyProcessor],
    items: NDArray[Any],
    *,
    rate: float | None = None,
    fps: float | None = None,
) -> tuple[NDArray[Any], list[Event]]:
    """Run a chain over a whole signal or video in memory.

    Parameters
    ----------
    chain : str, Processor, or a sequence of them
        ``"adaline:tail_ms=64"``, or several steps in a list.
    items : ndarray
        Samples, floating point ``[n]`` or ``[n, channels]``, with `rate`; or frames, uint8 ``[n, h, w]`` or ``[n, h, w, 3]``
        (BGR), with `fps`.
    rate : float, optional
        Samples a second (Hz).
    fps : float, optional
        Frames a second (Hz).

    Returns
    -------
    output : ndarray
        ``[n, channels]`` float32, or frames. Behind the input by the chain's latency, if it has any.
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
    if (rate is None) == (fps is None):
        raise UsageError("apply: expected either rate= (samples) or fps= (frames)")
    made = Chain([chain] if isinstance(chain, str) or not isinstance(chain, Sequence) else chain)
    if rate is not None:
        return _apply_samples(made, np.asarray(items), float(rate))
    assert fps is not None
    return _apply_frames(made, np.asarray(items), float(fps))


def _apply_samples(chain: Chain, samples: NDArray[Any], rate: float) -> tuple[NDArray[Any], list[Event]]:
    if not np.issubdtype(samples.dtype, np.floating) or samples.ndim not in (1, 2) or (samples.ndim == 2 and samples.shape[1] == 0):
        raise InputError(f"apply: expected floating-point samples [n] or [n, channels], got {samples.dtype} {list(samples.shape)}")
    if not 0 < rate < math.inf:
        raise UsageError(f"apply: rate={rate:g} does not fit; expected a number above 0")
    first = chain.steps[0] if chain.steps else None
    dtype = first.dtype if isinstance(first, SampleProcessor) else np.float32
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes Inf, and counts as such
        data = np.array(samples if samples.ndim == 2 else samples[:, None], dtype)  # a copy, ours to hand over
    channels = ("mono",) if data.shape[1] == 1 else tuple(str(number + 1) for number in range(data.shape[1]))
    out = chain.open(SampleSpec(rate, channels))
    assert isinstance(out, SampleSpec)
    parts: list[NDArray[Any]] = [np.zeros((0, len(out.channels)), np.float32)]
    for item in _run(chain, [Block(data, 0, rate, channels)] if len(data) else []):
        assert isinstance(item, Block)
        if len(item.data):
            parts.append(item.data)
    return np.concatenate(parts).astype(np.float32, copy=False), chain.events


def _apply_frames(chain: Chain, frames: NDArray[Any], fps: float) -> tuple[NDArray[Any], list[Event]]:
    if frames.dtype != np.uint8 or frames.ndim not in (3, 4) or 0 in frames.shape[1:] or (frames.ndim == 4 and frames.shape[3] != 3):
        raise InputError(f"apply: expected uint8 frames [n, h, w] or [n, h, w, 3], got {frames.dtype} {list(frames.shape)}")
    if not fps > 0:
        raise UsageError(f"apply: fps={fps:g} does not fit; expected a number above 0")
    chain.open(FrameSpec(frames.shape[2], frames.shape[1], fps))
    made = (Frame(image.copy(), index, index / fps) for index, image in enumerate(frames))  # one by one: a video is large
    images = [item.image for item in _run(chain, made) if isinstance(item, Frame)]
    return (np.stack(images) if images else frames[:0]), chain.events


def _run(chain: Chain, items: Iterable[Item]) -> list[Item]:
    return [*(chain.process(item) for item in items), *chain.close()]
