"""What a user may not write: mypy --strict refuses each marked line, and no other."""

import rtkit
from rtkit import Block, Frame, FrameProcessor, SampleProcessor


class Wrong(SampleProcessor):
    """Takes frames where samples come."""

    def process(self, item: Frame) -> Frame:  # refused: override
        return item


class NoProcess(FrameProcessor):
    """Has nothing that processes."""


NoProcess()  # refused: abstract
rtkit.Stream("call.wav", "echo", secondes=3.0)  # refused: call-arg
rtkit.Stream("call.wav", "echo", seconds="3")  # refused: arg-type
rtkit.apply("echo", "call.wav", rate=16000)  # refused: arg-type
print(rtkit.SplitFrame)  # refused: attr-defined
Block([0.0], 0, 16000.0, ("mono",))  # refused: arg-type
