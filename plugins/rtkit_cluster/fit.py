"""Clusters found in features: the space, how many there are, k-means, how far each reaches, which pictures are typical, and names."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Image, InputError
from rtkit_cluster.clusters import SIDE, TYPICAL, UNKNOWN, Clusters, Floats, Space, thumbnail, unit

Labels = NDArray[np.intp]

#: Up to so many features are a latent by themselves; more are normalised onto a sphere.
MAX_PLAIN_FEATURES = 16
#: Principal axes of a sphere that are kept.
MAX_AXES = 128
#: The k that is chosen is the smallest with such a share of the best silhouette.
SILHOUETTE_SHARE = 0.95
#: The search for k goes so far at least, and at most.
MIN_K, MAX_K = 12, 64
#: Pictures from which the silhouette of many is estimated.
SILHOUETTE_SAMPLE = 2000
#: Starts of k-means for each k that is tried, and for the one that is chosen.
STARTS, LAST_STARTS = 3, 10
#: Pictures of a cluster that are kept for comparison.
EXAMPLES = 50
#: Parts in which a cluster's pictures are taken to find how far it reaches, and the share of them that it has to reach.
FOLDS, REACH_QUANTILE = 5, 0.99
#: Shrinkage: a cluster of so many pictures has a reach half its own, half that of all.
SHRINKAGE_PICTURES = 10

#: Is called with what is done and the progress, 0 to 1.
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Choice:
    """How k was chosen: what was tried, from 1 on, the squared distances left over, and the silhouettes (NaN for 1)."""

    k: int
    inertias: Floats
    silhouettes: Floats


@dataclass(frozen=True, slots=True)
class Fit:
    """Clusters, the number of the cluster of each picture, and how k was chosen."""

    clusters: Clusters
    labels: Labels
    choice: Choice


@dataclass(frozen=True, slots=True)
class PictureSet:
    """The pictures that features were made of.

    Parameters
    ----------
    picture : callable
        Gives one by its number.
    folders : sequence of str
        Where each comes from, to name clusters by; empty for what has no name.
    """

    picture: Callable[[int], Image]
    folders: Sequence[str]


def space_of(features: Floats) -> Space:
    """The space in which pictures with these features ``[n, d]`` are spread evenly."""
    if features.shape[1] <= MAX_PLAIN_FEATURES:
        deviation = features.std(axis=0)
        return Space(False, features.mean(axis=0), np.diag(1 / np.where(deviation > 0, deviation, 1)))
    on_sphere = unit(features)
    mean = on_sphere.mean(axis=0)
    axes = np.linalg.svd(on_sphere - mean, full_matrices=False)[2][:MAX_AXES].T
    return Space(True, mean, axes)


def k_means(latents: Floats, k: int, starts: int = LAST_STARTS) -> Any:
    """scikit-learn's k-means, the same for the same latents."""
    from sklearn.cluster import KMeans

    return KMeans(k, n_init=starts, random_state=0).fit(latents)


def choose(latents: Floats, k: int | None = None, progress: Progress = lambda text, done: None) -> Choice:
    """Choose how many clusters there are in latents ``[n, p]``.

    The rule is free of scale: the smallest k whose mean silhouette is at least `SILHOUETTE_SHARE` of the best one. One that is
    best by a hair often splits a cluster.

    Parameters
    ----------
    latents : ndarray
        ``[n, p]``.
    k : int, optional
        The answer, where it is known; others are tried for comparison.
    progress : callable
        Is told how far it is.
    """
    count, distinct = len(latents), len(np.unique(latents.round(6), axis=0))
    most = min(max(MIN_K, math.isqrt(count), k or 0), max(MAX_K, k or 0), distinct - 1)
    sample = np.random.default_rng(0).permutation(count)[:SILHOUETTE_SAMPLE]
    inertias, silhouettes = [float(((latents - latents.mean(axis=0)) ** 2).sum())], [math.nan]
    for tried in range(2, most + 1):
        progress(f"clusters: {tried}", tried / most)
        made = k_means(latents, tried, STARTS)
        inertias.append(float(made.inertia_))
        silhouettes.append(_silhouette(latents[sample], made.labels_[sample]))
    enough = np.array(silhouettes) >= SILHOUETTE_SHARE * np.nanmax(silhouettes) if most > 1 else np.array([True])
    return Choice(k or int(np.argmax(enough)) + 1, np.array(inertias), np.array(silhouettes))


def _silhouette(latents: Floats, labels: Labels) -> float:
    """The mean silhouette; 0 where a sample holds but one cluster."""
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(latents, labels)) if len(np.unique(labels)) > 1 else 0.0


