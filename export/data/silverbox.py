"""The Silverbox: an electronic Duffing oscillator, a benchmark of nonlinear system identification."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from export.data import Floats
from export.data.origin import Origin, find, sha256
from rtkit.core.errors import InputError

RATE_HZ = 1e7 / 2**14
SAMPLES = 131_072


def read_silverbox(folder: Path) -> tuple[Floats, Floats, Origin]:
    """The Silverbox, an electronic Duffing oscillator driven by noise and multisines.

    Returns
    -------
    u, y : ndarray
        ``[131072]``, input and output (V) at 610.35 Hz.
    origin : Origin

    Raises
    ------
    InputError
        The file is missing, or not the benchmark's MAT file with V1 and V2.
    """
    from scipy.io import loadmat

    what = "the Silverbox benchmark (nonlinearbenchmark.org), a MAT file with the input V1 and the output V2, 131,072 samples each"
    path = find(folder, "silverbox_SNLS80mV.mat", what)
    try:
        content = loadmat(path)
        u, y = (np.asarray(content[name], np.float32).ravel() for name in ("V1", "V2"))
    except Exception as error:  # scipy raises many kinds for a damaged file
        raise InputError(f"{path}: {type(error).__name__}: {error}; expected {what}") from None
    if u.shape != (SAMPLES,) or y.shape != u.shape or not (np.isfinite(u).all() and np.isfinite(y).all()):
        raise InputError(f"{path}: V1 has {u.size} and V2 {y.size} samples, or one is not finite; expected {what}")
    source = "T. Wigren, J. Schoukens, ECC 2013; nonlinearbenchmark.org"
    return u, y, Origin("Silverbox (SNLS80mV)", source, "MIT (copy in biaslab/nsi-silverbox)", sha256(path), len(u))
