"""`arx` and `narx` by the contract: complete state, event times, live parameters, documentation, examples, summary."""

import numpy as np
import pytest
from plants import drive, linear, mild, open_on
from rtkit_sysid.arx import Arx
from rtkit_sysid.narx import Narx

import rtkit
from rtkit.core.items import Block

EXAMPLES = [(cls, values) for cls in (Arx, Narx) for values in cls.examples]


def finish(processor):
    processor.close()
    events, processor.events = processor.events, []
    return events


@pytest.mark.parametrize(("cls", "values"), EXAMPLES)
@pytest.mark.parametrize("base", [0, 1000])
def test_events_go_on_with_the_state_up_to_the_last_one(cls, values, base):
    """Also where nothing comes after the state was put back, and in a stream that does not begin at 0."""
    samples = mild(900)
    whole = open_on(cls(**values), ("1", "2"))
    drive(whole, samples, start=base)
    expected = finish(whole)
    for at in (1, 450, 900):
        first, second = (open_on(cls(**values), ("1", "2")) for _ in range(2))
        drive(first, samples[:at], start=base)
        second.load_state(first.state())
        if at < 900:
            drive(second, samples[at:], start=base + at)
        assert first.events + finish(second) == expected
    assert expected[-1].time == base + 900


def test_a_state_of_an_older_version_is_read():
    first = open_on(Arx(event_interval=70))
    drive(first, mild(100))
    state = first.state()
    del state["position"]
    second = open_on(Arx(event_interval=70))
    second.load_state(state)
    first.events.clear()
    assert finish(second) == finish(first)


def test_open_again_is_a_fresh_start():
    samples = mild(600)
    for cls, values in EXAMPLES:
        processor = open_on(cls(**values), ("1", "2"))
        first, events, outcome = drive(processor, samples), finish(processor), processor.summary()
        open_on(processor, ("1", "2"))
        assert processor.summary().get("samples_learned", 0) == 0
        np.testing.assert_array_equal(drive(processor, samples), first)
        assert finish(processor) == events
        assert processor.summary() == outcome


@pytest.mark.parametrize(("cls", "values"), [(Arx, {"rule": "nlms"}), (Narx, {"hidden": 3})])
def test_a_live_parameter_does_not_change_within_a_block(cls, values):
    samples = mild(1200)

    class Setting(cls):
        """Sets a parameter while a block is worked on, at its first event."""

        def emit(self, *args, **data):
            super().emit(*args, **data)
            self.set(learn=False, step_size=0.1)

    one, other = open_on(Setting(event_interval=100, **values)), open_on(cls(event_interval=100, **values))
    np.testing.assert_array_equal(drive(one, samples), drive(other, samples))
    other.set(learn=False, step_size=0.1)
    np.testing.assert_array_equal(drive(one, samples, start=1200), drive(other, samples, start=1200))


@pytest.mark.parametrize("cls", [Arx, Narx])
def test_a_clone_is_made_from_the_parameters(cls):
    processor = cls(na=4, forgetting=0.99, event_interval=9)
    processor.set(learn=False)
    again = cls(**processor.parameters())
    assert again.parameters() == processor.parameters()
    assert again.parameters()["learn"] is False


def test_the_input_is_neither_kept_nor_written_into():
    given = mild(300)
    given[10] = np.inf
    before = given.copy()
    open_on(Arx()).process(Block(given, 0, 1.0, ("u", "y")))
    np.testing.assert_array_equal(given, before)


def outcome_of(processor, samples, channels=("u", "y")):
    open_on(processor, channels)
    drive(processor, samples)
    processor.close()
    return processor.summary()


def test_the_summary_of_a_plant_that_is_found():
    outcome = outcome_of(Arx(nb=2, event_interval=100), linear(1000, [1, 0.5, 0.8, -0.2], 2, 2))
    assert outcome["samples_learned"] == 998
    assert outcome["one_step_error"] < 1e-9
    assert outcome["explained"] == pytest.approx(1)
    assert outcome["coefficients"] == pytest.approx({"u[k]": 1, "u[k-1]": 0.5, "y[k-1]": 0.8, "y[k-2]": -0.2})
    assert len(outcome["poles"]) == 2
    assert "warnings" not in outcome


def test_the_share_explained_is_that_of_the_judged_samples():
    samples = mild(900, noise=0.3) + np.array([0, 1e6])
    processor = open_on(Arx(model=Arx.examples[3]["model"]), ("1", "2"))
    out = drive(processor, samples, 97)
    error, y = out[2:, 1], samples[2:, 1]
    assert processor.summary()["one_step_error"] == pytest.approx(np.sqrt(np.mean(error**2)))
    assert processor.summary()["explained"] == pytest.approx(1 - np.mean(error**2) / np.var(y), rel=1e-6)
    assert processor.summary()["warnings"][0].startswith("the predictions are worse than the mean of the output (fit -")


def test_warnings_of_an_identification():
    random = np.random.default_rng(0)
    unrelated = random.standard_normal((3000, 2))
    assert "the inputs explain nothing" in outcome_of(Arx(), unrelated)["warnings"][-1]
    walk = np.column_stack([unrelated[:, 0], np.cumsum(unrelated[:, 1])])
    assert outcome_of(Arx(), walk)["explained"] > 0.9  # by its own past
    assert outcome_of(Arx(), walk)["warnings"] == ["the inputs explain nothing of the output; are the channels in order?"]
    assert "warnings" not in outcome_of(Arx(), mild(3000))
    for processor in (Arx(), Narx()):
        outcome = outcome_of(processor, np.full((500, 2), np.nan))
        assert outcome == {"samples_learned": 0, "warnings": ["no sample was learned from; inputs or outputs are missing or silent"]}


def test_the_summary_of_several_outputs_and_of_a_free_run():
    two = np.column_stack([mild(1000), mild(1000)[:, 1]])
    outcome = outcome_of(Arx(outputs="a+b"), two, ("u", "a", "b"))
    assert set(outcome["outputs"]) == {"a", "b"}
    free = outcome_of(Narx(**Narx.examples[-1]), mild(500), ("1", "2"))
    assert "free_run_error" in free
    assert "samples_learned" not in free


@pytest.mark.parametrize("cls", [Arx, Narx])
def test_every_parameter_is_documented_along_the_bases(cls):
    docs = "".join(base.__doc__ or "" for base in cls.__mro__)
    for name in cls().parameters():
        assert f"\n    {name} : " in docs, name


def test_a_shipped_model_is_readable():
    """A model file of this version, kept so that later ones go on reading it."""
    out, events = rtkit.apply(f"arx:model={Arx.examples[3]['model']}", mild(100), rate=1)
    assert out.shape == (100, 2)
    assert events[-1].data["one_step_error"] > 0
