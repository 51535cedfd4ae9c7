"""Clusters: accuracy beside raw pixels and mean colour, clusters found, unknown kinds refused, and frames a second."""

import os
from pathlib import Path

import cv2
import numpy as np
from rtkit_cluster.cluster import Cluster
from rtkit_cluster.clusters import Clusters
from rtkit_cluster.encoder import Encoder
from rtkit_cluster.fit import PictureSet, fit

from benchmarks.clock import frames_a_second
from export.data.pictures import FRUITS, Fruits, read_groceries
from export.evaluation.clusters import evaluate, evaluate_groceries
from tests.rtkit_cluster.pictures import VISION

DATA = Path(os.environ.get("RTKIT_VISION_DATA", VISION))
#: Trials in which some kinds of fruit are left out.
TRIALS = 6


def refused(encode, fruits, left_out, grey):
    """Shares of test pictures that are unknown: of kinds that the clusters were found in, of kinds left out."""
    train, test = encode(fruits.train, grey), encode(fruits.test, grey)
    random, known, unknown = np.random.default_rng(3), [], []
    for _ in range(TRIALS):
        out = random.choice(FRUITS, left_out, replace=False)
        inside = ~np.isin(fruits.kinds, out)
        names = np.array(fruits.kinds)[inside].tolist()
        shown = PictureSet(lambda number: fruits.train[0], names)
        clusters: Clusters = fit(train[inside], shown, "", grey, len(FRUITS) - left_out).clusters
        is_unknown = np.array([not clusters.assign(features).known for features in test])
        of_out = np.isin(fruits.test_kinds, out)
        known.append(is_unknown[~of_out].mean())
        unknown.append(is_unknown[of_out].mean())
    return np.mean(known), np.mean(unknown)


def rows():
    cv2.setNumThreads(1)
    encoder, fruits = Encoder("fruits"), Fruits.read(DATA)

    def encode(images, grey):
        return np.array([encoder(image, grey) for image in images])

    yield "set", "accuracy", "raw pixels", "mean colour", "clusters found"
    for one in evaluate(encode, fruits):
        yield one.title, f"{one.accuracy:.3f}", f"{one.pixels:.3f}", f"{one.colour:.3f}", f"{one.k} of {len(one.kinds)}"
    shops, kinds, _ = read_groceries(DATA)
    for row in evaluate_groceries(encode, shops, kinds):
        yield f"NMI, {row['split']}", row["value"]
    for left_out in (3, 6):
        for grey in (False, True):
            known, unknown = refused(encode, fruits, left_out, grey)
            yield (
                f"unknown, {left_out} kinds left out, {'grey' if grey else 'colour'}",
                f"of these {unknown:.2f}",
                f"of the others {known:.3f}",
            )
    for model in ("fruits", "designed", "designed_grey"):
        yield f"frames/s, 640 x 480, one thread, {model}", round(frames_a_second(Cluster(model)))
