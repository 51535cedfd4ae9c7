"""Sinks that write files: what the system refuses is one line, told once."""

import gc
import os

import numpy as np
import pytest

from rtkit import Block, Event, FileSink, FrameSpec, InputError, Options, SampleSpec
from rtkit.core.endpoints import make_sink

SPEC = SampleSpec(100.0, ("a",))
SUFFIXES = [".csv", ".jsonl", ".atr", ".ann.csv", ".wav", ".pdf"]


def feed(sink, blocks):
    """Open a sink, and write blocks of 50 samples and an event each."""
    sink.open(SPEC)
    for number in range(blocks):
        sink.write(Block(np.ones((50, 1), np.float32), 50 * number, SPEC.rate, SPEC.channels))
        sink.event(Event((number + 0.5) / 2, "beat", "N"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_folder_is_told_in_one_line(tmp_path, suffix):
    sink = make_sink(str(tmp_path / "none" / f"x{suffix}"), Options())
    with pytest.raises(InputError, match=rf"none/x{suffix}: cannot be written") as caught:
        sink.open(SPEC)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a disk that is always full")
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".atr", ".ann.csv"])
def test_a_full_disk_is_told_once_and_the_file_is_closed(tmp_path, suffix):
    (tmp_path / f"x{suffix}").symlink_to("/dev/full")
    sink = make_sink(str(tmp_path / f"x{suffix}"), Options())
    with pytest.raises(InputError, match=rf"x{suffix}: cannot be written.*: No space left"):
        feed(sink, 100)
    sink.close()
    assert sink.file.closed


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a disk that is always full")
@pytest.mark.parametrize("suffix", [".csv", ".pdf"])
def test_an_error_that_shows_at_the_end_is_told_there(tmp_path, suffix):
    (tmp_path / f"x{suffix}").symlink_to("/dev/full")
    sink = make_sink(str(tmp_path / f"x{suffix}"), Options())
    feed(sink, 1)  # less than a buffer
    with pytest.raises(InputError, match=rf"x{suffix}: cannot be written( to its end)?: No space left"):
        sink.close()
    del sink
    gc.collect()  # what a library left open complains here, and not in another test


class Lengths(FileSink):
    """A sink of a plug-in: the length of each block, a line each."""

    def open(self, spec):
        self.require_samples(spec, "measures")
        self.file = self.create("w")

    def write(self, item):
        with self.writing(f" at sample {item.start}"):
            print(len(item.data), file=self.file)

    def finish(self):
        print("end", file=self.file)
        super().finish()


def test_a_sink_of_a_plugin(tmp_path):
    sink = Lengths(str(tmp_path / "x"), Options())
    with pytest.raises(InputError, match="x: measures samples, got frames of 4 x 4"):
        sink.open(FrameSpec(4, 4, 25.0))
    feed(sink, 2)
    sink.close()
    assert (tmp_path / "x").read_text() == "50\n50\nend\n"
