"""A processor that works in samples takes tables that do not tell their rate; all others refuse them."""

import numpy as np
import pytest

from rtkit import InputError, Options, SampleProcessor, Stream
from rtkit.core.endpoints import make_source
from rtkit.core.settings import Settings
from rtkit.files.pipeline import read_pipeline

from .gain import Gain


class Counter(SampleProcessor):
    """Works in samples."""

    default_rate = 2.0

    def process(self, block):
        return block


@pytest.fixture(params=[".csv", ".npy"])
def table(request, tmp_path):
    """A table without a column of times."""
    path, samples = tmp_path / f"x{request.param}", np.arange(40.0).reshape(20, 2)
    np.savetxt(path, samples, delimiter=",", header="u,y", comments="") if request.param == ".csv" else np.save(path, samples)
    return str(path)


def rate_of(source, steps, **options):
    stream = Stream(source, steps, options=Options(**options))
    stream.run()
    return stream.report.samples / stream.report.stream_s


def test_the_first_step_decides(table):
    assert rate_of(table, [Counter()]) == 2
    assert rate_of(table, [Counter(), Gain()]) == 2
    for steps in ([], [Gain()], [Gain(), Counter()]):
        with pytest.raises(InputError, match="does not tell its sample rate; expected --rate"):
            rate_of(table, steps)


def test_what_is_told_goes_before(table, tmp_path):
    assert rate_of(table, [Counter()], rate=50.0) == 50
    (tmp_path / "timed.csv").write_text("time,u\n" + "".join(f"{number / 8},1\n" for number in range(20)))
    assert rate_of(str(tmp_path / "timed.csv"), [Counter()]) == 8


def test_it_is_no_option_of_the_command_line(tmp_path, cli):
    assert "default_rate" not in Settings.__annotations__
    (tmp_path / "p.toml").write_text('source = "x.csv"\ndefault_rate = 1\n')
    with pytest.raises(InputError, match="no key 'default_rate'"):
        read_pipeline(tmp_path / "p.toml")
    done = cli("run", "x.csv", "--default-rate", 1)
    assert done.returncode == 2


def test_two_tables_are_two_channels_with_their_names(tmp_path):
    for name in "uy":
        np.savetxt(tmp_path / f"{name}.csv", np.arange(20.0), header=name, comments="")
    source = make_source(f"{tmp_path / 'u.csv'}+{tmp_path / 'y.csv'}", Options(rate=10))
    assert source.open().channels == ("u", "y")
    (block,) = source
    np.testing.assert_array_equal(block.data, np.column_stack([np.arange(20.0)] * 2))
    source.close()
