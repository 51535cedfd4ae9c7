"""Processors that break the laws, each one of them; `BREAKS` says which. Those of `gain` obey."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np

from rtkit import Block, FrameProcessor, FrameSpec, ParallelFrameProcessor, Range, SampleProcessor, SampleSpec
from tests.core.gain import Delay


def clean(block):
    return np.nan_to_num(block.data, nan=0, posinf=0, neginf=0)


class Clean(SampleProcessor):
    """Passes on what is finite; obeys."""

    def process(self, block):
        return block.with_data(clean(block))


# format


class WrongChannels(Clean):
    """Promises other channels than it gives."""

    def open(self, spec):
        super().open(spec)
        return SampleSpec(spec.rate, ("left",))


class ChangesTheFormat(Clean):
    """Writes into the format that it is offered."""

    def open(self, spec):
        super().open(spec)
        spec.channels = spec.channels[:1]
        return spec


class EventsNoJsonCanHold(Clean):
    """Tells of an array."""

    def process(self, block):
        if block.start == 0:
            self.emit(0.0, "peak", peaks=block.data.max(axis=0))
        return super().process(block)


# block size


class PerBlockMean(SampleProcessor):
    """Takes away the mean of each block."""

    def process(self, block):
        return block.with_data(clean(block) - clean(block).mean(axis=0))


class EventPerBlock(Clean):
    """Tells of each block."""

    def process(self, block):
        self.emit(block.time, "block")
        return super().process(block)


# causality


class Peeks(SampleProcessor):
    """Turns each block round."""

    def process(self, block):
        return block.with_data(clean(block)[::-1].copy())


# tail


class TailAtZero(Delay):
    """Its tail begins at sample 0."""

    def close(self):
        tail = super().close()
        tail.start = 0
        return tail


class TailAfterTheFirstBlock(Delay):
    """Counts its samples from 0, in a stream that does not begin there."""

    def open(self, spec):
        self._count = 0
        return super().open(spec)

    def process(self, block):
        self._count += len(block.data)
        return super().process(block)

    def close(self):
        tail = super().close()
        tail.start = self._count
        return tail


class TailOfNonsense(Delay):
    """Its tail is NaN."""

    def close(self):
        tail = super().close()
        return tail.with_data(np.full_like(tail.data, np.nan))


class TailTooShort(Delay):
    """Keeps some samples for itself."""

    def close(self):
        tail = super().close()
        return tail.with_data(tail.data[:3])


class NoTail(Delay):
    """Keeps all of them."""

    def close(self):
        return None


# latency


class LatencyThatIsNoDelay(Clean):
    """Says that it is late, and is not; the tail is as long as it says."""

    latency = 10
    _next = 0

    def process(self, block):
        self._next = block.start + len(block.data)
        return super().process(block)

    def close(self):
        return Block(np.zeros((10, len(self.spec.channels)), np.float32), self._next, self.spec.rate, self.spec.channels)


class DelayWithoutLatency(Delay):
    """Is late, and does not say so."""

    latency = 0

    def close(self):
        return None


# stream time


class CountsFromZero(Clean):
    """Tells the time by samples that it counted."""

    def open(self, spec):
        self._count = 0
        return super().open(spec)

    def process(self, block):
        for _ in range(len(block.data)):
            self._count += 1
            if self._count % 1000 == 0:
                self.emit(self._count / self.spec.rate, "thousand")
        return super().process(block)


# no poison


class PassesInf(SampleProcessor):
    """Passes on whatever comes."""

    def process(self, block):
        return block


class InfIsHuge(SampleProcessor):
    """Takes Inf for the largest number."""

    def process(self, block):
        return block.with_data(np.nan_to_num(block.data))


class Poisoned(SampleProcessor):
    """A running sum, which no NaN ever leaves."""

    def open(self, spec):
        self._sum = np.zeros(len(spec.channels))
        return super().open(spec)

    def process(self, block):
        out = np.cumsum(np.where(np.isinf(block.data), np.nan, block.data), axis=0, dtype=np.float64) + self._sum
        self._sum = out[-1].copy()
        return block.with_data(out.astype(np.float32))

    def state(self):
        return {"sum": self._sum.copy()}

    def load_state(self, state):
        self._sum = state["sum"].copy()


# state


class MemoryWithoutState(Delay):
    """Has a memory that `state` says nothing of."""

    def state(self):
        return {}

    def load_state(self, state):
        pass


class Forgets(Delay):
    """Does nothing with its state."""

    def load_state(self, state):
        pass


class StateThatIsNoCopy(Delay):
    """Gives the array that it works with."""

    def process(self, block):
        before = self._kept
        out = super().process(block)
        before[:] = self._kept
        self._kept = before
        return out

    def state(self):
        return {"kept": self._kept}


class IdleState(Clean):
    """A state that nothing depends on."""

    def state(self):
        return {"nothing": np.zeros(3)}


class EventsWithoutState(Clean):
    """Tells each thousandth sample, but forgets where it was."""

    _left = 1000

    def open(self, spec):
        self._left = 1000
        return super().open(spec)

    def process(self, block):
        for number in range(len(block.data)):
            self._left -= 1
            if self._left == 0:
                self.emit((block.start + number) / self.spec.rate, "thousand")
                self._left = 1000
        return super().process(block)


# reopen


class GoesOnWhenReopened(Delay):
    """Keeps its memory."""

    def open(self, spec):
        kept = getattr(self, "_kept", None)
        super().open(spec)
        if kept is not None:
            self._kept = kept
        return spec


# live parameters


@dataclass(eq=False)
class DeadLiveParameter(Clean):
    """Uses its parameter nowhere.

    Parameters
    ----------
    factor : float
        What to multiply by.
    """

    factor: Annotated[float, Range(0, 10)] = 1.0
    live: ClassVar = ("factor",)


@dataclass(eq=False)
class SetTooLate(DeadLiveParameter):
    """Looks at its parameter when it is opened.

    Parameters
    ----------
    factor : float
        What to multiply by.
    """

    def open(self, spec):
        self._factor = np.float32(self.factor)
        return super().open(spec)

    def process(self, block):
        return block.with_data(clean(block) * self._factor)


class LiveWithoutParameter(Clean):
    """Names a parameter that it has not."""

    live = ("factor",)


# no hold


class Keeps(SampleProcessor):
    """Keeps the input's array."""

    _kept = None

    def open(self, spec):
        self._kept = None
        return super().open(spec)

    def process(self, block):
        out = clean(block) if self._kept is None else clean(block) + self._kept[-1:]
        self._kept = block.data
        return block.with_data(out)


