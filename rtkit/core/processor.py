"""The contract of a processor: open, process, close."""

from __future__ import annotations

import html
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Generic, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import InputError, UsageError
from rtkit.core.items import Block, Event, Frame, FrameSpec, Samples, SampleSpec
from rtkit.core.parameters import check_values, parameters_of

ItemT = TypeVar("ItemT", Block, Frame)
SpecT = TypeVar("SpecT", SampleSpec, FrameSpec)


class Processor(ABC, Generic[ItemT, SpecT]):
    """One step of a stream: takes one item, returns one item, may emit events.

    Subclass `SampleProcessor` or `FrameProcessor` and override `process`, and `open` if there is state to allocate. The parameters are the
    keyword arguments of the constructor, with type hints and defaults; keep each under its own name (a dataclass with
    ``eq=False`` does that by itself).

    Attributes
    ----------
    latency : int
        By how many samples or frames the output is behind the input. Valid after `open`.
    live : tuple of str
        Names of the parameters that may change while running, by `set`.
    examples : tuple of dict
        Parameter sets that the laws are checked with (`rtkit.testing`).
    renamed : dict
        Old names of parameters and today's, understood with a DeprecationWarning for one version.
    events : list of Event
        What was emitted; whoever drives the processor takes events out of it.
    spec : SampleSpec or FrameSpec
        The format of the input, after `open`.
    """

    latency: int = 0
    live: ClassVar[tuple[str, ...]] = ()
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({},)
    renamed: ClassVar[dict[str, str]] = {}
    events: list[Event]
    spec: SpecT

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Give every processor its list of events, and refuse items until it is open."""
        self = super().__new__(cls)
        self.events = []  # here and not in __init__, so that an author cannot forget super().__init__()
        self.__dict__["process"] = self._refuse_item  # no check an item: `open` takes it away
        return self

    def _refuse_item(self, item: ItemT) -> ItemT:
        raise UsageError(
            f"{type(self).__name__}: process before open: call open(spec) first, and super().open(spec) in an open of your own"
        )

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
        self.events.clear()
        self.__dict__.pop("process", None)
        return spec

    @abstractmethod
    def process(self, item: ItemT) -> ItemT:
        """Turn one item into one item. Keep no reference to the input, and do not write into its array."""

    def close(self) -> ItemT | None:
        """End of the stream: return the tail, if there is any. Called once for each `open`, also after an error."""
        return None

    def summary(self) -> dict[str, Any]:
        """The outcome of the run in the field's terms, such that JSON can hold it; valid until the next `open`.

        What could not be computed is missing. A list of sentences under ``warnings`` tells what looks wrong.
        """
        return {}

    def emit(self, time: float, kind: str, label: str | None = None, score: float | None = None, **data: Any) -> None:
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
        self.check_live(values)
        for key, value in check_values(type(self), values).items():
            setattr(self, key, value)

    def check_live(self, names: Iterable[str]) -> None:
        """Raise UsageError for a parameter that cannot change while running."""
        for name in names:
            if self.renamed.get(name, name) not in self.live:
                raise UsageError(
                    f"{type(self).__name__}: {name!r} cannot change while running; these can: {', '.join(self.live) or 'none'}"
                )

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.parameters().items())
        return f"{type(self).__name__}({values})"

    def _repr_html_(self) -> str:
        """As a table, for notebooks."""
        rows = "".join(f"<tr><td>{name}</td><td>{html.escape(repr(value))}</td></tr>" for name, value in self.parameters().items())
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"


AnyProcessor: TypeAlias = Processor[Any, Any]


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
    default_rate : float or None
        Rate (Hz) that a table gets which does not tell its own; None: such a table is refused. The first processor decides.
    resizes : bool
        Its blocks have other lengths than those that it takes, and may be empty: it changes the rate.
    """

    dtype: ClassVar[type[np.floating[Any]]] = np.float32
    default_rate: ClassVar[float | None] = None
    resizes: ClassVar[bool] = False
    _stepped = 0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Understand the old name of `default_rate` for one version."""
        super().__init_subclass__(**kwargs)
        _rename(cls, {"untold_rate": "default_rate"})

    def open(self, spec: SampleSpec) -> SampleSpec:
        """Accept the format of the input; see `Processor.open`."""
        self._stepped = 0
        return super().open(spec)

    def step(self, sample: Samples) -> Samples:
        """Process one sample ``[channels]`` and return the output sample; for trying things out, not for speed."""
        data = np.asarray(sample, self.dtype).reshape(1, -1)
        block = self.process(Block(data, self._stepped, self.spec.rate, self.spec.channels))
        self._stepped += 1
        out: Samples = block.data[0]
        return out


class FrameProcessor(Processor[Frame, FrameSpec]):
    """A processor of frames: one in, one out."""


class ParallelFrameProcessor(FrameProcessor):
    """A processor of frames whose heavy part, `infer`, needs nothing but the frame: with threads, it runs for several frames at once.

    Override `infer` and `render`, and `should_infer` if not every frame needs it; `process` is made of them.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Understand the old names of the three for one version."""
        super().__init_subclass__(**kwargs)
        _rename(cls, {"wants": "should_infer", "look": "infer", "finish": "render"})

    def should_infer(self, frame: Frame) -> bool:
        """Whether this frame needs `infer`. Called for every frame, in order."""
        return True

    @abstractmethod
    def infer(self, frame: Frame) -> Any:
        """The heavy part. Called by several threads at once, in any order: it changes nothing that another call sees."""

    @abstractmethod
    def render(self, frame: Frame, found: Any) -> Frame:
        """Turn the frame and what `infer` gave (None if it was not called) into the output. Called in order."""

    def process(self, frame: Frame) -> Frame:
        """The three, one after another."""
        return self.render(frame, self.infer(frame) if self.should_infer(frame) else None)


def _rename(cls: type, names: dict[str, str]) -> None:
    """Give members of a class that stand under an old name the new one, with a warning."""
    for old, new in names.items():
        if old in cls.__dict__ and new not in cls.__dict__:
            warnings.warn(f"{cls.__name__}: {old!r} is called {new!r} now", DeprecationWarning, stacklevel=4)
            setattr(cls, new, cls.__dict__[old])
