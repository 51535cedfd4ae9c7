"""Which of open, process and close runs after which failure: each close once, the first error told, nothing saved after one."""

import numpy as np
import pytest

from rtkit import Block, DeviceError, InputError, SampleProcessor, SampleSpec, Sink, Source, SpecError, StepError, Stream, hookimpl
from rtkit.core.host import host


class Counted(SampleProcessor):
    """Counts its calls, and fails where it is told to."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.calls = []

    def _call(self, name):
        self.calls.append(name)
        if name == self.fails:
            raise ValueError(f"{name} failed")

    def open(self, spec):
        super().open(spec)
        self._call("open")
        return spec

    def process(self, block):
        self._call("process")
        return block

    def close(self):
        self._call("close")
        return Block(np.ones((3, 1), np.float32), 100, 8000.0, ("mono",))

    def state(self):
        return {"x": np.zeros(1)}


class Memory(Sink):
    """Keeps what comes."""

    name = "memory"

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.calls, self.sizes = [], []

    def _call(self, name):
        self.calls.append(name)
        if name == self.fails:
            raise InputError(f"memory: {name} failed")

    def open(self, spec):
        self._call("open")

    def write(self, item):
        self._call("write")
        self.sizes.append(len(item.data))

    def close(self):
        self._call("close")


def run(tmp_path, steps, sink=None, source=None):
    sink = sink or Memory()
    stream = Stream(np.zeros(100) if source is None else source, steps, sink, rate=8000, block=50, save_state=tmp_path / "s.npz")
    error = None
    try:
        stream.run()
    except Exception as caught:
        error = caught
    return stream, sink, error


def test_a_run_that_ends_well(tmp_path):
    step = Counted()
    _, sink, error = run(tmp_path, [step])
    assert error is None
    assert step.calls == ["open", "process", "process", "close"]
    assert sink.sizes == [50, 50, 3]
    assert (tmp_path / "s.npz").exists()


def test_after_a_step_failed_all_are_closed_and_nothing_is_added_or_saved(tmp_path):
    before, failing, behind = Counted(), Counted("process"), Counted()
    stream, sink, error = run(tmp_path, [before, failing, behind])
    assert isinstance(error, StepError)
    assert "step 'counted' failed at item 0: ValueError: process failed" in stream.report.error
    assert [step.calls.count("close") for step in (before, failing, behind)] == [1, 1, 1]
    assert sink.calls == ["open", "close"]
    assert not (tmp_path / "s.npz").exists()
    assert stream.report.summary == {}


def test_the_first_error_is_the_one_that_is_told(tmp_path):
    class Both(Counted):
        def close(self):
            self.calls.append("close")
            raise RuntimeError("close failed, too")

    _, sink, error = run(tmp_path, [Both("process")], Memory("close"))
    assert "process failed" in str(error)
    assert sink.calls == ["open", "close"]


def test_a_step_that_refuses_leaves_none_open(tmp_path):
    class Refuses(Counted):
        def open(self, spec):
            raise SpecError("takes nothing")

    before, behind = Counted(), Refuses()
    stream, sink, error = run(tmp_path, [before, behind])
    assert isinstance(error, SpecError)
    assert before.calls == ["open", "close"]
    assert behind.calls == []
    assert sink.calls == []
    assert not stream.report.opened


def test_a_failing_close_is_an_error_and_the_other_steps_are_closed(tmp_path):
    failing, behind = Counted("close"), Counted()
    _, sink, error = run(tmp_path, [failing, behind])
    assert "close failed" in str(error)
    assert behind.calls.count("close") == 1
    assert sink.calls[-1] == "close"
    assert not (tmp_path / "s.npz").exists()


def test_a_sink_that_fails_ends_the_run_with_its_error(tmp_path):
    step = Counted()
    _, sink, error = run(tmp_path, [step], Memory("write"))
    assert str(error) == "memory: write failed"
    assert step.calls.count("close") == 1
    assert sink.calls == ["open", "write", "close"]


def test_a_device_that_goes_away_is_told_and_all_is_closed(tmp_path):
    class Gone(Source):
        name = "gone"
        closed = 0

        def open(self, dtype=np.float32):
            return SampleSpec(8000.0)

        def __iter__(self):
            yield Block(np.zeros((50, 1), np.float32), 0, 8000.0, ("mono",))
            raise DeviceError("gone: unplugged")

        def close(self):
            self.closed += 1

    source, step = Gone(), Counted()
    stream, sink, error = run(tmp_path, [step], source=source)
    assert (str(error), source.closed, step.calls.count("close")) == ("gone: unplugged", 1, 1)
    assert sink.sizes == [50]
    assert stream.report.items == 1


def test_ctrl_c_finishes_what_is_there(tmp_path):
    class Interrupts(Counted):
        def process(self, block):
            super().process(block)
            if block.start:
                raise KeyboardInterrupt
            return block

    step, sink = Interrupts(), Memory()
    stream = Stream(np.zeros(100), step, sink, rate=8000, block=50, save_state=tmp_path / "s.npz")
    with pytest.raises(KeyboardInterrupt):
        stream.run()
    assert stream.report.interrupted
    assert sink.sizes == [50, 3]
    assert step.calls.count("close") == 1
    assert (tmp_path / "s.npz").exists()


def test_an_observer_that_raises_is_told_once_and_dropped(caplog):
    class Observer:
        count = 0

        @hookimpl
        def rtkit_event(self, stream, event):
            Observer.count += 1
            raise ValueError("boom")

    class Emits(Counted):
        def process(self, block):
            self.emit(0.0, "found")
            return block

    host().manager.register(observer := Observer())
    try:
        assert Stream(np.zeros(500), Emits(), rate=8000, block=50).run().events == 10
    finally:
        host().manager.unregister(observer)
    assert Observer.count == 1
    assert len(caplog.records) == 1


def test_a_report_of_a_run_that_did_not_begin_is_not_printed(cli, tmp_path):
    done = cli("run", "nothing.wav", "adaline")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1


def test_names_are_never_markup(cli, tmp_path):
    import soundfile

    (tmp_path / "x[").mkdir()
    soundfile.write(tmp_path / "x[" / "b].wav", np.zeros(800), 8000)
    done = cli("run", "x[/b].wav", "--to", "null")
    assert done.returncode == 0, done.stderr
    assert "x[/b].wav" in done.stderr
    assert "Traceback" not in done.stderr


def test_zero_is_a_value(cli, tmp_path):
    (tmp_path / "p.toml").write_text('source = "synth:noise"\nseconds = 1\nreconnect = 5.0\n')
    from rtkit.core.settings import check_settings, options_of

    assert options_of(check_settings({"reconnect": 0, "latency": 0})).reconnect == 0
    done = cli("run", "p.toml", "--seconds", 0, "--report", "r.json", "-q")
    assert done.returncode == 0
    import json

    assert json.loads((tmp_path / "r.json").read_text())["samples"] == 0


def test_a_summary_that_fails_or_is_no_json_costs_nothing(tmp_path):
    class Shaky(Counted):
        def summary(self):
            raise ValueError("no data")

    class Odd(Counted):
        def summary(self):
            return {"gain_db": np.float32(2)}

    report = Stream(np.zeros(100), [Shaky(), Odd()], rate=8000, report=tmp_path / "r.json").run()
    assert report.warnings == ["shaky: its summary failed: ValueError: no data"]
    assert "gain_db" in (tmp_path / "r.json").read_text()


def test_a_report_that_cannot_be_written_hides_no_error(tmp_path):
    with pytest.raises(StepError, match="process failed"):
        Stream(np.zeros(100), Counted("process"), rate=8000, report=tmp_path / "no" / "r.json").run()
    with pytest.raises(InputError, match="the report cannot be written"):
        Stream(np.zeros(100), Counted(), rate=8000, report=tmp_path / "no" / "r.json").run()
