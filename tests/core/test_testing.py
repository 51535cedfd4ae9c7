"""The laws find those who break them, and let the others pass."""

import pytest

from rtkit.testing import check_processor
from tests.core import gain


@pytest.mark.parametrize("processor", [gain.Gain, gain.Gain(factor=2), gain.Delay, gain.Wants8k, gain.Invert])
def test_lawful_processors_pass(processor):
    check_processor(processor)


@pytest.mark.parametrize(
    ("processor", "law"),
    [
        (gain.PerBlockMean, "block-size law"),
        (gain.Peeks, "block-size law|causality"),
        (gain.PassesNan, "in the input reaches the output"),
        (gain.Keeps, "reference was kept"),
        (gain.Forgets, "does not go on the same"),
        (gain.WritesInput, "was written into"),
        (gain.WrongChannels, "open promised channels"),
    ],
)
def test_each_law_is_enforced(processor, law):
    with pytest.raises(AssertionError, match=law):
        check_processor(processor)
