"""Times of processors on blocks of several sizes, and on frames."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from rtkit.core.chain import Chain
from rtkit.core.errors import SpecError
from rtkit.core.host import host
from rtkit.core.items import Block, Frame, FrameSpec, SampleSpec
from rtkit.core.processor import AnyProcessor, FrameProcessor

#: Block sizes, sample rate, and length of the signal of samples.
BLOCK_SIZES_SAMPLES = (1, 128, 4096)
RATE_HZ = 16000.0
DURATION_S = 0.5
#: Format and number of the frames.
VIDEO_SPEC, VIDEO_FRAMES = FrameSpec(640, 480, 30.0), 20


def bench_processors(names: list[str]) -> list[dict[str, Any]]:
    """Processor time of each processor with default parameters, on noise: for each size of block at 16 kHz, or for a frame.

    Returns
    -------
    list of dict
        Columns processor, item (what was handed over), us_each (a sample or a frame; median of 3), and x_real_time at 16 kHz or 30 Hz.
    """
    frames = [name for name in names if issubclass(host().processors[name], FrameProcessor)]
    rows = [row for name in names if name not in frames for block in BLOCK_SIZES_SAMPLES if (row := _bench(name, block))]
    return rows + [_bench_frames(name) for name in frames]


def _bench(name: str, size: int) -> dict[str, Any] | None:
    processor = host().create(name)
    chain, count = Chain([processor]), 2
    for count in (2, 1):
        try:
            chain.open(SampleSpec(RATE_HZ, tuple(str(number + 1) for number in range(count))))
            break
        except SpecError:
            continue
    else:
        return None  # not a processor of samples
    length = int(RATE_HZ * DURATION_S) // size * size
    data = (0.1 * np.random.default_rng(0).standard_normal((length, count))).astype(np.float32)
    channels = tuple(str(number + 1) for number in range(count))
    times = []
    for attempt in range(4):  # the first one compiles and is not counted
        begin = time.process_time()
        for start in range(0, length, size):
            processor.process(Block(data[start : start + size], attempt * length + start, RATE_HZ, channels))
        times.append(time.process_time() - begin)
    each = float(np.median(times[1:])) / length
    return _row(name, f"block of {size}", each, RATE_HZ)


def _bench_frames(name: str) -> dict[str, Any]:
    processor: AnyProcessor = host().create(name)
    processor.open(VIDEO_SPEC)
    image = np.random.default_rng(0).integers(0, 256, (VIDEO_SPEC.height, VIDEO_SPEC.width, 3), dtype=np.uint8)
    times = []
    for attempt in range(4):
        begin = time.process_time()
        for index in range(attempt * VIDEO_FRAMES, (attempt + 1) * VIDEO_FRAMES):
            processor.process(Frame(image, index, index / VIDEO_SPEC.fps))
        times.append(time.process_time() - begin)
        processor.events.clear()
    return _row(name, f"frame of {VIDEO_SPEC.width} x {VIDEO_SPEC.height}", float(np.median(times[1:])) / VIDEO_FRAMES, VIDEO_SPEC.fps)


def _row(name: str, item: str, each: float, rate: float) -> dict[str, Any]:
    return {"processor": name, "item": item, "us_each": round(1e6 * each, 3), "x_real_time": round(1 / (each * rate), 1)}
