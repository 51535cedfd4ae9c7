"""Principal components: how near exact after some passes, and time a sample, beside NumPy and scikit-learn.

Faces where there are some, and the shipped pictures of clothes. Every learner sees the same rows in the same random order, and finds the
mean by itself, but for those in NumPy, which are given it. Judged by the subspace, about the exact mean.
"""

import os
import time
from pathlib import Path

import cv2
import numpy as np
from rtkit_pca.demo import COMPONENTS, PICTURES
from rtkit_pca.pca import Pca
from rtkit_pca.rules import RULES
from sklearn.decomposition import IncrementalPCA

from tests.rtkit_pca.rows import FACES, read_grey

DATA = Path(os.environ.get("RTKIT_FACES_DATA", FACES))
PASSES = (1, 2, 5, 10, 20)
#: Orders of the rows; figures are medians, angles also the largest.
SEEDS = 5
#: Width and height that faces are brought to, as the studies of such rules did.
SETS = {"Yale": ("yalefaces/*", (80, 61)), "ORL": ("att_faces/s*/*.pgm", (46, 56))}


class Numpy:
    """CCIPCA (amnesic 2) and Oja's subspace rule with the step sizes of textbooks, as one writes them in NumPy, on centred rows."""

    def __init__(self, rule, k, mean):
        self.rule, self.k, self.mean, self.n = rule, k, mean, 0
        self.vectors = np.zeros((len(mean), k), np.float32)

    def partial(self, rows):
        for row in rows - self.mean:
            getattr(self, self.rule)(row)

    def ccipca(self, u):
        self.n += 1
        t, vectors = self.n, self.vectors
        for j in range(min(self.k, t)):
            if j == t - 1:
                vectors[:, j] = u
                break
            amnesia = min(2.0, t - 1 - 1e-9) if t > 2 else 0.0
            along = u @ vectors[:, j] / (np.linalg.norm(vectors[:, j]) + 1e-12)
            vectors[:, j] = (t - 1 - amnesia) / t * vectors[:, j] + (1 + amnesia) / t * u * along
            unit = vectors[:, j] / (np.linalg.norm(vectors[:, j]) + 1e-12)
            u = u - (u @ unit) * unit

    def oja(self, u):
        if self.n == 0:
            random = np.random.default_rng(0)
            self.vectors = np.linalg.qr(random.standard_normal((len(u), self.k)))[0].astype(np.float32)
            self.energy = float(u @ u)
        self.n += 1
        self.energy += (float(u @ u) - self.energy) / self.n
        y = self.vectors.T @ u
        self.vectors += np.outer(u - self.vectors @ y, np.float32(0.5 / (1 + self.n / 1000) / self.energy) * y)

    @property
    def components(self):
        return self.vectors.T


class Sklearn:
    """scikit-learn's IncrementalPCA, which takes batches."""

    def __init__(self, k):
        self.learner = IncrementalPCA(k, batch_size=50)

    def partial(self, rows):
        for start in range(0, len(rows), 50):
            if len(rows) - start >= self.learner.n_components:  # it takes no fewer
                self.learner.partial_fit(rows[start : start + 50])

    @property
    def components(self):
        return self.learner.components_


def learners(k, mean):
    return {rule: lambda rule=rule: Pca(components=k, rule=rule) for rule in RULES} | {
        "NumPy ccipca": lambda: Numpy("ccipca", k, mean),
        "NumPy oja": lambda: Numpy("oja", k, mean),
        "scikit-learn IncrementalPCA": lambda: Sklearn(k),
    }


def measure(rows):
    """For each learner, ratios of errors and largest angles ``[SEEDS, PASSES]``, times (us) a row, and largest cosines after 5 passes."""
    mean = rows.mean(axis=0, dtype=np.float64)
    centred = rows - mean
    exact = np.linalg.svd(centred, full_matrices=False)[2][:COMPONENTS]

    def lost(components):
        basis = np.linalg.qr(components.T.astype(np.float64))[0]
        return ((centred - centred @ basis @ basis.T) ** 2).mean()

    def angle(components):
        cosines = np.linalg.svd(exact @ np.linalg.qr(components.T.astype(np.float64))[0], compute_uv=False)
        return np.degrees(np.arccos(cosines.clip(-1, 1)))[-1]

    def cosine(components):
        units = components / np.linalg.norm(components, axis=1, keepdims=True)
        return np.abs(units @ units.T - np.eye(len(units))).max()

    best, found = lost(exact), {}
    for seed in range(SEEDS):
        for name, make in learners(COMPONENTS, mean.astype(np.float32)).items():
            random, learner = np.random.default_rng(seed), make()
            ratios, angles, times, cosines = found.setdefault(name, ([], [], [], []))
            ratios.append([])
            angles.append([])
            if isinstance(learner, Pca):
                learner.partial(rows[:0])  # compiles
            for number in range(1, max(PASSES) + 1):
                shuffled = rows[random.permutation(len(rows))]
                begin = time.process_time()
                learner.partial(shuffled)
                times.append((time.process_time() - begin) / len(rows) * 1e6)
                if number in PASSES:
                    ratios[-1].append(lost(learner.components) / best)
                    angles[-1].append(angle(learner.components))
                if number == 5:
                    cosines.append(learner.orthogonality if isinstance(learner, Pca) else cosine(learner.components))
    return found


def rows():
    cv2.setNumThreads(1)
    sets = {}
    for name, (pattern, size) in SETS.items():
        pictures = [read_grey(path) for path in sorted(DATA.glob(pattern)) if path.suffix != ".md"]
        if pictures:
            sets[name] = np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA).ravel() / 255 for one in pictures]).astype(
                np.float32
            )
    if "Yale" in sets:
        sets["Yale"] = sets["Yale"][np.arange(len(sets["Yale"])) % 5 != 0]
    with np.load(PICTURES) as file:
        sets["clothes"] = file["pictures"].reshape(len(file["pictures"]), -1).astype(np.float32) / 255
    titles = (f"error over exact, {n} passes" for n in PASSES)
    yield "set, rows, values", "learner", *titles, "largest angle, 5 and 20 passes", "largest cosine, 5 passes", "processor us a row"
    for name, data in sets.items():
        for learner, (ratios, angles, times, cosines) in measure(data).items():
            apart, five = np.array(angles), PASSES.index(5)
            yield (
                f"{name}, {data.shape[0]}, {data.shape[1]}",
                learner,
                *(f"{value:.5f}" for value in np.median(ratios, axis=0)),
                f"{np.median(apart[:, five]):.2f} (at most {apart[:, five].max():.2f}), {np.median(apart[:, -1]):.2f}",
                f"{np.median(cosines):.4f}",
                f"{np.median(times):.0f}",
            )
