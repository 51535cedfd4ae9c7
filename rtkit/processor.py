"""The contract of a processor: open, process, close."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from rtkit.errors import InputError, UsageError
from rtkit.items import Block, Event, Frame, FrameSpec, Samples, SampleSpec
from rtkit.parameters import check_values, parameters_of

ItemT = TypeVar("ItemT", Block, Frame)
SpecT = TypeVar("SpecT", SampleSpec, FrameSpec)


class Processor(Generic[ItemT, SpecT]):
    """One step of a stream: takes one item, returns one item, may emit events.

    Subclass `SampleProcessor` or `FrameProcessor` and override `open` and `process`. The parameters are the
    keyword arguments of the constructor, with type hints and defaults; keep each under its own name (a dataclass with
    ``eq=False`` does that by itself).

    Attributes
    ----------
    latency : int
        By how many samples or frames the output is behind the input. Valid after `open`.
    live : tuple of str
        Names of the parameters that may change while running, by `set`.
    events : list of Event
        What was emitted; whoever drives the processor takes events out of it.
    spec : SampleSpec or FrameSpec
        The format of the input, after `open`.
    """

    latency: int = 0
    live: ClassVar[tuple[str, ...]] = ()
    events: list[Event]
    spec: SpecT

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Give every processor its list of events."""
        self = super().__new__(cls)
        self.events = []  # here and not in __init__, so that an author cannot forget super().__init__()
        return self

    def __post_init__(self) -> None:
        """Check the parameters of a processor that is a dataclass."""
        for name, value in check_values(type(self), self.parameters()).items():
            setattr(self, name, value)

    def parameters(self) -> dict[str, Any]:
        """The values of the parameters by name, such that the class called with them gives another processor like this one.

        Override it where a parameter is not kept under its own name.
        """
        return {p.name: getattr(self, p.name) for p in parameters_of(type(self)) if hasattr(self, p.name)}

    def open(self, spec: SpecT) -> SpecT:
        """Accept the format of the input, allocate state, and return the format of the output.

        An override calls ``super().open(spec)`` first.

        Raises
        ------
        SpecError
            The format is not accepted; the message says what is needed.
        """
        self.spec = spec
        return spec

    def process(self, item: ItemT) -> ItemT:
        """Turn one item into one item. Keep no reference to the input, and do not write into its array."""
        raise NotImplementedError

    def close(self) -> ItemT | None:
        """End of the stream: return the tail, if there is any."""
        return None

    def emit(
        self,
        time: float,
        kind: str,
        label: str | None = None,
        score: float | None = None,
        **data: Any,
    ) -> None:
        """Emit an `Event` at stream time `time` (s)."""
        self.events.append(Event(time, kind, label, score, data))

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that was learned or remembered, as arrays; `load_state` puts it back. Valid after `open`."""
        return {}

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave. Call after `open`.

        Raises
        ------
        InputError
            The state is of another kind or size.
        """

    def set(self, **values: Any) -> None:
        """Change live parameters while running.

        Raises
        ------
        UsageError
            A parameter that is not declared in `live`, or a value that its type does not allow.
        """
        name = type(self).__name__
        for key in values:
            if key not in self.live:
                raise UsageError(f"{name}: {key!r} cannot change while running; these can: {', '.join(self.live) or 'none'}")
        for key, value in check_values(type(self), values).items():
            setattr(self, key, value)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.parameters().items())
        return f"{type(self).__name__}({values})"


def restore(owner: str, targets: Mapping[str, NDArray[Any]], state: Mapping[str, NDArray[Any]]) -> None:
    """Copy the arrays of a state into those of a processor, all of them or none: what a `Processor.load_state` is made of.

    Parameters
    ----------
    owner : str
        Whose state it is, for errors.
    targets : dict of str to ndarray
        What is written into, by name.
    state : dict of str to ndarray
        As `Processor.state` gave it.

    Raises
    ------
    InputError
        An array is missing or of another shape.
    """
    for name, target in targets.items():
        if name not in state or state[name].shape != target.shape:
            found = state[name].shape if name in state else "none"
            raise InputError(f"state of {owner}: {name} should have shape {target.shape}, found {found}")
    for name, target in targets.items():
        target[...] = state[name]


def read_state(owner: str, layout: Mapping[str, tuple[int | None, ...]], state: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Copies of the arrays of a state, checked: for arrays that change their size, where `restore` does not serve.

    Parameters
    ----------
    owner : str
        Whose state it is, for errors.
    layout : dict of str to tuple of int
        The shape of each array that is needed, None for a size that may vary.
    state : dict of str to ndarray
        As `Processor.state` gave it.

    Raises
    ------
    InputError
        An array is missing or of another shape.
    """
    for name, shape in layout.items():
        found = state[name].shape if name in state else None
        if found is None or len(found) != len(shape) or any(size not in (None, there) for size, there in zip(shape, found, strict=True)):
            raise InputError(f"state of {owner}: {name} should have shape {shape}, found {'none' if found is None else found}")
    return {name: state[name].copy() for name in layout}


class SampleProcessor(Processor[Block, SampleSpec]):
    """A processor of blocks of samples.

    It obeys the block-size law: however a stream is cut into blocks, output and events are the same.

    Attributes
    ----------
    dtype : numpy type
        Precision that it wants, float32 or float64; a stream follows what its first processor asks for.
    untold_rate : float or None
        Rate (Hz) that a table gets which does not tell its own; None: such a table is refused. The first processor decides.
    """

    dtype: ClassVar[type[np.floating[Any]]] = np.float32
    untold_rate: ClassVar[float | None] = None
    _stepped = 0

    def step(self, sample: Samples) -> Samples:
        """Process one sample ``[channels]`` and return the output sample; for trying things out, not for speed."""
        data = np.asarray(sample, self.dtype).reshape(1, -1)
        block = self.process(Block(data, self._stepped, self.spec.rate, self.spec.channels))
        self._stepped += 1
        out: Samples = block.data[0]
        return out


class FrameProcessor(Processor[Frame, FrameSpec]):
    """A processor of frames: one in, one out."""


class SplitFrameProcessor(FrameProcessor):
    """A processor of frames whose heavy part, `look`, needs nothing but the frame: with threads, several frames are looked at at once.

    Override `look` and `finish`, and `wants` if not every frame needs a look; `process` is made of them.
    """

    def wants(self, frame: Frame) -> bool:
        """Whether this frame needs a look. Called for every frame, in order."""
        return True

    def look(self, frame: Frame) -> Any:
        """The heavy part. Called by several threads at once, in any order: it changes nothing that another call sees."""
        raise NotImplementedError

    def finish(self, frame: Frame, found: Any) -> Frame:
        """Turn the frame and what `look` gave (None if the frame was not looked at) into the output. Called in order."""
        raise NotImplementedError

    def process(self, frame: Frame) -> Frame:
        """The three, one after another."""
        return self.finish(frame, self.look(frame) if self.wants(frame) else None)
