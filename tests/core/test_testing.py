"""The laws find those who break them, and let the others pass; the doubles do what they say."""

import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import rtkit
from rtkit import Block, InputError, SampleSpec, Stream
from rtkit.signals.resample import Resampler
from rtkit.testing import LAWS_OF_FRAMES, LAWS_OF_SAMPLES, ListSink, ListSource, cases, check_processor, yield_checks
from tests.core import broken, gain

SPEC = SampleSpec(8000.0, ("mono",))


@pytest.mark.parametrize("processor", [gain.Gain, gain.Gain(factor=2), gain.Delay, gain.Wants8k, gain.Invert, broken.Clean])
def test_lawful_processors_pass(processor):
    check_processor(processor)


@pytest.mark.parametrize("rate", [4000.0, 11025.0])
@pytest.mark.parametrize("law", ["format", "block size", "causality", "tail", "no poison", "no hold", "reopen", "clone"])
def test_a_resampler_obeys_the_laws_though_its_blocks_have_other_lengths(rate, law):
    """But for that of the state: libsoxr does not give it away."""
    dict(yield_checks(Resampler(rate)))[law]()


def test_there_is_a_processor_that_breaks_each_law():
    assert broken.BREAKS.keys() == LAWS_OF_SAMPLES.keys() | LAWS_OF_FRAMES.keys()


@pytest.mark.parametrize(("law", "processor"), [(law, each) for law, breaks in broken.BREAKS.items() for each in breaks])
def test_each_law_catches_who_breaks_it(law, processor):
    checks = dict(yield_checks(processor))
    with pytest.raises(AssertionError, match=f"{processor.__name__}:{law}: "):
        checks[law]()


def test_all_that_is_broken_is_told_a_line_each():
    with pytest.raises(AssertionError) as error:
        check_processor(broken.LatencyThatIsNoDelay)
    lines = str(error.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == ["LatencyThatIsNoDelay:latency"]
    assert "a latency of 10 is declared, and output '1' is 0 samples behind input '1'" in lines[0]
    with pytest.raises(AssertionError, match=r"(?s)PerBlockMean:block size: .*\nPerBlockMean:causality: "):
        check_processor(broken.PerBlockMean)


def test_a_processor_that_raises_is_told_with_the_law():
    class Fails(broken.Clean):
        def close(self):
            raise ZeroDivisionError("nothing to divide")

    with pytest.raises(AssertionError, match="Fails:tail: raises ZeroDivisionError: nothing to divide"):
        check_processor(Fails)


def test_a_class_without_process_is_told_so():
    class Idle(rtkit.SampleProcessor):
        """Does nothing."""

    with pytest.raises(TypeError, match=r"abstract class Idle with.* process"):
        check_processor(Idle)


def test_an_instance_is_not_touched():
    processor = gain.Gain(factor=3)
    before = dict(vars(processor))
    check_processor(processor)
    assert vars(processor) == before


def test_cases_are_named_by_processor_parameters_and_law(monkeypatch):
    monkeypatch.setattr(type(rtkit.create("adaline")), "examples", ({}, {"taps": 16, "guard": False, "tail_ms": 4.0}), raising=False)
    found = [(identity, processor, repr(check)) for identity, processor, check in cases() if processor.startswith("adaline")]
    assert found[0] == ("adaline:format", "adaline", "adaline:format")
    assert len(found) == 2 * len(LAWS_OF_SAMPLES)
    assert found[-1][1] == "adaline:taps=16,guard=false,tail_ms=4.0"
    assert repr(rtkit.create("adaline", taps=16, guard=False, tail_ms=4.0)) == repr(rtkit.create(found[-1][1]))


def test_it_needs_neither_pytest_nor_hypothesis():
    code = (
        "import sys; sys.modules['pytest'] = sys.modules['hypothesis'] = None; import rtkit.testing; rtkit.testing.check_processor('slpr')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_the_docs_show_works(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_filter", raising=False)
    (tmp_path / "my_filter.py").write_text(re.search(r"`my_filter.py`:\n\n```python\n(.*?)^```", page, re.M | re.S)[1])
    section = page[page.index("## Does it obey the laws?") : page.index("## Installed")]
    programs = re.findall(r"^```python\n(.*?)^```", section, re.M | re.S)
    for program in programs:
        names = {}
        exec(program, names)
        if "test_it_obeys_the_laws" in names:
            names["test_it_obeys_the_laws"]()
    assert len(programs) == 3


def test_the_docs_name_every_law():
    page = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()
    assert all(f"| `{law}` |" in page for law in {**LAWS_OF_SAMPLES, **LAWS_OF_FRAMES})


def test_one_sample_at_a_time_is_the_same():
    samples = (0.1 * np.random.default_rng(0).standard_normal((300, 2))).astype(np.float32)
    processor = rtkit.create("adaline", taps=16)
    processor.open(rtkit.SampleSpec(8000.0, ("near", "far")))
    stepped = np.stack([processor.step(sample) for sample in samples])
    np.testing.assert_array_equal(stepped, rtkit.apply("adaline:taps=16", samples, rate=8000)[0])


def blocks(count):
    return [Block(np.full((10, 1), number, np.float32), 10 * number, 8000.0, ("mono",)) for number in range(count)]


def test_a_list_goes_through_a_stream_and_comes_out_as_a_list():
    source, sink = ListSource(blocks(800), SPEC), ListSink()
    for _ in range(2):
        Stream(source, [gain.Gain(factor=2)], to=[sink]).run()
    assert (source.opened, source.closed, sink.opened, sink.closed) == (2, 2, 2, 2)
    assert sink.spec == SPEC
    np.testing.assert_array_equal(sink.data[:8000, 0], np.repeat(np.arange(800), 10) * 2)
    np.testing.assert_array_equal(sink.data[8000:], sink.data[:8000])
    assert [event.time for event in sink.events] == [1.0, 1.0]


def test_doubles_raise_on_command():
    sink = ListSink()
    with pytest.raises(InputError, match="torn"):
        Stream(ListSource(blocks(5), SPEC, raises=InputError("torn"), after=3), to=[sink]).run()
    assert len(sink.items) == 3
    source, sink = ListSource(blocks(5), SPEC), ListSink(raises=InputError("full"), after=2)
    with pytest.raises(InputError, match="full"):
        Stream(source, to=[sink]).run()
    assert (len(sink.items), sink.closed, source.closed) == (2, 1, 1)
    sink = ListSink(raises=rtkit.core.errors.StopStream(), after=1)
    assert Stream(ListSource(blocks(5), SPEC), to=[sink]).run().error is None
    assert len(sink.items) == 1


def test_a_live_list_says_so_and_stops():
    source = ListSource(blocks(5), SPEC, live=True)
    stream = Stream(source, to=[ListSink()])
    assert stream.source.live
    iteration = iter(source)
    next(iteration)
    threading.Timer(0, stream.stop).run()
    assert not list(iteration)
