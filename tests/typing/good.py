"""What a user may write: mypy --strict takes it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

import rtkit
from rtkit import Block, Event, Frame, ParallelFrameProcessor, Range, SampleProcessor, SampleSpec, hookimpl


@dataclass(eq=False)
class Gain(SampleProcessor):
    """Multiplies."""

    factor: Annotated[float, Range(0, 10)] = 1.0
    live = ("factor",)

    def open(self, spec: SampleSpec) -> SampleSpec:
        super().open(spec)
        self._factor = np.float32(self.factor)
        return spec

    def process(self, block: Block) -> Block:
        return block.with_data(block.data * self._factor)

    def summary(self) -> dict[str, Any]:
        return {"factor": self.factor}


class Invert(ParallelFrameProcessor):
    """Inverts."""

    def infer(self, frame: Frame) -> int:
        return int(frame.image.max())

    def render(self, frame: Frame, found: int) -> Frame:
        return frame.with_data(255 - frame.image)


@hookimpl
def rtkit_register_processors(register: rtkit.Register) -> None:
    register("gain", Gain)
    register("invert", "my_plugin.invert:Invert")


def tell(event: Event) -> None:
    print(event.time, event.kind, event.label, event.score, event.data)


take: Callable[[Block], None] = print
samples, rate, channels = rtkit.read("call.wav")
cleaned, events = rtkit.apply("echo:tail_ms=64", samples, rate=rate)
with rtkit.Pipeline(["echo", Gain(2.0)], rate=16000) as pipe:
    out, found = pipe(samples)
report = rtkit.Stream("mic", [Gain(), "echo"], ["out.wav", take], far="speaker-monitor", seconds=3.0, on_event=tell).run()
print(report.summary, report.drops)
for item, new in rtkit.Stream(samples, "echo", rate=rate):
    print(item.time, [event.kind for event in new])
