"""Which axis of a tensor is time, and which are channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtkit.models import Tensor


@dataclass(frozen=True, slots=True)
class Layout:
    """The axes of a tensor that holds a signal.

    Parameters
    ----------
    shape : tuple
        Of the tensor, as the file has it.
    time : int
        Axis of time.
    channel : int or None
        Axis of channels, if there is one.
    """

    shape: tuple[int | str, ...]
    time: int
    channel: int | None

    @classmethod
    def of(cls, tensor: Tensor) -> Layout:
        """Read the axes of a tensor: batch first if there are more than two or the first is 1 or may vary; of the two that are left, time
        is the one that may vary, or else the longer one. Of 1 to 3 axes.
        """
        shape = tensor.shape
        batched = len(shape) == 3 or (len(shape) == 2 and (isinstance(shape[0], str) or shape[0] == 1))
        axes = list(range(1 if batched else 0, len(shape)))
        if len(axes) == 1:
            return cls(shape, axes[0], None)
        varying = [axis for axis in axes if isinstance(shape[axis], str)]
        first_is_longer = bool(varying) or int(shape[axes[0]]) > int(shape[axes[1]])
        time = varying[0] if len(varying) == 1 else axes[not first_is_longer]
        return cls(shape, time, next(axis for axis in axes if axis != time))

    @classmethod
    def of_output(cls, shape: tuple[int, ...], length: int) -> Layout | None:
        """The axes of an output that is a signal of `length` samples: the axis of that size is time. None for a few numbers."""
        axes = [axis for axis, size in enumerate(shape) if size == length and (axis > 0 or len(shape) == 1)]
        if length == 1 or len(shape) > 3 or not axes or (len(shape) == 3 and shape[0] != 1):
            return None
        time = axes[0]
        channel = next((axis for axis in range(1, len(shape)) if axis != time), None)
        return cls(shape, time, channel)

    @property
    def length(self) -> int | None:
        """Samples of time; None for any number."""
        size = self.shape[self.time]
        return size if isinstance(size, int) else None

    @property
    def channels(self) -> int | None:
        """Number of channels; None for any number."""
        size = 1 if self.channel is None else self.shape[self.channel]
        return size if isinstance(size, int) else None

    def sizes(self, samples: int, channels: int) -> dict[str, int]:
        """A number for each size that may vary."""
        sizes = {size: 1 for size in self.shape if isinstance(size, str)}
        if isinstance(name := self.shape[self.time], str):
            sizes[name] = samples
        if self.channel is not None and isinstance(name := self.shape[self.channel], str):
            sizes[name] = channels
        return sizes

    def pack(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples ``[n, channels]`` in the order of the tensor's axes."""
        across = self.channel is not None and self.channel < self.time
        packed = samples[:, 0] if self.channel is None else samples.T if across else samples
        return packed.reshape((1,) * (len(self.shape) - packed.ndim) + packed.shape)

    def unpack(self, value: NDArray[np.float32]) -> NDArray[np.float32]:
        """A tensor's value as samples ``[n, channels]``."""
        if self.channel is None:
            return value.reshape(-1, 1)
        pair = value.reshape(value.shape[-2:])
        return pair if self.time < self.channel else pair.T
