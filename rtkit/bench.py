"""Times of processors on blocks of several sizes."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from rtkit.chain import Chain
from rtkit.errors import SpecError
from rtkit.items import Block, SampleSpec
from rtkit.plugins import host

BLOCKS = (1, 128, 4096)
RATE = 16000.0
SECONDS = 0.5


def bench_processors(names: list[str]) -> list[dict[str, Any]]:
    """Processor time a sample for each processor and size of block, at 16 kHz with default parameters, on noise.

    Returns
    -------
    list of dict
        Columns processor, block (samples), us_per_sample (median of 3), and x_real_time at 16 kHz.
    """
    return [row for name in names for block in BLOCKS if (row := _bench(name, block))]


def _bench(name: str, size: int) -> dict[str, Any] | None:
    processor = host().create(name)
    chain, count = Chain([processor]), 2
    for count in (2, 1):
        try:
            chain.open(SampleSpec(RATE, tuple(str(number + 1) for number in range(count))))
            break
        except SpecError:
            continue
    else:
        return None  # not a processor of samples
    length = int(RATE * SECONDS) // size * size
    data = (0.1 * np.random.default_rng(0).standard_normal((length, count))).astype(np.float32)
    channels = tuple(str(number + 1) for number in range(count))
    times = []
    for attempt in range(4):  # the first one compiles and is not counted
        begin = time.process_time()
        for start in range(0, length, size):
            processor.process(Block(data[start : start + size], attempt * length + start, RATE, channels))
        times.append(time.process_time() - begin)
    each = float(np.median(times[1:])) / length
    return {"processor": name, "block": size, "us_per_sample": round(1e6 * each, 3), "x_real_time": round(1 / (each * RATE), 1)}