class WritesInput(SampleProcessor):
    """Writes into the array that it was given."""

    def process(self, block):
        block.data *= 2
        return block


class HandsOnItsBuffer(SampleProcessor):
    """Gives the array away that it writes into with the next block."""

    def open(self, spec):
        self._out = np.zeros((100_000, len(spec.channels)), np.float32)
        return super().open(spec)

    def process(self, block):
        out = self._out[: len(block.data)]
        out[:] = clean(block)
        return block.with_data(out)


# clone


@dataclass(eq=False)
class Doubles(Clean):
    """Makes something else of its parameter.

    Parameters
    ----------
    factor : float
        What to multiply by.
    """

    factor: Annotated[float, Range(0, 10)] = 1.0

    def __post_init__(self):
        self.factor *= 2


class LosesItsParameter(Clean):
    """Keeps its parameter under another name.

    Parameters
    ----------
    factor : float
        What to multiply by.
    """

    def __init__(self, factor: Annotated[float, Range(0, 10)] = 1.0) -> None:
        self._factor = factor


# documented


@dataclass(eq=False)
class Undocumented(Clean):
    """Does not say what its parameter is."""

    mode: Literal["a", "b"] = "a"


@dataclass(eq=False)
class WithoutRange(Clean):
    """Takes any number.

    Parameters
    ----------
    factor : float
        What to multiply by.
    """

    factor: float = 1.0


