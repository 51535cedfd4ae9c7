"""What flows through a stream: blocks of samples, frames, events, and the formats of the first two."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.floating[Any]]
Image: TypeAlias = NDArray[np.uint8]

#: Channels that a message names one by one; of more, the first and the last.
MAX_NAMED_CHANNELS = 16


@dataclass(slots=True)
class SampleSpec:
    """Format of a sampled signal.

    Parameters
    ----------
    rate : float
        Samples a second (Hz) of each channel.
    channels : tuple of str
        Names of the channels, in the order of a block's columns.
    """

    rate: float
    channels: tuple[str, ...] = ("mono",)

    def __str__(self) -> str:
        names = self.channels if len(self.channels) <= MAX_NAMED_CHANNELS else (*self.channels[:3], "…", self.channels[-1])
        return f"{len(self.channels)} channel(s) ({', '.join(names)}) at {self.rate:g} Hz"


@dataclass(slots=True)
class FrameSpec:
    """Format of a video: width and height in pixels, frames a second (Hz)."""

    width: int
    height: int
    fps: float

    def __str__(self) -> str:
        return f"frames of {self.width} x {self.height} at {self.fps:g} Hz"


@dataclass(slots=True)
class Block:
    """A run of samples.

    Parameters
    ----------
    data : ndarray
        ``[n, channels]``, float32 (float64 where the source has it and the first processor asks for it).
    start : int
        Index of the first sample in the stream, counted at `rate`.
    rate : float
        Samples a second (Hz).
    channels : tuple of str
        Names of the columns of `data`.
    """

    data: Samples
    start: int
    rate: float
    channels: tuple[str, ...]

    def with_data(self, data: Samples, channels: tuple[str, ...] | None = None) -> Block:
        """A block at the same place with other `data` (and channel names); this one stays as it is."""
        return Block(data, self.start, self.rate, self.channels if channels is None else channels)

    @property
    def time(self) -> float:
        """Stream time (s) of the first sample."""
        return self.start / self.rate


@dataclass(slots=True)
class Frame:
    """A picture: `image` uint8 ``[h, w, 3]`` in BGR order or ``[h, w]``, its `index` and its `time` (s)."""

    image: Image
    index: int
    time: float

    def with_data(self, image: Image) -> Frame:
        """A frame of the same index and time with another `image`; this one stays as it is."""
        return Frame(image, self.index, self.time)


@dataclass(slots=True)
class Event:
    """Something that a processor found.

    Parameters
    ----------
    time : float
        Stream time (s) that it belongs to.
    kind : str
        What it is about, such as ``"echo"`` or ``"beat"``.
    label : str, optional
        The finding.
    score : float, optional
        Confidence, 0 to 1.
    data : dict
        More, such that JSON can hold it.
    """

    time: float
    kind: str
    label: str | None = None
    score: float | None = None
    data: dict[str, Any] = field(default_factory=dict)


Item: TypeAlias = Block | Frame
Spec: TypeAlias = SampleSpec | FrameSpec
