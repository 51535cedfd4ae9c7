"""The contract of a source, and the options that sources and sinks share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from rtkit.core.errors import UsageError
from rtkit.core.items import Item, Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a command line may say about its sources and sinks.

    Parameters
    ----------
    rate : float, optional
        Samples a second (Hz), for what has no rate of its own: devices, raw samples, synthetic signals.
    channels : int, optional
        Number of channels, likewise.
    block : int, optional
        Samples in a block; a device's own choice or some 4,096 for files when not given.
    latency : float, optional
        Buffering (s) asked of an audio device.
    format : str, optional
        Layout of what is raw on standard input and output: of samples, such as ``"s16le"`` (the default) or ``"f32le"``, or of
        frames, such as ``"bgr24"`` or ``"y4m"``.
    fps : float, optional
        Most frames a second (Hz) that a camera or video hands on; the frame rate of pictures and raw frames, which have none.
    size : str, optional
        Size of frames, ``"640x480"``: asked of a camera, that of raw frames; what has another size is fitted into it.
    reconnect : float
        Seconds for which a lost device is retried.
    default_rate : float, optional
        Rate (Hz) of a table that does not tell its own, where `rate` is not given; a stream sets it as its first step wishes.
    """

    rate: float | None = None
    channels: int | None = None
    block: int | None = None
    latency: float | None = None
    format: str | None = None
    reconnect: float = 30.0
    fps: float | None = None
    size: str | None = None
    default_rate: float | None = None


class Source(ABC):
    """Where items come from. Made from its name (the text after ``kind:``, or a path) and the `Options`.

    Attributes
    ----------
    name : str
        What it is called in errors and in the report.
    live : bool
        It comes in real time: it does not wait for a slow stream, and what it loses it counts.
    length : int or None
        Items or samples to come, where that is known before; valid after `open`.
    parts : tuple of str
        Files that belong to it beside the one that names it: no sink may overwrite them.
    gives : str or None
        ``"samples"`` or ``"frames"``; None if that shows only when it is opened.
    open_to_pages : bool
        A page of `rtkit live` may ask for it by name: a device or a signal that is made up, whose name (``kind:REST``, without a slash)
        leads to no file and no address.
    formats : tuple of str
        Values of `Options.format` that it reads from standard input. Sources of one name stand side by side if these differ.
    magic : bytes
        What its streams on standard input begin with, if that tells them from others.
    """

    gives: ClassVar[Literal["samples", "frames"] | None] = None
    open_to_pages: ClassVar[bool] = False

    name: str = ""
    live: bool = False
    length: int | None = None
    parts: tuple[str, ...] = ()
    formats: ClassVar[tuple[str, ...]] = ()
    magic: ClassVar[bytes] = b""

    @abstractmethod
    def open(self, dtype: type[np.floating[Any]] = np.float32) -> Spec:
        """Open it and say what it offers. `dtype` is the precision wanted; a source that has less gives float32.

        Raises
        ------
        InputError
            A file that is missing, damaged or of another kind.
        DeviceError
            A device that is not there or does not open.
        """

    @abstractmethod
    def __iter__(self) -> Iterator[Item]:
        """The items, until the end or `stop`. Errors as in `open`."""

    def stop(self) -> None:
        """Ask for the end from another thread; a live source then ends its iteration within a block."""

    def close(self) -> None:
        """Free what `open` took; called once, also after an error."""

    def with_far(self, far: Source, options: Options) -> Source:
        """Take this source as near end and `far` as the far-end channel beside it.

        Raises
        ------
        UsageError
            The two do not go together.
        """
        raise UsageError(f"{self.name}: takes no far end")

    def counts(self) -> dict[str, int]:
        """What went wrong, counted (samples or frames): such as ``lost``, ``overrun``, ``reconnects``."""
        return {}

    def delays(self) -> dict[str, float]:
        """Delays in front of the first processor, in seconds, by where they arise: such as ``input device``, ``input ring``."""
        return {}
