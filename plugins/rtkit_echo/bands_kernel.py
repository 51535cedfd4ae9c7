"""Kernel: what the network of `echo` sees of a block, in bands of about one equivalent rectangular bandwidth, and its gains for each bin."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_echo.kalman_kernel import Floats

#: Bands, and the centres of the first and the last (Hz).
BANDS, LOWEST, HIGHEST = 28, 80.0, 7600.0
#: What is seen of each band: error, estimated echo, and the echo that may be left.
SEEN = 3
#: A band whose noise has less power a bin than this (full scale: 1) counts as having so much.
FAINT = 1e-10
#: Levels above the noise (powers of ten) beyond which all is alike, and their scale.
LEAST, MOST, SCALE = -2.0, 8.0, 0.25

_FAST = {"reassoc", "contract", "nsz"}


class Bands(NamedTuple):
    """Bands on the bins of one transform.

    Parameters
    ----------
    first, last : ndarray
        Int64 ``[BANDS]``: the bins that belong to a band.
    weights : ndarray
        Float32 ``[BANDS, bins]``: triangles, each of sum 1.
    below, share : ndarray
        Int64 and float32 ``[bins]``: the band below a bin, and the share of the one above in its gain.
    there : ndarray
        Bool ``[BANDS]``: whether the band lies below half the sample rate.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    weights: Floats
    below: NDArray[np.int64]
    share: Floats
    there: NDArray[np.bool_]


def centres() -> NDArray[np.float64]:
    """Centres (Hz) of the bands, equally far apart on the ERB-rate scale (B. Glasberg, B. Moore, Hearing Research 47, 1990)."""
    rate = np.linspace(*(21.4 * np.log10(1 + 0.00437 * np.array([LOWEST, HIGHEST]))), BANDS)
    return np.asarray((10 ** (rate / 21.4) - 1) / 0.00437)


def bands(bins: int, rate: float) -> Bands:
    """The bands on `bins` bins from 0 to half of `rate` (Hz)."""
    middle, at = centres(), np.arange(bins) * rate / 2 / (bins - 1)
    spacing = at[1]
    edges = np.concatenate([[middle[0] - 60], middle, [middle[-1] + 900]])
    weights = np.zeros((BANDS, bins))
    for band in range(BANDS):
        low = min(edges[band], middle[band] - spacing)
        high = max(edges[band + 2], middle[band] + spacing)
        weights[band] = np.clip(np.minimum((at - low) / (middle[band] - low), (high - at) / (high - middle[band])), 0, None)
    total = weights.sum(axis=1)
    there = (total > 0) & (middle < rate / 2)
    weights[there] /= total[there, None]
    used = [np.flatnonzero(row) if is_there else np.zeros(1, np.int64) for row, is_there in zip(weights, there, strict=True)]
    below = np.clip(np.searchsorted(middle, at) - 1, 0, BANDS - 2)
    share = np.clip((at - middle[below]) / (middle[below + 1] - middle[below]), 0, 1)
    return Bands(
        np.array([row[0] for row in used], np.int64),
        np.array([row[-1] + 1 for row in used], np.int64),
        weights.astype(np.float32),
        below.astype(np.int64),
        share.astype(np.float32),
        there,
    )


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def energies(power: Floats, table: Bands, out: Floats) -> None:
    """Mean power of each band ``[BANDS]`` of a power spectrum ``[bins]``."""
    for band in range(out.size):
        total = np.float32(0)
        for k in range(table.first[band], table.last[band]):
            total += table.weights[band, k] * power[k]
        out[band] = total


@numba.njit(nogil=True, cache=True, error_model="numpy")
def look(real: Floats, imaginary: Floats, expected: Floats, floor: Floats, scale: float, table: Bands, out: Floats) -> None:
    """What is seen ``[blocks, SEEN * BANDS]``: levels above the noise, in bounds.

    Parameters
    ----------
    real, imaginary : ndarray
        Float32 ``[blocks, bins, 2]``: spectra of error and estimated echo.
    expected, floor : ndarray
        Float32 ``[blocks, bins]``: power of the echo that may be left, and of the noise.
    scale : float
        Power of a bin of full-scale noise of power 1.
    """
    bins = real.shape[1]
    power, found = np.empty((SEEN, bins), np.float32), np.empty(BANDS, np.float32)
    still = np.empty(BANDS, np.float32)
    for block in range(out.shape[0]):
        for k in range(bins):
            power[0, k] = real[block, k, 0] ** 2 + imaginary[block, k, 0] ** 2
            power[1, k] = real[block, k, 1] ** 2 + imaginary[block, k, 1] ** 2
            power[2, k] = expected[block, k]
        energies(floor[block], table, still)
        for seen in range(SEEN):
            energies(power[seen], table, found)
            for band in range(BANDS):
                least = FAINT * scale
                level = np.log10((found[band] + 0.01 * least) / max(float(still[band]), least))
                place = seen * BANDS + band
                out[block, place] = SCALE * min(max(level, LEAST), MOST) if table.there[band] else SCALE * LEAST


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def spread(gains: Floats, table: Bands, out: Floats) -> None:
    """Gains ``[blocks, bins]`` from those of the bands ``[blocks, BANDS]``, in straight lines between their centres."""
    for block in range(out.shape[0]):
        for k in range(out.shape[1]):
            band, share = table.below[k], table.share[k]
            out[block, k] = (np.float32(1) - share) * gains[block, band] + share * gains[block, band + 1]