def fit(
    features: Floats,
    pictures: PictureSet,
    encoder: str,
    grey: bool = False,
    k: int | None = None,
    progress: Progress = lambda text, done: None,
) -> Fit:
    """Find clusters.

    Parameters
    ----------
    features : ndarray
        ``[n, d]``, of pictures in an order in which like ones, such as frames of one clip, are neighbours.
    pictures : PictureSet
        The pictures.
    encoder : str
        Hash of the encoder that made the features.
    grey : bool
        Whether it was given grey pictures.
    k : int, optional
        How many clusters; chosen by `choose` when not given.
    progress : callable
        Is told how far it is.

    Raises
    ------
    InputError
        Fewer different pictures than clusters.
    """
    from threadpoolctl import threadpool_limits

    features = features.astype(np.float64)
    with threadpool_limits(1):  # several threads would add up in another order each time
        space = space_of(features)
        prepared = space.prepared(features)
        latents = space.latents(prepared)
        distinct = len(np.unique(latents.round(6), axis=0))
        if k is not None and k > distinct:
            raise InputError(f"{distinct} different pictures cannot be in {k} clusters")
        choice = choose(latents, k, progress)
        made = k_means(latents, choice.k)
    labels: Labels = made.labels_.astype(np.intp)
    centres: Floats = made.cluster_centers_
    examples, reach = reaches(prepared, labels)
    shots = typical(latents, labels, centres, pictures.picture)
    names = name_clusters(labels, pictures.folders)
    clusters = Clusters(encoder, grey, space, centres, prepared[examples], labels[examples], reach, shots, names)
    return Fit(clusters, labels, choice)


def reaches(prepared: Floats, labels: Labels) -> tuple[Labels, Floats]:
    """Which pictures of each cluster to keep as examples, and how far each cluster reaches ``[k]``.

    A cluster reaches as far as `REACH_QUANTILE` of its pictures are from the nearest example in the other parts of it. The parts are runs
    of neighbours: pictures next to each other are often nearly the same, and would make every cluster seem small.
    """
    numbers = range(int(labels.max()) + 1)
    members = [np.flatnonzero(labels == number) for number in numbers]
    kept = [own[np.unique(np.linspace(0, len(own) - 1, EXAMPLES).round().astype(np.intp))] for own in members]
    away = []
    for own, examples in zip(members, kept, strict=True):
        parts = np.empty(len(labels), np.intp)
        parts[own] = np.arange(len(own)) * FOLDS // len(own)
        squares = (
            (prepared[own] ** 2).sum(axis=1)[:, None] + (prepared[examples] ** 2).sum(axis=1) - 2 * prepared[own] @ prepared[examples].T
        )
        squares[parts[own][:, None] == parts[examples]] = np.inf
        nearest = np.sqrt(np.maximum(squares.min(axis=1), 0))
        away.append(nearest[np.isfinite(nearest)])
    everything = np.concatenate(away)
    common = float(np.quantile(everything, REACH_QUANTILE)) if len(everything) else 1.0
    reach = [
        (float(np.quantile(own, REACH_QUANTILE)) * len(own) + common * SHRINKAGE_PICTURES) / (len(own) + SHRINKAGE_PICTURES)
        if len(own)
        else common
        for own in away
    ]
    return np.concatenate(kept), np.maximum(reach, 1e-3)


def typical(latents: Floats, labels: Labels, centres: Floats, picture: Callable[[int], Image]) -> NDArray[np.uint8]:
    """Small pictures of each cluster: of each of `TYPICAL` runs of its pictures, the one nearest to the centre."""
    out = np.zeros((len(centres), TYPICAL, SIDE, SIDE, 3), np.uint8)
    for number, centre in enumerate(centres):
        own = np.flatnonzero(labels == number)
        away = np.linalg.norm(latents[own] - centre, axis=1)
        for place, run in enumerate(np.array_split(np.arange(len(own)), min(TYPICAL, len(own)))):
            out[number, place] = thumbnail(picture(int(own[run[np.argmin(away[run])]])))
    return out


def name_clusters(labels: Labels, folders: Sequence[str]) -> tuple[str, ...]:
    """Call each cluster as the folder that most of its pictures come from, numbered where several would be called the same."""
    folders = [" ".join(folder.encode(errors="replace").decode().split()) for folder in folders]  # a name is a line of text
    names: list[str] = []
    for number in range(int(labels.max()) + 1):
        own = [folders[int(index)] for index in np.flatnonzero(labels == number)]
        name, count = Counter(own).most_common(1)[0]
        name = name if name not in ("", UNKNOWN) and 2 * count > len(own) else f"cluster {number + 1}"
        same = sum(other == name or other.startswith(f"{name} #") for other in names)
        names.append(f"{name} #{same + 1}" if same else name)
    return tuple(names)
