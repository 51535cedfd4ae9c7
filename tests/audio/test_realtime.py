import time

import numpy as np
import pytest

from rtkit.core.errors import InputError
from rtkit.core.items import Block, SampleSpec
from rtkit.core.source import Options, Source
from rtkit.handover.pacing import Realtime

RATE = 8000


class Numbers(Source):
    """A file whose samples are their own index."""

    name = "numbers"

    def __init__(self, n, fails=False):
        self.length, self.fails, self.closed = n, fails, False

    def open(self, dtype=np.float32):
        return SampleSpec(RATE, ("a", "b"))

    def __iter__(self):
        for at in range(0, self.length, 3000):
            n = min(3000, self.length - at)
            yield Block(np.repeat(np.arange(at, at + n, dtype=np.float32)[:, None], 2, 1), at, RATE, ("a", "b"))
        if self.fails:
            raise InputError("numbers: damaged at sample 4000")

    def close(self):
        self.closed = True


def test_a_file_comes_at_the_pace_of_the_clock():
    source = Realtime(Numbers(RATE), Options(block=100))
    assert source.open() == SampleSpec(RATE, ("a", "b"))
    assert source.live
    assert source.length == RATE
    begin = time.perf_counter()
    blocks = list(source)
    seconds = time.perf_counter() - begin
    source.close()
    assert (np.concatenate([block.data for block in blocks])[:, 1] == np.arange(RATE)).all()
    assert [block.start for block in blocks] == list(range(0, RATE, 100))
    assert 0.99 <= seconds < 3.0
    assert source.counts() == {"captured": RATE, "overrun": 0}
    assert 0.0 < source.delays()["input ring"] < 0.5


def test_who_is_too_slow_loses_samples_that_are_counted(monkeypatch):
    monkeypatch.setattr("rtkit.handover.pacing.RING_S", 0.1)
    source = Realtime(Numbers(RATE), Options(block=100))
    source.open()
    got = 0
    for block in source:
        if block.start < RATE // 2:
            time.sleep(0.1)
        assert block.data[0, 0] == block.start
        got += len(block.data)
    counts = source.counts()
    assert counts["overrun"] > 1000
    assert got == counts["captured"] == RATE - counts["overrun"]


def test_an_error_of_the_file_comes_after_what_was_before_it():
    source = Realtime(Numbers(4000, fails=True), Options(block=300))
    source.open()
    got = []
    with pytest.raises(InputError, match="damaged"):
        got.extend(len(block.data) for block in source)
    assert sum(got) == 4000


def test_stop_ends_it():
    inner = Numbers(100 * RATE)
    source = Realtime(inner, Options(block=100))
    source.open()
    begin = time.perf_counter()
    for block in source:
        if block.start >= 500:
            source.stop()
    source.close()
    assert time.perf_counter() - begin < 5.0
    assert inner.closed
