"""Finding clusters: how many, in any scale; how far they reach; what they are called; how they look."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rtkit_cluster import sheets
from rtkit_cluster.clusters import SIDE, TYPICAL
from rtkit_cluster.fit import PictureSet, choose, fit, name_clusters, reaches, space_of

from rtkit import InputError
from tests.rtkit_cluster.pictures import blobs

WIDE = 40  # features that are put on a sphere


def fitted(features, folders=None, **options):
    pictures = PictureSet(lambda number: np.full((30, 40, 3), number % 200 + 20, np.uint8), folders or [""] * len(features))
    return fit(features, pictures, "hash", **options)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(2, 6), st.integers(0, 1000), st.sampled_from([3, WIDE]))
def test_groups_far_apart_are_found_and_counted(count, seed, width):
    features, groups = blobs(count, width=width, seed=seed, apart=300)
    made = fitted(features)
    assert made.choice.k == count
    assert len(set(zip(made.labels, groups, strict=True))) == count


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_few_features_may_have_any_scale_and_origin(scale, shift):
    features, _ = blobs(4, width=2, apart=6)
    made, scaled = fitted(features), fitted(features * [scale, 1] + [0, shift])
    assert made.choice.k == scaled.choice.k
    np.testing.assert_array_equal(made.labels, scaled.labels)
    np.testing.assert_allclose(made.choice.silhouettes, scaled.choice.silhouettes, rtol=1e-6)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.lists(st.floats(0.01, 100), min_size=60, max_size=60))
def test_the_length_of_many_features_says_nothing(lengths):
    features, _ = blobs(3, width=WIDE, apart=6)
    made, other = fitted(features), fitted(features * np.array(lengths)[:, None])
    np.testing.assert_array_equal(made.labels, other.labels)
    np.testing.assert_allclose(made.clusters.reach, other.clusters.reach, rtol=1e-6)


def test_the_smallest_k_that_is_nearly_the_best_is_chosen():
    features, _ = blobs(3, width=3, apart=4)
    choice = choose(space_of(features).prepared(features))
    best = np.nanmax(choice.silhouettes)
    assert choice.silhouettes[choice.k - 1] >= 0.95 * best
    assert not (choice.silhouettes[1 : choice.k - 1] >= 0.95 * best).any()
    assert len(choice.inertias) == len(choice.silhouettes) >= 12
    assert choice.inertias[0] > choice.inertias[2] > choice.inertias[-1]


def test_one_stray_picture_among_many_is_no_reason_to_fail():
    many = np.random.default_rng(0).normal(size=(2500, 2))
    choice = choose(np.concatenate([many, [[1e6, 1e6]]]), 2)
    assert choice.silhouettes[1] in (0, pytest.approx(1, abs=0.01))


def test_a_k_that_is_told_is_taken_and_one_that_cannot_be_is_refused():
    features, _ = blobs(3)
    assert fitted(features, k=5).choice.k == 5
    assert len(fitted(features, k=5).clusters.names) == 5
    assert fitted(features, k=1).choice.k == 1
    with pytest.raises(InputError, match="2 different pictures cannot be in 3 clusters"):
        fitted(np.repeat(features[::30], 10, axis=0), k=3)


@pytest.mark.parametrize("width", [3, WIDE])
def test_pictures_that_are_all_the_same_are_one_cluster(width):
    features = np.ones((20, width))
    made = fitted(features)
    assert made.choice.k == 1
    assert made.clusters.assign(features[0]).known
    assert not made.clusters.assign(features[0] + np.arange(width)).known


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 79), st.floats(0, 40), st.integers(0, 99))
def test_what_is_far_from_every_picture_is_unknown(number, away, seed):
    features, groups = blobs(4, width=WIDE)
    made = FITTED
    direction = np.random.default_rng(seed).normal(size=WIDE)
    found = made.clusters.assign(features[number] + away * direction / np.linalg.norm(direction))
    assert 0 <= found.score <= 1
    assert found.known == (found.distance <= 1)
    assert found.latent.shape == made.clusters.centres[0].shape
    if away < 0.1:
        assert found.known
        assert found.cluster == made.labels[number]
        assert found.score > 0.5
    nearest = np.linalg.norm(features - features[number], axis=1)[groups == groups[number]].max()
    assert found.known or away > 0.1 * nearest


FITTED = fitted(blobs(4, width=WIDE)[0])


def test_unknown_is_farther_the_farther_it_is():
    features, _ = blobs(4, width=WIDE)
    direction = np.random.default_rng(5).normal(size=WIDE)
    found = [FITTED.clusters.assign(features[7] + away * direction) for away in (0, 2, 5, 20)]
    assert [one.known for one in found] == [True, False, False, False]
    assert found[0].distance < found[1].distance < found[2].distance < found[3].distance
    assert found[3].score > 0.5


def test_neighbours_that_are_nearly_the_same_do_not_make_a_cluster_small():
    random = np.random.default_rng(0)
    different, labels = random.normal(size=(6, 8)), np.zeros(48, np.intp)
    frames = np.repeat(different, 8, axis=0) + 1e-3 * random.normal(size=(48, 8))
    _, apart = reaches(different, labels[:6])
    _, reach = reaches(frames, labels)
    _, shuffled = reaches(frames[random.permutation(48)], labels)
    assert reach[0] > 0.7 * apart[0]
    assert shuffled[0] < 0.1 * apart[0]


def test_clusters_are_called_as_the_folder_of_most_of_their_pictures():
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3])
    folders = ["cat", "cat", "dog", "cat", "cat", "dog", "owl", "", ""]
    assert name_clusters(labels, folders) == ("cat", "cat #2", "cluster 3", "cluster 4")


def test_every_name_is_a_line_of_text_and_none_is_unknown():
    names = name_clusters(np.array([0, 1, 2]), ["two\nlines\x85here", "not\udcff text", "unknown"])
    assert names == ("two lines here", "not? text", "cluster 3")


def test_typical_pictures_are_of_their_cluster_and_black_where_there_are_fewer():
    features, groups = blobs(2, per=20)
    few = np.concatenate([features[:20], features[20:23]])
    pictures = PictureSet(lambda number: np.full((50, 50, 3), 100 if groups[number] else 200, np.uint8), [""] * 23)
    made = fit(few, pictures, "hash", k=2)
    one, other = made.clusters.typical[made.labels[0]], made.clusters.typical[made.labels[-1]]
    assert one.shape == (TYPICAL, SIDE, SIDE, 3)
    assert (one == 200).all()
    assert (other[:3] == 100).all()
    assert not other[3:].any()


def test_the_sheet_shows_each_cluster_and_the_plot_can_be_written(tmp_path):
    made = fitted(blobs(3)[0])
    sheet = sheets.sheet(made.clusters, [20, 20, 20])
    for row, pictures in enumerate(made.clusters.typical):
        top = row * (SIDE + sheets.GAP) + sheets.GAP
        np.testing.assert_array_equal(sheet[top : top + SIDE, sheets.NAMES_WIDTH : sheets.NAMES_WIDTH + SIDE], pictures[0])
    sheets.plot(made.choice, tmp_path / "choice.png")
    assert (tmp_path / "choice.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(InputError, match=r"no/choice\.png: the picture cannot be written"):
        sheets.plot(made.choice, tmp_path / "no" / "choice.png")
