"""Faces: recognition of left-out pictures, strangers refused, and frames a second beside bare YuNet."""

import functools
import time

import numpy as np
from rtkit_faces import evaluation, similarity
from rtkit_faces.collection import FaceCollector
from rtkit_faces.decision import decide
from rtkit_faces.detector import CROP_SIDE, YUNET
from rtkit_faces.faces import Faces
from rtkit_faces.training import count_variations, levelled

from rtkit import Frame, FrameSpec
from rtkit.video.opencv import opencv
from tests.rtkit_faces.pictures import COLLINS, DATA, HOPPER, STRANGE, album, on_wall
from tests.rtkit_faces.test_faces import enrolled

cv2 = opencv()

#: Rates of false accepts that are asked for.
RATES = (0.001, 0.01, 0.05, 0.1)
#: Trials in which some people are enrolled and the others are strangers, and faces that are enrolled of each.
TRIALS, EACH = 12, 6
FRAMES = 100
WAYS = ("whole", "found")


class Set:
    """Faces of a database, as whole pictures of the size that others are measured with, or found and turned upright."""

    def __init__(self, name, paths, owner, small):
        self.name = name
        self._small = small
        self._pictures = [cv2.imread(str(path)) for path in paths]
        self.owners = np.unique([owner(path) for path in paths], return_inverse=True)[1].astype(np.intp)

    @functools.cache  # noqa: B019 - a few sets, for as long as the process
    def rows(self, way):
        """Levelled faces and their variations, ``whole`` or ``found``."""
        gatherer = FaceCollector(way == "whole", every=True)
        for image in self._pictures:
            kept = gatherer.take(cv2.resize(image, self._small, interpolation=cv2.INTER_AREA) if way == "whole" else image)
            assert kept, (self.name, way, gatherer.found.refused)
        return levelled(gatherer.found.faces, count_variations(len(self._pictures)))

    @classmethod
    def yale(cls):
        return cls("Yale", sorted((DATA / "yalefaces").glob("*.gif")), lambda path: path.name[:9], (80, 61))

    @classmethod
    def orl(cls):
        paths = [DATA / "att_faces" / f"s{person}" / f"{number}.pgm" for person in range(1, 41) for number in range(1, 11)]
        return cls("ORL", paths, lambda path: int(path.parent.name[1:]), (46, 56))


def modulo(count, parts):
    """Places in parts, as the ruler has them: one by one, or by the place modulo a number."""
    return [np.arange(count)[np.arange(count) % parts == part] for part in range(parts)]


def accuracy(rows, owners, parts, components=60):
    """Share that is recognised, and seconds of the processor for one training."""
    begin = time.process_time()
    labels, _ = evaluation.cross_validate(rows, owners, modulo(len(rows), parts), components)
    return (labels == owners).mean(), (time.process_time() - begin) / parts


def strangers(own, other, count, random):
    """Similarity of left-out faces of some enrolled people (NaN if taken for another one), of strangers of another set, and the strangers
    as calibrated.
    """
    rows, owners = own
    people = random.choice(np.unique(owners), count, replace=False)
    places = [random.permutation(np.flatnonzero(owners == person)) for person in people]
    kept, left = (np.concatenate([own[part] for own in places]) for part in (np.s_[:EACH], np.s_[EACH:]))
    new = np.searchsorted(np.sort(people), owners)
    shown = rows[~np.isin(owners, people), 0] if other is None else other[:, 0]
    faces = np.concatenate([rows[left, 0], shown])
    probabilities = evaluation.probabilities(rows[kept], new[kept], faces)
    examples = [similarity.patches(rows[kept[new[kept] == person]].reshape(-1, rows.shape[-1])) for person in range(count)]
    found, similarities = decide(probabilities, similarity.patches(faces), examples)
    true = np.where(found[: len(left)] == new[left], similarities[: len(left)], np.nan)
    return true, similarities[len(left) :], similarity.impostors(rows[kept], new[kept])


def refusing(title, own, other, count):
    """A row for each rate that is asked for: false accepts, and false rejects."""
    random, results = np.random.default_rng(7), []
    for _ in range(TRIALS):
        results.append(strangers(own, other, count, random))
    for far in RATES:
        limits = [similarity.threshold(usual, far) for _, _, usual in results]
        accepted = np.mean([(similarities >= limit).mean() for (_, similarities, _), limit in zip(results, limits, strict=True)])
        rejected = np.mean([1 - (true >= limit).mean() for (true, _, _), limit in zip(results, limits, strict=True)])
        yield f"{title}, {count} enrolled, far={far:g}", f"false accepts {accepted:.4f}", f"false rejects {rejected:.3f}"


def rates(folder):
    """Frames a second, one thread, 640 x 480 with three faces in them."""
    frames = [on_wall(*pictures, height=480) for pictures in zip(*(album(path, 4) for path in (HOPPER, COLLINS, STRANGE)), strict=True)]
    bare = cv2.FaceDetectorYN.create(str(YUNET), "", (CROP_SIDE, CROP_SIDE), 0.6, 0.3, 100)

    def detect(image, size):
        bare.setInputSize(size)
        bare.detect(image if size == (640, 480) else cv2.resize(image, size, interpolation=cv2.INTER_AREA))

    ways = {
        "bare YuNet, 640 x 480": lambda image, n: detect(image, (640, 480)),
        "bare YuNet, 320 x 240": lambda image, n: detect(image, (320, 240)),
    }
    for smallest in (40, 80):
        processor = Faces(people=str(folder), smallest=smallest)
        processor.open(FrameSpec(640, 480, 30))
        ways[f"faces:smallest={smallest}"] = lambda image, n, processor=processor: processor.process(Frame(image, n, n / 30))
    times = {name: [] for name in ways}
    for number in range(FRAMES):
        for name, way in ways.items():
            begin = time.process_time()
            way(frames[number % len(frames)], number)
            times[name].append(time.process_time() - begin)
    for name, spent in times.items():
        yield f"frames/s of processor time, 640 x 480, three faces, {name}", round(1 / np.median(spent))


def rows():
    import tempfile
    from pathlib import Path

    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = enrolled(Path(name), Grace=album(HOPPER), Eileen=album(COLLINS))
        yield from rates(folder)
    if not DATA.is_dir():
        yield (f"recognition: needs the Yale and ORL faces, RTKIT_FACES_DATA or {DATA}",)
        return
    yale, orl = Set.yale(), Set.orl()
    yield "set", "accuracy", "processor time of a training"
    for database, parts in ((yale, len(yale.owners)), (orl, 10)):
        for way in WAYS:
            faces = database.rows(way)
            share, seconds = accuracy(faces, database.owners, parts)
            yield f"{database.name}, {way} pictures, {'leave one out' if parts > 10 else '10-fold'}", f"{share:.4f}", f"{seconds:.2f} s"
    two = yale.owners < 2
    for way in WAYS:
        faces = yale.rows(way)
        for components in (10, 60):
            share, seconds = accuracy(faces[two], yale.owners[two], int(two.sum()), components)
            yield f"Yale subject01/subject02, {way} pictures, {components} components, leave one out", f"{share:.4f}", f"{seconds:.2f} s"
    for database, other in ((yale, orl), (orl, yale)):
        own = database.rows("found"), database.owners
        for count in (2, 5, 10):
            yield from refusing(f"{database.name} found, its others as strangers", own, None, count)
        yield from refusing(f"{database.name} found, {other.name} as strangers", own, other.rows("found"), 10)
