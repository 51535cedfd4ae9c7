"""The processor: shipped fruits, unknown things, grey frames, drawing, bad folders; and the figures on all pictures."""

import json
import shutil

import numpy as np
import pytest
from rtkit_cluster import clusters
from rtkit_cluster.command import fit_folder
from rtkit_cluster.demo import PICTURES, run
from rtkit_cluster.encoder import Encoder

import rtkit
from export.data.pictures import Fruits, read_groceries
from export.evaluation.clusters import evaluate, evaluate_groceries
from rtkit import InputError, UsageError
from rtkit.core.items import Frame, FrameSpec
from rtkit.testing import check_processor
from tests.rtkit_cluster.pictures import FRUITS, VISION, averaging, fruits


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Clusters of three kinds, found with an encoder that knows nothing but mean colours."""
    folder = tmp_path_factory.mktemp("small")
    for kind in ("Banana", "Blueberry", "Tomato"):
        shutil.copytree(PICTURES / kind, folder / "pictures" / kind)
    (folder / "encoder.onnx").write_bytes(averaging())
    fit_folder(folder / "pictures", folder / "model", k=3, encoder=str(folder / "encoder.onnx"))
    return folder / "model"


@pytest.fixture
def copy(small, tmp_path):
    return shutil.copytree(small, tmp_path / "copy")


@pytest.mark.parametrize("step", ["cluster", "cluster:mosaic=true,emit_on=change", "cluster:model=designed", "cluster:model=designed_grey"])
def test_it_obeys_the_laws(step):
    check_processor(step)


def test_fruits_are_tagged_by_the_name_of_their_cluster():
    names = [path.parent.name for path in FRUITS]
    frames = np.stack(fruits(*names))
    out, events = rtkit.apply("cluster", frames, fps=10)
    assert [event.kind for event in events] == ["cluster"] * 60
    assert [event.time for event in events] == pytest.approx(np.arange(60) / 10)
    right = sum(event.label == name for event, name in zip(events, names, strict=True))
    print(f"{right} of 60")
    assert right >= 50
    for event in events:
        assert 0 <= event.score <= 1
        assert (event.label == "unknown") == (event.data["distance"] > 1)
        assert len(event.data["latent"]) == 128
        assert np.linalg.norm(event.data["latent"]) == pytest.approx(1, abs=1e-3)
        json.dumps(event.data)
    assert out.shape == frames.shape
    assert np.abs(out.astype(int) - frames).max(axis=(1, 2, 3)).min() > 50


def test_what_is_like_no_fruit_is_unknown():
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (1, 96, 128, 3), dtype=np.uint8)
    stripes = np.tile(np.arange(128, dtype=np.uint8)[None, None, :, None] % 16 * 15, (1, 96, 1, 3))
    _, events = rtkit.apply("cluster", np.concatenate([noise, stripes]), fps=1)
    assert [event.label for event in events] == ["unknown", "unknown"]
    assert min(event.score for event in events) > 0.5


def test_grey_frames_are_taken_and_come_out_in_colour(small):
    grey = fruits("Blueberry")[0].mean(axis=2).astype(np.uint8)[None]
    for step in ("cluster", f"cluster:model={small}"):
        out, events = rtkit.apply(step, grey, fps=1)
        assert out.shape == (1, 100, 100, 3)
        assert len(events) == 1


def test_clusters_of_grey_pictures_do_not_see_colours(tmp_path):
    fit_folder(PICTURES, tmp_path / "model", k=4, grey=True)
    colour = np.stack(fruits("Banana", "Tomato"))
    weights = np.array([0.114, 0.587, 0.299])
    grey = np.repeat((colour @ weights).round().astype(np.uint8)[..., None], 3, axis=3)
    (_, seen), (_, again) = (rtkit.apply(f"cluster:model={tmp_path / 'model'}", frames, fps=1) for frames in (colour, grey))
    assert [event.label for event in seen] == [event.label for event in again]
    np.testing.assert_allclose([e.data["distance"] for e in seen], [e.data["distance"] for e in again], atol=0.1)


def test_change_tells_of_changes_alone(small):
    frames = np.stack([*fruits("Banana")[:1] * 3, *fruits("Tomato")[:1] * 2])
    _, events = rtkit.apply(f"cluster:model={small},emit_on=change", frames, fps=1)
    assert [(event.time, event.label) for event in events] == [(0, "Banana"), (3, "Tomato")]


def test_the_mosaic_shows_the_cluster_below_a_known_frame(small):
    processor = rtkit.create("cluster", model=str(small), mosaic=True)
    frame = np.repeat(np.repeat(fruits("Banana")[0], 6, axis=0), 6, axis=1)
    processor.open(FrameSpec(600, 600, 1))
    typical = processor._clusters.typical[processor._clusters.names.index("Banana")]
    shown = processor.process(Frame(frame.copy(), 0, 0.0)).image[-75:, :75]
    assert np.abs(shown[::15, ::15].astype(int) - typical[0][::13, ::13][: len(shown[::15]), : len(shown[::15])]).mean() < 30
    processor.set(mosaic=False)
    np.testing.assert_array_equal(processor.process(Frame(frame.copy(), 1, 1.0)).image[-75:], frame[-75:])
    with pytest.raises(UsageError):
        processor.set(model="designed")


def test_a_user_may_rename_clusters(copy):
    names = (copy / "names.txt").read_text()
    (copy / "names.txt").write_text(names.replace("Banana", "yellow thing"))
    _, events = rtkit.apply(f"cluster:model={copy}", np.stack(fruits("Banana")), fps=1)
    assert {event.label for event in events} == {"yellow thing"}


def test_what_was_written_is_read_again(small):
    encoder = Encoder(str(small))
    read = clusters.read(encoder)
    again = small.parent / "again"
    read.write(again, encoder.path)
    other = clusters.read(Encoder(str(again)))
    for picture in fruits("Banana", "Tomato", "Lemon"):
        one, two = read.assign(encoder(picture)), other.assign(encoder(picture))
        assert (one.cluster, one.known, one.distance) == (two.cluster, two.known, two.distance)


def change(**arrays):
    def spoil(folder):
        with np.load(folder / "clusters.npz") as file:
            kept = dict(file)
        for name, value in arrays.items():
            if value is None:
                del kept[name]
            else:
                kept[name] = value(kept[name])
        np.savez(folder / "clusters.npz", **kept)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "clusters.npz").unlink(), "clusters.npz: no such file; expected clusters"),
        (lambda folder: (folder / "clusters.npz").write_bytes(b"noise"), "clusters.npz: damaged"),
        (lambda folder: (folder / "clusters.npz").write_bytes((folder / "clusters.npz").read_bytes()[:2000]), "clusters.npz: damaged"),
        (lambda folder: (folder / "clusters.npz").write_bytes(b""), "clusters.npz: damaged"),
        (lambda folder: (folder / "names.txt").unlink(), "names.txt: no names there"),
        (lambda folder: (folder / "names.txt").write_text("one\n"), "names.txt: 1 lines; expected a name for each of 3"),
        (lambda folder: (folder / "names.txt").write_bytes(b"\xff\xfe\n\n\n"), "names.txt: no names there"),
        (lambda folder: (folder / "model.onnx").write_bytes(averaging(4)), "mean is float32"),
        (lambda folder: (folder / "model.onnx").write_bytes(averaging() + b"\n\x00"), "found with another encoder"),
        (change(centres=None), "clusters.npz: has no centres"),
        (change(centres=lambda old: old * np.nan), "clusters.npz: centres is not finite"),
        (change(centres=lambda old: old[:2]), "clusters.npz: reach is float32"),
        (change(axes=lambda old: old[:, 0]), "clusters.npz: axes is"),
        (change(mean=lambda old: np.array(["x"] * len(old))), "clusters.npz: mean is"),
        (change(owners=lambda old: old * 0), "a cluster without examples"),
        (change(owners=lambda old: old - 1), "a cluster without examples"),
        (change(reach=lambda old: old * 0), "a cluster without examples or reach"),
        (change(typical=lambda old: old[:, :, :10]), "clusters.npz: typical is"),
        (change(mean=lambda old: np.array([None] * len(old), object)), "clusters.npz: damaged"),
    ],
)
def test_bad_folders_are_refused_in_a_line(copy, spoil, says):
    spoil(copy)
    with pytest.raises(InputError, match=says) as caught:
        rtkit.apply(f"cluster:model={copy}", np.zeros((1, 32, 32, 3), np.uint8), fps=1)
    assert str(copy) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_models_that_are_no_encoders_are_refused():
    frames = np.zeros((1, 32, 32, 3), np.uint8)
    for name, says in (
        ("efficientnet_lite0", "expected an encoder, one picture in and one row of features out"),
        ("heartbeat", "is no picture"),
        ("nowhere", "no such model"),
    ):
        with pytest.raises(InputError, match=says):
            rtkit.apply(f"cluster:model={name}", frames, fps=1)


def test_the_demo_leaves_what_it_says(tmp_path):
    lines = run(str(tmp_path / "demo"))
    assert "60 pictures; 9 clusters" in "\n".join(lines)
    for name in ("tagged.png", "clusters/typical.jpg", "clusters/choice.png", "clusters/clusters.npz"):
        assert (tmp_path / "demo" / name).stat().st_size > 1000
        assert not name.endswith("g") or name in "\n".join(lines)


@pytest.mark.long
@pytest.mark.skipif(not VISION.is_dir(), reason="needs the pictures in ../shared")
@pytest.mark.parametrize("grey", [False, True])
def test_the_kinds_of_fruit_are_found_without_labels(grey):
    encoder, found = Encoder("fruits"), Fruits.read(VISION)
    rows = list(evaluate(lambda images, grey: np.array([encoder(image, grey) for image in images]), found, greys=(grey,)))
    for row, least in zip(rows, (0.98, 0.98, 0.98, 0.95, 0.80), strict=True):
        print(f"{row.title}: {row.accuracy:.3f} (raw pixels {row.pixels:.3f}, mean colour {row.colour:.3f}), {row.k} clusters found")
        assert row.accuracy >= least
    assert sum(row.k == len(row.kinds) for row in rows) >= 4


@pytest.mark.skipif(not VISION.is_dir(), reason="needs the pictures in ../shared")
def test_clusters_of_photographs_tell_more_than_mean_colours():
    encoder = Encoder("fruits")
    shops, kinds, _ = read_groceries(VISION)
    for row in evaluate_groceries(lambda images, grey: np.array([encoder(image, grey) for image in images]), shops, kinds):
        base = float(row["split"].split("mean colour ")[1].split(";")[0])
        print(row)
        assert row["value"] >= base + 0.10
