"""`pca` by the contract: examples, event times in the stream, live parameters, summary."""

import numpy as np
import pytest
from rtkit_pca.pca import Pca

from rtkit.core.items import Block, SampleSpec

CHANNELS = tuple("abcde")


def rows(count, seed=0):
    random = np.random.default_rng(seed)
    return random.standard_normal((count, 2)) @ random.standard_normal((2, 5)) + 0.1 * random.standard_normal((count, 5)) + 3


def open_on(processor):
    processor.open(SampleSpec(1.0, CHANNELS))
    return processor


def drive(processor, samples, start=0):
    return processor.process(Block(samples.copy(), start, 1.0, CHANNELS)).data


def finish(processor):
    processor.close()
    events, processor.events = processor.events, []
    return events


@pytest.mark.parametrize("base", [0, 500])
def test_events_are_in_stream_time_and_go_on_with_the_state(base):
    samples = rows(250)
    whole = open_on(Pca(event_interval=100))
    drive(whole, samples, base)
    expected = finish(whole)
    assert [event.time for event in expected] == [base + 100, base + 200, base + 250]
    for at in (1, 150, 250):
        first, second = open_on(Pca(event_interval=100)), open_on(Pca(event_interval=100))
        drive(first, samples[:at], base)
        second.load_state(first.state())
        if at < 250:
            drive(second, samples[at:], base + at)
        assert [event.time for event in first.events + finish(second)] == [event.time for event in expected]
    again = open_on(Pca(event_interval=100))
    again.load_state(whole.state())  # and another stream begins
    drive(again, samples)
    assert [event.time for event in finish(again)] == [100, 200, 250]


def test_learning_is_switched_between_blocks_only():
    class Setting(Pca):
        """Sets a parameter while a block is worked on, at its first event."""

        def emit(self, *args, **data):
            super().emit(*args, **data)
            self.set(learn=False)

    one, other = open_on(Setting(event_interval=50)), open_on(Pca(event_interval=50))
    np.testing.assert_array_equal(drive(one, rows(300)), drive(other, rows(300)))
    assert one.seen == other.seen == 300
    drive(one, rows(10), 300)
    assert one.seen == 300
    assert type(one)(**one.parameters()).learn is False


def test_the_summary():
    processor = open_on(Pca(components=3))
    nothing = {"rows_seen": 0, "rows_skipped": 0, "warnings": ["nothing was learned: no row whose values are all known"]}
    assert processor.summary() == nothing
    samples = rows(400)
    samples[7, 1] = np.nan
    drive(processor, samples)
    outcome = processor.summary()
    assert (outcome["rows_seen"], outcome["rows_skipped"]) == (399, 1)
    exact = np.linalg.eigvalsh(np.cov(np.delete(samples, 7, axis=0).T))[::-1]
    np.testing.assert_allclose(outcome["explained"], exact[:3] / exact.sum(), rtol=0.01)
    assert outcome["explained_in_all"] == pytest.approx(sum(outcome["explained"]), abs=1e-5)
    assert "warnings" not in outcome


def test_what_looks_wrong_is_told():
    same = open_on(Pca())
    drive(same, np.ones((50, 5)))
    assert same.summary() == {"rows_seen": 50, "rows_skipped": 0, "warnings": ["nothing was learned: all rows are the same"]}
    flat = open_on(Pca(components=3))
    drive(flat, np.outer(np.arange(50.0), np.ones(5)))
    assert flat.summary()["warnings"] == ["only 1 of 3 components were found: there is no variance for more"]
    assert Pca().summary() == {}
