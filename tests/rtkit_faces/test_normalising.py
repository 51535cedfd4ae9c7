"""What faces are made comparable by: the place of the points, the light, similarity, and how impostors are judged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rtkit_faces import decision, evaluation, similarity
from rtkit_faces.detector import Detector
from rtkit_faces.normalising import ABOVE, EYES, HIGH, PIXELS, PLACES, WIDE, level, sharpness, upright, whole
from rtkit_faces.training import levelled, project, train
from rtkit_faces.variations import variations
from rtkit_faces.warping import warp

from rtkit.video.opencv import opencv
from rtkit.video.stills import read_picture
from tests.rtkit_faces.pictures import COLLINS, HOPPER, album

SMOOTH = (128 + 60 * np.sin(np.arange(300) / 9)[:, None] * np.cos(np.arange(400) / 11)).astype(np.uint8)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.floats(-3, 3), st.floats(8, 60), st.floats(100, 200), st.floats(100, 200))
def test_points_come_to_their_places_however_the_face_is_turned(angle, size, x, y):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = size * PLACES @ turn.T + [x, y]
    picture = np.zeros((300, 300), np.uint8)
    for at in points[:2]:
        opencv().circle(picture, tuple(map(int, at.round())), max(2, round(size / 6)), 255, -1)
    face = upright(picture, points)
    rows, columns = np.indices(face.shape)
    for side, half in ((-1, columns < WIDE / 2), (1, columns >= WIDE / 2)):
        weight = face * half
        middle = [(weight * at).sum() / weight.sum() for at in (columns, rows)]
        assert middle == pytest.approx([WIDE / 2 + side * EYES / 2, ABOVE], abs=0.08 * EYES + 0.5)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.floats(0.3, 2.5), st.floats(-40, 40))
def test_levelled_faces_do_not_know_how_bright_the_light_was(gain, offset):
    face = upright(read_picture(HOPPER), Detector(40)(read_picture(HOPPER))[0].points)
    lit = np.clip(gain * face.astype(float) + offset, 0, 255).astype(np.uint8)
    if ((lit > 0) & (lit < 255)).mean() > 0.9:
        assert level(face) @ level(lit) > 0.8
    for row in (level(face), level(lit)):
        assert row.shape == (PIXELS,)
        assert np.linalg.norm(row) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_a_face_without_contrast_is_level(value):
    assert np.abs(level(np.full((HIGH, WIDE), value, np.uint8))).max() == 0


def test_light_from_the_side_is_taken_out():
    face = upright(read_picture(COLLINS), Detector(40)(read_picture(COLLINS))[0].points)
    shade = np.exp(0.8 * np.linspace(-1, 1, WIDE))
    lit = np.clip(face * shade * 0.6, 0, 255).astype(np.uint8)
    plain = [(picture - picture.mean()).ravel() for picture in (face.astype(float), lit.astype(float))]
    before = plain[0] @ plain[1] / np.linalg.norm(plain[0]) / np.linalg.norm(plain[1])
    assert level(face) @ level(lit) > max(before, 0.9)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.floats(0.05, 3), st.floats(-100, 100), st.floats(-100, 100))
def test_warped_pictures_keep_their_mean_and_do_not_alias(scale, x, y):
    move = np.array([[scale, 0, x], [0, scale, y]])
    stripes = np.tile(np.arange(400, dtype=np.uint8) % 2 * 255, (300, 1))
    made = warp(stripes, move, (64, 48))
    assert made.shape == (48, 64)
    if scale < 0.3:
        inside = warp(np.full_like(stripes, 255), move, (64, 48))
        assert np.abs(made[(inside == 255)].astype(float) - 127.5).mean() < 130
    flat = warp(np.full((300, 400), 77, np.uint8), move, (64, 48))
    assert (flat == 77).all()
    same = warp(SMOOTH, np.array([[1.0, 0, 0], [0, 1, 0]]), (400, 300))
    np.testing.assert_array_equal(same, SMOOTH)


def test_the_face_is_found_at_any_size_and_its_points_agree():
    picture, cv2 = read_picture(HOPPER), opencv()
    rows = []
    for scale in (0.6, 1, 3):
        resized = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        (face,) = Detector(30)(resized)
        rows.append(level(upright(resized, face.points)))
    assert min(rows[1] @ rows[0], rows[1] @ rows[2]) > 0.6


def test_blur_is_seen():
    face = whole(read_picture(HOPPER))
    blurred = opencv().GaussianBlur(face, (0, 0), 2)
    assert sharpness(face) > 2 * sharpness(blurred)


def test_variations_are_the_same_each_time_and_begin_with_the_face():
    face = whole(album(HOPPER)[0])
    one, other = variations(face, 5, 3), variations(face, 5, 3)
    assert len(one) == 6
    np.testing.assert_array_equal(one[0], face)
    np.testing.assert_array_equal(one, other)
    assert len({varied.tobytes() for varied in one}) == 6


def some_people(count, each, seed=0):
    """Levelled noise that has something in common a person."""
    random = np.random.default_rng(seed)
    cv2, rows = opencv(), []
    for _ in range(count):
        own = cv2.GaussianBlur(random.normal(0, 1, (HIGH, WIDE)), (0, 0), 2)
        for _ in range(each):
            mixed = own / own.std() + 0.7 * cv2.GaussianBlur(random.normal(0, 1, (HIGH, WIDE)), (0, 0), 2) / own.std()
            rows.append(np.clip(128 + 40 * mixed, 0, 255).astype(np.uint8))
    return levelled(rows), np.repeat(np.arange(count), each)


def test_a_face_is_most_similar_to_itself():
    rows, owners = some_people(3, 4)
    cut = similarity.patches(rows[:, 0])
    own = similarity.similarity(cut, cut)
    assert (own > 3).all()
    others = similarity.similarity(cut[:, owners == 0], cut[:, owners == 1])
    assert (others < own[owners == 0]).all()
    assert np.isfinite(similarity.similarity(np.zeros_like(cut), cut)).all()


@settings(max_examples=40, deadline=None)
@given(st.floats(-2, 3), st.floats(0.2, 1.5), st.floats(0.01, 0.5), st.floats(1e-6, 0.5))
def test_the_score_is_a_half_at_the_threshold_and_grows(alike, mean, deviation, far):
    impostors = (mean, deviation)
    assert similarity.score(similarity.threshold(impostors, far), impostors, far) == pytest.approx(0.5)
    assert 0 <= similarity.score(alike, impostors, far) <= similarity.score(alike + 0.1, impostors, far) <= 1
    assert similarity.threshold(impostors, far) >= similarity.threshold(impostors, min(2 * far, 0.5)) - 1e-9


@pytest.mark.parametrize("count", [2, 4])
def test_the_network_tells_people_apart_and_has_the_designed_layers(count):
    rows, owners = some_people(count, 6)
    flat = rows.reshape(-1, PIXELS)
    projection = project(flat, len(rows), 10)
    layers = train((flat - projection.mean) @ projection.axes, np.repeat(owners, rows.shape[1]))
    assert [layer.weights.shape for layer in layers] == [(10, 200), (200, 50), (50, 1 if count == 2 else count)]
    assert [layer.activation for layer in layers] == ["tanh", "tanh", "sigmoid" if count == 2 else "softmax"]
    labels, alike = evaluation.cross_validate(rows, owners, evaluation.parts(owners), 10)
    assert (labels == owners).mean() > 0.9
    assert np.isfinite(alike).all()


def test_whitened_components_have_no_mean_and_one_deviation():
    rows, _ = some_people(4, 6)
    flat = rows.reshape(-1, PIXELS)
    projection = project(flat, 24, 8)
    values = (flat - projection.mean) @ projection.axes
    assert np.abs(values.mean(axis=0)).max() < 0.05
    assert np.abs(values.std(axis=0) - 1).max() < 0.05


def test_similarity_decides_where_the_network_is_not_sure():
    rows, owners = some_people(3, 4)
    cut = similarity.patches(rows[:, 0])
    examples = [cut[:, owners == person] for person in range(3)]
    faces = cut[:, [0, 5, 9]]
    labels, _ = decision.decide(np.full((3, 3), 1 / 3), faces, examples)
    assert labels.tolist() == [0, 1, 2]


def test_parts_hold_every_face_once_and_something_of_everybody():
    owners = np.repeat([0, 1, 2], [3, 7, 11])
    found = evaluation.parts(owners)
    assert sorted(np.concatenate(found).tolist()) == list(range(21))
    for part in found:
        assert set(owners[part]) == {0, 1, 2}
