"""The laws of the contract, over every processor that any plug-in registers and each of its parameter sets."""

import pytest

from rtkit.testing import LAWS_OF_FRAMES, LAWS_OF_SAMPLES, cases

CASES = list(cases())

#: Known violations, to be emptied: remove the line when it is mended.
KNOWN = {}


def test_every_processor_is_held_to_every_law():
    laws = {}
    for _, processor, check in CASES:
        laws.setdefault(processor, set()).add(check.law)
    assert {"adaline", "slpr", "echo", "arx", "ecg", "cam"} <= laws.keys()
    assert all(found in (LAWS_OF_SAMPLES.keys(), LAWS_OF_FRAMES.keys()) for found in laws.values())


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(check, id=identity, marks=[pytest.mark.xfail(reason=KNOWN[identity], strict=False)] if identity in KNOWN else [])
        for identity, _, check in CASES
    ],
)
def test_law(check):
    check()