@dataclass(eq=False)
class WithoutUnit(Clean):
    """Minutes or milliseconds?

    Parameters
    ----------
    hold : float
        Time after which it lets go.
    """

    hold: Annotated[float, Range(0, 10)] = 1.0


# life cycle


class NeedsNoOpen(SampleProcessor):
    """Works without having been opened."""

    def __init__(self):
        self.process = lambda block: block.with_data(clean(block))

    def process(self, block):
        raise AssertionError


class ClosesTwice(Clean):
    """Tells its last event at each close."""

    def close(self):
        self.emit(0.0, "end")


# frames


class RenumbersFrames(FrameProcessor):
    """Counts the frames itself."""

    def open(self, spec):
        self._count = 0
        return super().open(spec)

    def process(self, frame):
        frame.index, self._count = self._count, self._count + 1
        return frame


class WrongSize(FrameProcessor):
    """Promises half the size."""

    def open(self, spec):
        super().open(spec)
        return FrameSpec(spec.width // 2, spec.height // 2, spec.fps)

    def process(self, frame):
        return frame


class ColourOnly(FrameProcessor):
    """Cannot take a grey frame."""

    def process(self, frame):
        return frame.with_data(frame.image[:, :, ::-1].copy().reshape(*frame.image.shape[:2], 3))


class FadesWithoutState(FrameProcessor):
    """Mixes each frame with the one before, and has no state."""

    def open(self, spec):
        self._last = None
        return super().open(spec)

    def process(self, frame):
        last, self._last = self._last, frame.image.copy()
        return frame if last is None or last.shape != frame.image.shape else frame.with_data(frame.image // 2 + last // 2)


class WritesFrames(FrameProcessor):
    """Writes into the image that it was given."""

    def process(self, frame):
        frame.image[0] = 0
        return frame


class KeepsFrames(FadesWithoutState):
    """Keeps the last image."""

    def process(self, frame):
        last, self._last = self._last, frame.image
        return frame if last is None or last.shape != frame.image.shape else frame.with_data(frame.image // 2 + last // 2)


# threads


class InfersInOrder(ParallelFrameProcessor):
    """What it infers depends on how many frames it has seen before."""

    def open(self, spec):
        self._count = 0
        return super().open(spec)

    def infer(self, frame):
        self._count += 1
        return self._count

    def render(self, frame, found):
        return frame.with_data(np.full_like(frame.image, found))


#: Names of the laws of samples and of frames, and who breaks them.
BREAKS = {
    "format": [WrongChannels, ChangesTheFormat, EventsNoJsonCanHold],
    "block size": [PerBlockMean, EventPerBlock],
    "causality": [Peeks],
    "tail": [TailAtZero, TailAfterTheFirstBlock, TailOfNonsense, TailTooShort, NoTail],
    "latency": [LatencyThatIsNoDelay, DelayWithoutLatency],
    "stream time": [CountsFromZero],
    "no poison": [PassesInf, InfIsHuge, Poisoned],
    "state": [MemoryWithoutState, Forgets, StateThatIsNoCopy, IdleState, EventsWithoutState, FadesWithoutState],
    "reopen": [GoesOnWhenReopened],
    "live parameters": [DeadLiveParameter, SetTooLate, LiveWithoutParameter],
    "no hold": [Keeps, WritesInput, HandsOnItsBuffer, WritesFrames, KeepsFrames],
    "clone": [Doubles, LosesItsParameter],
    "documented": [Undocumented, WithoutRange, WithoutUnit],
    "life cycle": [NeedsNoOpen, ClosesTwice],
    "frames": [RenumbersFrames, WrongSize, ColourOnly],
    "threads": [InfersInOrder],
}
