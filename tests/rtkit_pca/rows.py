"""Rows to learn from, and how far what was learned is from exact principal components."""

from pathlib import Path

import numpy as np
import pytest

RULES = ("incremental", "ccipca", "oja", "sanger", "autoencoder")
FACES = Path(__file__).parents[3] / "shared" / "data" / "faces"


def spectrum(variances, n=300, d=40, offset=0.0, seed=0):
    """Rows ``[n, d]`` float32 with about these variances along directions of no particular kind."""
    random = np.random.default_rng(seed)
    axes = np.linalg.qr(random.standard_normal((d, len(variances))))[0].T
    return (random.standard_normal((n, len(variances))) * np.sqrt(variances) @ axes + offset).astype(np.float32)


def exact(rows, k):
    """Components ``[k, d]``, their variances, and the mean."""
    mean = rows.mean(axis=0, dtype=np.float64)
    _, sizes, axes = np.linalg.svd(rows - mean, full_matrices=False)
    return axes[:k], sizes[:k] ** 2 / len(rows), mean


def error(rows, components, mean):
    """Mean squared error of the rows as the components tell them."""
    centred = rows - mean
    basis = np.linalg.qr(components.T.astype(np.float64))[0]
    return float(((centred - centred @ basis @ basis.T) ** 2).mean())


def ratio(rows, pca):
    """Error of what was learned over that of exact principal components, both about the exact mean."""
    components, _, mean = exact(rows, len(pca.components))
    return error(rows, pca.components, mean) / error(rows, components, mean)


def angle(rows, pca):
    """Largest angle (degrees) between what was learned and exact principal components."""
    components = exact(rows, len(pca.components))[0]
    cosines = np.linalg.svd(components @ pca.components.T.astype(np.float64), compute_uv=False)
    return float(np.degrees(np.arccos(np.clip(cosines, -1, 1))).max())


def in_passes(pca, rows, passes, seed=0):
    """Learn from rows in random order, several times."""
    random = np.random.default_rng(seed)
    for _ in range(passes):
        pca.partial(rows[random.permutation(len(rows))])
    return pca


def faces(folder, pattern, size):
    """Pictures as rows of pixels 0 to 1, made smaller by area."""
    import cv2

    paths = sorted((FACES / folder).glob(pattern))
    if not paths:
        pytest.skip("needs the faces in ../shared, which may not be shipped")
    pictures = [read_grey(path) for path in paths]
    return np.stack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA).ravel() / 255 for picture in pictures]).astype(np.float32)


def read_grey(path):
    """A picture, also a GIF."""
    import cv2

    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        found, frames = cv2.imreadmulti(str(path), flags=cv2.IMREAD_GRAYSCALE)
        picture = frames[0] if found else cv2.VideoCapture(str(path)).read()[1][..., 0]
    return picture
