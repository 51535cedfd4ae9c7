"""The laws of the contract, over every processor that any plug-in registers."""

import pytest

from rtkit.core.host import host
from rtkit.testing import check_processor

NAMES = list(host().processors)


def test_there_are_processors():
    assert {"adaline", "slpr"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_processor_obeys_the_laws(name):
    check_processor(name)
