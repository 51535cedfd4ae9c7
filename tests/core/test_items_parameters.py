"""Parameters come from signatures, convert from text, and refuse what does not fit, in one clear line."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtkit import UsageError
from rtkit.core.parameters import check_values, parameters_of, parse_step
from tests.core.gain import Gain, Through


def test_parameters_are_read_from_the_signature():
    factor, mode = parameters_of(Gain)
    assert (factor.name, factor.default, factor.low, factor.high, factor.live) == ("factor", 1.0, 0, 10, True)
    assert factor.doc == "What to multiply by."
    assert (mode.choices, mode.live) == (("a", "b"), False)
    assert parameters_of(Through) == ()


def test_text_becomes_values():
    assert check_values(Gain, {"factor": "2.5", "mode": "b"}) == {"factor": 2.5, "mode": "b"}


@pytest.mark.parametrize(
    "values", [{"factor": "loud"}, {"factor": 11}, {"factor": math.nan}, {"factor": True}, {"mode": "c"}, {"gain": 1}, {"factor": None}]
)
def test_what_does_not_fit_is_refused_with_what_would(values):
    with pytest.raises(UsageError, match=r"expected|it has factor, mode"):
        check_values(Gain, values)


def test_a_constructor_checks_too():
    with pytest.raises(UsageError, match="from 0 to 10"):
        Gain(factor=-1)


def test_repr_shows_the_parameters():
    assert repr(Gain(factor=2)) == "Gain(factor=2.0, mode='a')"


def test_live_parameters_change_others_do_not():
    gain = Gain()
    gain.set(factor="3")
    assert gain.factor == 3.0
    with pytest.raises(UsageError, match="cannot change while running"):
        gain.set(mode="b")


@given(st.text(max_size=40))
def test_any_text_parses_or_is_refused(text):
    try:
        name, values = parse_step(text)
    except UsageError:
        return
    assert name
    with contextlib.suppress(UsageError):
        check_values(Gain, values)


def test_untyped_parameters_are_an_authors_error():
    class Bad(Through):
        def __init__(self, thing=1):
            self.thing = thing

    with pytest.raises(TypeError, match="no type hint"):
        parameters_of(Bad)
