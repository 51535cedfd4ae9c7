"""Laws of processors of frames."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from rtkit.core.items import Frame
from rtkit.core.processor import ParallelFrameProcessor, Processor
from rtkit.core.stream import Stream
from rtkit.testing.doubles import ListSink, ListSource
from rtkit.testing.signals import example_frames
from rtkit.testing.subject import FrameSubject, Outcome, require, require_same, rows_of

#: Threads that the law of threads runs.
THREADS = 3
#: Delay of every other frame, so that the next overtakes it.
FRAME_DELAY_S = 0.02
#: Switch interval of Python's threads, in place of its 5 ms.
SWITCH_INTERVAL_S = 1e-5


def frames(subject: FrameSubject) -> None:
    """One frame in, one out, its index and time kept, an image of the size that `open` promised; grey frames are taken as well."""
    promised = subject.promised
    processor = subject.open()
    require(isinstance(processor, Processor), f"{type(processor).__name__} is no Processor")
    for given in subject.items():
        index, moment = given.index, given.time
        frame = processor.process(given)
        words = f"frame {index} at {moment:g} s came out as {frame.index} at {frame.time:g} s"
        require((frame.index, frame.time) == (index, moment), words)
        require(frame.image.dtype == np.uint8, f"the image is {frame.image.dtype}")
        shape = frame.image.shape
        require(shape[:2] == (promised.height, promised.width), f"open promised {promised}, the frame has shape {shape}")
        require(shape[2:] in ((), (3,)), f"the image has shape {shape}; expected [h, w] or [h, w, 3]")
    processor = subject.open()
    for index, image in enumerate(example_frames(subject.spec, colour=False)[:2]):
        shape = processor.process(Frame(image, index, index / subject.spec.fps)).image.shape
        require(shape[:2] == (promised.height, promised.width), f"open promised {promised}, a grey frame comes out with shape {shape}")


def threads(subject: FrameSubject) -> None:
    """In a stream with threads, output and events are the same; so whatever `infer` works out needs nothing but its frame.

    Frames are delayed such that later ones overtake them.
    """
    processor = subject.make()
    if isinstance(processor, ParallelFrameProcessor):
        vars(processor)["infer"] = _delayed(processor.infer)
    sink = ListSink()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        Stream(ListSource(subject.items(), subject.spec), [processor], [sink], threads=THREADS).run()
    finally:
        sys.setswitchinterval(interval)
    found = Outcome(subject.join([rows_of(item) for item in sink.items]), sink.events)
    require_same(found, subject.whole, f"in {THREADS} threads, where `infer` sees the frames in another order, it does not give the same")


def _delayed(infer: Callable[[Frame], Any]) -> Callable[[Frame], Any]:
    """The function, but every frame with an even index takes longer than the next."""

    def wait_and_infer(frame: Frame) -> Any:
        if frame.index % 2 == 0:
            time.sleep(FRAME_DELAY_S)
        return infer(frame)

    return wait_and_infer
