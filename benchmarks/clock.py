"""Timing of calls."""

import statistics
import time
from collections.abc import Callable

import numpy as np

from rtkit import Frame, FrameSpec


def cpu_seconds(call: Callable[[], object], repeat: int = 5) -> tuple[float, float]:
    """Processor seconds (minimum, median) of a call, after one that is not counted."""
    call()
    times = []
    for _ in range(repeat):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times), statistics.median(times)


def frames_a_second(processor, frames: int = 60, repeat: int = 5) -> float:
    """Frames a second (median) of a whole frame processor on noise of 640 x 480."""
    random = np.random.default_rng(0)
    processor.open(FrameSpec(640, 480, 30))
    images = [random.integers(0, 256, (480, 640, 3), dtype=np.uint8) for _ in range(8)]
    rates = []
    for _ in range(repeat):
        begin = time.perf_counter()
        for index in range(frames):
            processor.process(Frame(images[index % 8], index, index / 30))
        rates.append(frames / (time.perf_counter() - begin))
    return statistics.median(rates)
