"""The figures on real people, by parts; all of them, and leave one out, are in the benchmark."""

import numpy as np
import pytest
from rtkit_faces import evaluation, similarity

from tests.rtkit_faces.pictures import DATA

pytestmark = pytest.mark.skipif(not (DATA / "yalefaces").is_dir(), reason="needs the Yale and ORL faces in ../shared")


@pytest.fixture(scope="module")
def yale():
    from benchmarks.faces import Set

    return Set.yale()


def test_fifteen_people_in_changing_light(yale):
    labels, _ = evaluation.cross_validate(yale.rows("found"), yale.owners, evaluation.parts(yale.owners))
    right = (labels == yale.owners).mean()
    print(f"Yale, a third left out: {right:.4f}")
    assert right >= 0.92


def test_two_people_by_the_designed_network(yale):
    two = yale.owners < 2
    labels, _ = evaluation.cross_validate(yale.rows("found")[two], yale.owners[two], evaluation.parts(yale.owners[two]), 10)
    assert (labels == yale.owners[two]).mean() >= 0.95


def test_impostors_are_mostly_rejected(yale):
    rows, owners, accepted = yale.rows("found"), yale.owners, []
    cut = similarity.patches(rows)
    for first in (0, 5, 10):
        people = (first + np.arange(8)) % 15
        enrolled = np.isin(owners, people)
        found = similarity.impostors(rows[enrolled], owners[enrolled])
        others = cut[:, ~enrolled, 0]
        similarities = [similarity.similarity(others, cut[:, owners == person].reshape(len(cut), -1, cut.shape[-1])) for person in people]
        accepted.append((np.max(similarities, axis=0) >= similarity.threshold(found, 0.01)).mean())
    print(f"impostors accepted at 0.01: {np.round(accepted, 4)}")
    assert np.mean(accepted) <= 0.05
