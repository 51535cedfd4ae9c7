"""Simple processors that obey the laws; those of `broken` do not."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from rtkit import Block, FrameProcessor, FrameSpec, Range, SampleProcessor, SpecError


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

    examples = ({}, {"factor": 0.5, "mode": "b"})

    factor: Annotated[float, Range(0, 10)] = 1.0
    mode: Literal["a", "b"] = "a"
    live = ("factor",)

    def process(self, block):
        out = np.nan_to_num(block.data, nan=0.0, posinf=0.0, neginf=0.0) * np.float32(self.factor)
        second = round(self.spec.rate)
        for sample in range(block.start, block.start + len(out)):
            if (sample + 1) % second == 0:
                self.emit((sample + 1) / self.spec.rate, "gain", "second", factor=self.factor)
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
        self._next = 0
        return spec

    def process(self, block):
        data = np.concatenate((self._kept, np.nan_to_num(block.data, nan=0, posinf=0, neginf=0)))
        self._kept = data[-10:].copy()
        self._next = block.start + len(block.data)
        return block.with_data(data[:-10].copy())

    def close(self):
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
