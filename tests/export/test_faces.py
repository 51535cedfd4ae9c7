"""The recogniser of faces in Keras: parameters, and the whole way from a folder of people to the processor."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow, which the extra export brings")

import rtkit
from export.pipeline.release import release
from export.pipeline.training import ResultCache
from export.recipes import faces
from rtkit import InputError
from rtkit.models import load
from rtkit.video.stills import write_picture
from tests.rtkit_faces.pictures import COLLINS, HOPPER, STRANGE, album, on_wall


@pytest.mark.parametrize(("components", "people"), [(10, 2), (60, 2), (10, 15), (50, 40)])
def test_the_designed_network_has_200_50_and_1_units(components, people):
    model = faces.build(components, people)
    last = 1 if people == 2 else people
    assert [layer.units for layer in model.layers[1:]] == [200, 50, last]
    assert [layer.activation.__name__ for layer in model.layers[1:]] == ["tanh", "tanh", "sigmoid" if people == 2 else "softmax"]
    assert model.count_params() == 200 * components + 200 + 10_050 + 50 * last + last
    projection = 2688 * components + components
    assert faces.count_parameters(components, people) == model.count_params() + projection


def test_the_design_for_two_people():
    assert faces.build().count_params() == faces.PARAMETERS == 12_301


def folder_of(folder, flat=False, **people):
    for name, pictures in people.items():
        for number, picture in enumerate(pictures):
            path = folder / (f"{name}.{number}.png" if flat else f"{name}/{number}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            write_picture(str(path), picture)
    return folder


@pytest.mark.parametrize("people", [2, pytest.param(3, marks=pytest.mark.long)])
def test_a_folder_of_people_becomes_what_the_processor_reads(tmp_path, people):
    albums = dict(zip(("Grace", "Eileen", "Third"), (album(path, 4) for path in (HOPPER, COLLINS, STRANGE)), strict=True))
    folder = folder_of(tmp_path / "people", flat=people == 2, **{name: albums[name] for name in list(albums)[:people]})
    trained = faces.make(folder, 3, 0, tmp_path / "work")
    assert [row["count"] for row in trained.metrics] == [4 * people] * 2
    release(trained, tmp_path / "model")
    faces.complete(folder, tmp_path / "model")
    ResultCache.clear(tmp_path / "work")
    card = load(str(tmp_path / "model")).card
    assert sorted(card.labels) == sorted(albums)[:people] if people == 3 else {"Grace", "Eileen"} == set(card.labels)
    assert all(proof.difference <= 1e-5 for proof in card.verification)
    frames = np.stack([on_wall(picture) for picture in albums["Grace"]])
    _, events = rtkit.apply(f"faces:people={tmp_path / 'model'},smooth=0", frames, fps=1)
    assert [event.label for event in events] == ["Grace"] * 4


def test_folders_that_do_not_serve_are_told(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        faces.make(tmp_path / "nowhere", None, 0, tmp_path / "work")
    folder = folder_of(tmp_path / "one", Grace=album(HOPPER, 4), Eileen=album(COLLINS, 2))
    with pytest.raises(InputError, match="1 people with at least 3 faces"):
        faces.make(folder, None, 0, tmp_path / "work")
