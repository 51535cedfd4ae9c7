"""Processors that tests use: simple ones that obey the laws, and ones that break each of them."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from rtkit import FrameProcessor, FrameSpec, Range, SampleProcessor, SampleSpec, SpecError


@dataclass(eq=False)
class Gain(SampleProcessor):
    """Multiply by a constant, and say once a second how loud it was.

    Parameters
    ----------
    factor : float
        What to multiply by.
    mode : str
        Nothing much.
    """

    factor: Annotated[float, Range(0, 10)] = 1.0
    mode: Literal["a", "b"] = "a"
    live = ("factor",)

    def open(self, spec):
        super().open(spec)
        self._heard = 0
        return spec

    def process(self, block):
        out = np.nan_to_num(block.data, nan=0.0, posinf=0.0, neginf=0.0) * np.float32(self.factor)
        second = round(self.spec.rate)
        for sample in range(self._heard, self._heard + len(out)):
            if (sample + 1) % second == 0:
                self.emit((sample + 1) / self.spec.rate, "gain", "second", factor=self.factor)
        self._heard += len(out)
        return block.with_data(out)


class Through(SampleProcessor):
    """Pass through."""

    def process(self, block):
        return block


class Wants8k(SampleProcessor):
    """Takes 8 kHz only."""

    def open(self, spec):
        if spec.rate != 8000:
            raise SpecError(f"needs 8000 Hz, got {spec}", rate=8000)
        return super().open(spec)

    def process(self, block):
        assert len(block.data)
        return block.with_data(np.nan_to_num(block.data, nan=0, posinf=0, neginf=0))


class Delay(SampleProcessor):
    """Ten samples late; the tail comes at the end."""

    latency = 10

    def open(self, spec):
        super().open(spec)
        self._kept = np.zeros((10, len(spec.channels)), np.float32)
        return spec

    def process(self, block):
        data = np.concatenate((self._kept, np.nan_to_num(block.data, nan=0, posinf=0, neginf=0)))
        self._kept = data[-10:].copy()
        self._next = block.start + len(block.data)
        return block.with_data(data[:-10].copy())

    def close(self):
        from rtkit import Block

        return Block(self._kept, self._next, self.spec.rate, self.spec.channels)

    def state(self):
        return {"kept": self._kept.copy()}

    def load_state(self, state):
        self._kept = state["kept"].copy()


class Invert(FrameProcessor):
    """Negative picture."""

    def open(self, spec):
        super().open(spec)
        return FrameSpec(spec.width, spec.height, spec.fps)

    def process(self, frame):
        return frame.with_data(255 - frame.image)


class PerBlockMean(Through):
    """Breaks the block-size law."""

    def process(self, block):
        return block.with_data(block.data - block.data.mean(axis=0))


class Peeks(Through):
    """Breaks causality."""

    def process(self, block):
        return block.with_data(np.nan_to_num(block.data, nan=0, posinf=0, neginf=0)[::-1].copy())


class PassesNan(Through):
    """Breaks the law of NaN."""


class Keeps(Through):
    """Breaks the law of no reference."""

    kept = None

    def process(self, block):
        data = np.nan_to_num(block.data, nan=0, posinf=0, neginf=0)
        out = data if self.kept is None else data + self.kept[-1:]
        self.kept = block.data
        return block.with_data(out)


class Forgets(Delay):
    """Breaks the law of state."""

    def load_state(self, state):
        pass


class WritesInput(Through):
    """Writes into the array that it was given."""

    def process(self, block):
        block.data *= 2
        return block


class WrongChannels(Through):
    """Promises other channels than it gives."""

    def open(self, spec):
        super().open(spec)
        return SampleSpec(spec.rate, ("left",))
