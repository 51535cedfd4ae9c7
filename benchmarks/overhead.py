"""What the core costs: three pass-through processors on blocks of 128, against three plain calls and pedalboard."""

import statistics

import numpy as np

from benchmarks.clock import cpu_seconds
from rtkit import Block, SampleProcessor, SampleSpec, Source, Stream

BLOCKS, PAIRS = 20_000, 9
DATA = np.zeros((128, 1), np.float32)


class Through(SampleProcessor):
    def process(self, block):
        return block


class Blocks(Source):
    """Blocks with a timestamp each, from memory."""

    name = "memory"

    def open(self, dtype=np.float32):
        return SampleSpec(16000.0)

    def __iter__(self):
        channels = ("mono",)
        for index in range(BLOCKS):
            yield Block(DATA, 128 * index, 16000.0, channels)


def node(item):
    return item


def plain():
    for _ in range(BLOCKS):
        node(node(node(DATA)))


def rows():
    streams = [
        (cpu_seconds(plain)[0], cpu_seconds(lambda: Stream(Blocks(), [Through(), Through(), Through()]).run())[0]) for _ in range(PAIRS)
    ]
    base, seconds = (statistics.median(times) for times in zip(*streams, strict=True))  # in turns: the machine's pace changes
    ratios = sorted(stream / calls for calls, stream in streams)
    yield "what", "us a block, median", "x plain calls, median (least to most)"
    yield "three plain calls", round(1e6 * base / BLOCKS, 3), 1
    told = f"{statistics.median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})"
    yield "rtkit.Stream, three processors, timed, with timestamps", round(1e6 * seconds / BLOCKS, 2), told
    try:
        from pedalboard import Gain, Pedalboard
    except ImportError:
        yield "pedalboard: not installed", "", ""
        return
    board, samples = Pedalboard([Gain(0), Gain(0), Gain(0)]), DATA.reshape(1, -1)

    def pedals():
        for _ in range(BLOCKS):
            board(samples, 16000, reset=False)

    seconds, _ = cpu_seconds(pedals)
    yield "pedalboard, three Gain plug-ins, a call a block", round(1e6 * seconds / BLOCKS, 2), round(seconds / base, 1)
