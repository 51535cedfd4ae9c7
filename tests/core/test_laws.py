"""The laws of the contract, over every processor that any plug-in registers and each of its parameter sets."""

import pytest

from rtkit.testing import LAWS_OF_FRAMES, LAWS_OF_SAMPLES, cases

CASES = list(cases())


def test_every_processor_is_held_to_every_law():
    laws = {}
    for _, processor, check in CASES:
        laws.setdefault(processor, set()).add(check.law)
    assert {"adaline", "slpr", "echo", "arx", "ecg", "cam"} <= {name.partition(":")[0] for name in laws}
    assert all(found in (LAWS_OF_SAMPLES.keys(), LAWS_OF_FRAMES.keys()) for found in laws.values())


@pytest.mark.parametrize("check", [pytest.param(check, id=identity) for identity, _, check in CASES])
def test_law(check):
    check()
