"""What the core costs: three pass-through processors on blocks of 128, against three plain calls and pedalboard."""

import numpy as np

from benchmarks.clock import cpu_seconds
from rtkit import Block, SampleProcessor, SampleSpec, Source, Stream

BLOCKS = 20_000
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
    yield "what", "us a block", "x plain calls"
    base, _ = cpu_seconds(plain)
    seconds, _ = cpu_seconds(lambda: Stream(Blocks(), [Through(), Through(), Through()]).run())
    yield "three plain calls", round(1e6 * base / BLOCKS, 3), 1
    yield "rtkit.Stream, three processors, timed, with timestamps", round(1e6 * seconds / BLOCKS, 2), round(seconds / base, 1)
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
