"""Fourier transforms of many real signals of one length at once, for kernels: the lanes lie side by side, and run through SIMD together.

A signal of n = 2 b samples is a row for each sample, a lane for each signal; its spectrum has b + 1 rows. Stockham's algorithm, radix 4: no
reordering, and the inner loop is over contiguous memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_FAST = {"reassoc", "contract", "nsz"}


class FourierPlan(NamedTuple):
    """Tables for signals of one length, and room for up to some number of lanes.

    Parameters
    ----------
    turns : ndarray
        Float32 ``[b + 1, 2]``: cos and sin of 2 π k / n.
    work : ndarray
        Float32 ``[4, b * lanes]``.
    """

    turns: Floats
    work: Floats


#: Its name in kernels that 0.1 compiled: numba reads their index, and so this name, before it sees that they are out of date.
Plan = FourierPlan


def plan(half: int, lanes: int) -> FourierPlan:
    """A plan for signals of ``2 * half`` samples; `half` is a power of two."""
    angle = np.pi * np.arange(half + 1) / half
    turns = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    return FourierPlan(np.ascontiguousarray(turns), np.zeros((4, half * lanes), np.float32))


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def _quarters(xr: Floats, xi: Floats, yr: Floats, yi: Floats, length: int, stride: int, turns: Floats) -> None:
    """One stage of radix 4: from `x` to `y`, both ``[b * lanes]``; `stride` counts the lanes, too."""
    part = length // 4
    step = 2 * (turns.shape[0] - 1) // length
    for p in range(part):
        c1, s1 = turns[p * step, 0], -turns[p * step, 1]
        c2, s2 = c1 * c1 - s1 * s1, np.float32(2) * c1 * s1
        c3, s3 = c1 * c2 - s1 * s2, c1 * s2 + s1 * c2
        a, b, c, d = stride * p, stride * (p + part), stride * (p + 2 * part), stride * (p + 3 * part)
        to = 4 * stride * p
        for q in range(stride):
            ar, ai, br, bi = xr[a + q], xi[a + q], xr[b + q], xi[b + q]
            cr, ci, dr, di = xr[c + q], xi[c + q], xr[d + q], xi[d + q]
            sr, si, tr, ti = ar + cr, ai + ci, br + dr, bi + di
            ur, ui, vr, vi = ar - cr, ai - ci, bi - di, dr - br
            yr[to + q], yi[to + q] = sr + tr, si + ti
            gr, gi = ur + vr, ui + vi
            yr[to + stride + q], yi[to + stride + q] = c1 * gr - s1 * gi, c1 * gi + s1 * gr
            gr, gi = sr - tr, si - ti
            yr[to + 2 * stride + q], yi[to + 2 * stride + q] = c2 * gr - s2 * gi, c2 * gi + s2 * gr
            gr, gi = ur - vr, ui - vi
            yr[to + 3 * stride + q], yi[to + 3 * stride + q] = c3 * gr - s3 * gi, c3 * gi + s3 * gr


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def _halves(xr: Floats, xi: Floats, yr: Floats, yi: Floats, stride: int) -> None:
    """The last stage of radix 2, where the length is no power of four."""
    for q in range(stride):
        ar, ai, br, bi = xr[q], xi[q], xr[stride + q], xi[stride + q]
        yr[q], yi[q], yr[stride + q], yi[stride + q] = ar + br, ai + bi, ar - br, ai - bi


@numba.njit(nogil=True, cache=True)
def _complex(work: Floats, half: int, lanes: int, turns: Floats, swapped: bool) -> int:
    """Transform what is in rows 0 and 1 of `work` (or 1 and 0, for the inverse); gives the row where the answer begins."""
    first, second = (1, 0) if swapped else (0, 1)
    source, target = 0, 2
    length, stride = half, lanes
    while length >= 4:
        _quarters(work[source + first], work[source + second], work[target + first], work[target + second], length, stride, turns)
        source, target = target, source
        length //= 4
        stride *= 4
    if length == 2:
        _halves(work[source + first], work[source + second], work[target + first], work[target + second], stride)
        source = target
    return source


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def forward(signals: Floats, real: Floats, imaginary: Floats, tables: FourierPlan) -> None:
    """Spectra ``[b + 1, lanes]`` of signals ``[2 b, lanes]``."""
    lanes, half = signals.shape[1], signals.shape[0] // 2
    work, turns = tables.work, tables.turns
    for j in range(half):
        for lane in range(lanes):
            work[0, j * lanes + lane] = signals[2 * j, lane]
            work[1, j * lanes + lane] = signals[2 * j + 1, lane]
    at = _complex(work, half, lanes, turns, False)
    zr, zi = work[at], work[at + 1]
    for k in range(half // 2 + 1):
        one, other = k * lanes, ((half - k) % half) * lanes
        c, s = turns[k, 0], turns[k, 1]
        mirror = half - k
        for lane in range(lanes):
            ar, ai, br, bi = zr[one + lane], zi[one + lane], zr[other + lane], zi[other + lane]
            er, ei = np.float32(0.5) * (ar + br), np.float32(0.5) * (ai - bi)  # spectrum of the even samples
            dr, di = np.float32(0.5) * (ai + bi), np.float32(0.5) * (br - ar)  # and of the odd ones
            tr, ti = c * dr + s * di, c * di - s * dr
            real[k, lane], imaginary[k, lane] = er + tr, ei + ti
            real[mirror, lane], imaginary[mirror, lane] = er - tr, ti - ei


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def inverse(real: Floats, imaginary: Floats, signals: Floats, tables: FourierPlan) -> None:
    """Signals ``[2 b, lanes]`` of spectra ``[b + 1, lanes]``."""
    lanes, half = signals.shape[1], signals.shape[0] // 2
    work, turns = tables.work, tables.turns
    scale = np.float32(0.5 / half)
    for k in range(half):
        c, s = turns[k, 0], turns[k, 1]
        mirror = half - k
        for lane in range(lanes):
            ar, ai, br, bi = real[k, lane], imaginary[k, lane], real[mirror, lane], imaginary[mirror, lane]
            er, ei, dr, di = ar + br, ai - bi, ar - br, ai + bi
            tr, ti = c * dr - s * di, c * di + s * dr
            work[0, k * lanes + lane] = scale * (er - ti)
            work[1, k * lanes + lane] = scale * (ei + tr)
    at = _complex(work, half, lanes, turns, True)
    for j in range(half):
        for lane in range(lanes):
            signals[2 * j, lane] = work[at, j * lanes + lane]
            signals[2 * j + 1, lane] = work[at + 1, j * lanes + lane]
