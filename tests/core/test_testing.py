"""The laws find those who break them, and let the others pass."""

import numpy as np
import pytest

import rtkit
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


def test_one_sample_at_a_time_is_the_same():
    samples = (0.1 * np.random.default_rng(0).standard_normal((300, 2))).astype(np.float32)
    processor = rtkit.create("adaline", taps=16)
    processor.open(rtkit.SampleSpec(8000.0, ("near", "far")))
    stepped = np.stack([processor.step(sample) for sample in samples])
    np.testing.assert_array_equal(stepped, rtkit.apply("adaline:taps=16", samples, rate=8000)[0])
