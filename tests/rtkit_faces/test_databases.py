"""The figures on real people, by parts; all of them, and leave one out, are in the benchmark."""

import numpy as np
import pytest
from rtkit_faces import evaluation, likeness

from tests.rtkit_faces.pictures import DATA

pytestmark = pytest.mark.skipif(not (DATA / "yalefaces").is_dir(), reason="needs the Yale and ORL faces in ../shared")


@pytest.fixture(scope="module")
def yale():
    from benchmarks.faces import Set

    return Set.yale()


@pytest.mark.parametrize("way", ["whole", "found"])
def test_fifteen_people_in_changing_light(yale, way):
    labels, _ = evaluation.cross_validate(yale.rows[way], yale.owners, evaluation.parts(yale.owners, 4))
    right = (labels == yale.owners).mean()
    print(f"Yale, {way}, a quarter left out: {right:.4f}")
    assert right >= 0.93


@pytest.mark.parametrize("components", [10, 60])
def test_two_people_by_the_designed_network(yale, components):
    two = yale.owners < 2
    labels, _ = evaluation.cross_validate(yale.rows["whole"][two], yale.owners[two], evaluation.parts(yale.owners[two], 7), components)
    assert (labels == yale.owners[two]).mean() >= 0.95


def test_strangers_are_mostly_refused(yale):
    rows, owners = yale.rows["found"], yale.owners
    enrolled = owners < 8
    usual = likeness.strangers(rows[enrolled], owners[enrolled])
    others = likeness.quarters(rows[~enrolled, 0])
    alike = np.max(
        [likeness.likeness(others, likeness.quarters(rows[owners == person].reshape(-1, rows.shape[-1]))) for person in range(8)], 0
    )
    assert (alike >= likeness.limit(usual, 0.01)).mean() <= 0.05
