"""Kernel: partitioned-block frequency-domain Kalman filter.

G. Enzner, P. Vary, "Frequency-domain adaptive Kalman filter for acoustic echo control in hands-free telephones", Signal Processing 86
(2006); partitioned by F. Kuech, E. Mabande, G. Enzner, ICASSP 2014. The step size of each weight follows from its error variance. Only
some partitions are constrained in each block, in turns.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_echo.fourier import FourierPlan, forward, inverse, plan

Floats = NDArray[np.float32]

#: Smoothing of the error spectrum.
ERROR_SMOOTHING = 0.2
_FAST = {"reassoc", "contract", "nsz"}


class Line(NamedTuple):
    """The last blocks of the far end: their spectra, newest first, twice in a row, so that a window is always contiguous.

    Parameters
    ----------
    real, imaginary, power : ndarray
        Float32 ``[channels, bins, 2 partitions]``.
    last : ndarray
        Float32 ``[b, channels]``: the samples of the last block but one.
    head : ndarray
        Int64 ``[1]``: the newest block, where the window begins.
    """

    real: Floats
    imaginary: Floats
    power: Floats
    last: Floats
    head: NDArray[np.int64]


class Filter(NamedTuple):
    """A filter's estimate of the echo path.

    Parameters
    ----------
    real, imaginary : ndarray
        Float32 ``[channels, bins, partitions]``: the weights.
    variance : ndarray
        Float32 ``[channels, bins, partitions]``: variance of the weights' error.
    error : ndarray
        Float32 ``[bins]``: power spectrum of the error, averaged.
    expected : ndarray
        Float32 ``[bins]``: power spectrum of the residual echo that the variance of the weights lets expect.
    """

    real: Floats
    imaginary: Floats
    variance: Floats
    error: Floats
    expected: Floats


class Workspace(NamedTuple):
    """Arrays that one step works in: spectra and signals of the far end's channels, one signal, a pair, and the partitions in turn."""

    far_real: Floats
    far_imaginary: Floats
    far: Floats
    real: Floats
    imaginary: Floats
    signal: Floats
    pair_real: Floats
    pair_imaginary: Floats
    pair: Floats
    turn_real: Floats
    turn_imaginary: Floats
    turn: Floats


class Plans(NamedTuple):
    """Transforms of the far end's channels, of one signal, of a pair, and of the partitions whose turn it is."""

    far: FourierPlan
    one: FourierPlan
    pair: FourierPlan
    turn: FourierPlan


def line(channels: int, size: int, partitions: int) -> Line:
    """A silent far end, in blocks of `size` samples."""
    shape = (channels, size + 1, 2 * partitions)
    real, imaginary, power = np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    return Line(real, imaginary, power, np.zeros((size, channels), np.float32), np.zeros(1, np.int64))


def filter_of(channels: int, prior: Floats, size: int) -> Filter:
    """An untrained filter, with a prior variance for each partition ``[partitions]``."""
    shape = (channels, size + 1, len(prior))
    variance = np.broadcast_to(prior, shape).astype(np.float32)
    return Filter(
        np.zeros(shape, np.float32), np.zeros(shape, np.float32), variance, np.zeros(size + 1, np.float32), np.zeros(size + 1, np.float32)
    )


def workspace(channels: int, size: int, lanes: int) -> Workspace:
    """A workspace for blocks of `size` samples and so many partitions a turn."""
    arrays = []
    for count in (2 * channels, 1, 2, lanes):
        arrays += [
            np.zeros((size + 1, count), np.float32),
            np.zeros((size + 1, count), np.float32),
            np.zeros((2 * size, count), np.float32),
        ]
    return Workspace(*arrays)


def plans(channels: int, size: int, lanes: int) -> Plans:
    """Plans for the same."""
    return Plans(plan(size, 2 * channels), plan(size, 1), plan(size, 2), plan(size, lanes))


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def push(line: Line, before: Floats, newest: Floats, workspace: Workspace, plans: Plans) -> float:
    """Take in a block of the far end ``[b, channels]``, and the one before it once more; gives the mean power of their samples."""
    size, channels = newest.shape
    partitions = line.real.shape[2] // 2
    energy = 0.0
    for n in range(size):
        for c in range(channels):
            workspace.far[n, c], workspace.far[size + n, c] = line.last[n, c], before[n, c]
            workspace.far[n, channels + c], workspace.far[size + n, channels + c] = before[n, c], newest[n, c]
            energy += float(before[n, c]) ** 2 + float(newest[n, c]) ** 2
            line.last[n, c] = before[n, c]
    forward(workspace.far, workspace.far_real, workspace.far_imaginary, plans.far)
    old = line.head[0]
    head = (old + partitions - 1) % partitions
    line.head[0] = head
    for c in range(channels):
        for k in range(size + 1):
            r, i = workspace.far_real[k, c], workspace.far_imaginary[k, c]
            for at in (old, old + partitions):
                line.real[c, k, at], line.imaginary[c, k, at], line.power[c, k, at] = r, i, r * r + i * i
            r, i = workspace.far_real[k, channels + c], workspace.far_imaginary[k, channels + c]
            for at in (head, head + partitions):
                line.real[c, k, at], line.imaginary[c, k, at], line.power[c, k, at] = r, i, r * r + i * i
    return energy / (2 * newest.size)


@numba.njit(nogil=True, cache=True)
def shift(filter_: Filter, blocks: int, prior: Floats) -> None:
    """The far end comes some blocks later (or earlier): move the weights along."""
    partitions = prior.size
    for c in range(filter_.real.shape[0]):
        for k in range(filter_.real.shape[1]):
            for turn in range(partitions):
                p = turn if blocks > 0 else partitions - 1 - turn
                inside = 0 <= p + blocks < partitions
                filter_.real[c, k, p] = filter_.real[c, k, p + blocks] if inside else 0
                filter_.imaginary[c, k, p] = filter_.imaginary[c, k, p + blocks] if inside else 0
                filter_.variance[c, k, p] = filter_.variance[c, k, p + blocks] if inside else prior[p]


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def estimate(filter_: Filter, line: Line, workspace: Workspace, plans: Plans, out: Floats) -> None:
    """The echo ``[b]`` that a filter expects in this block."""
    channels, bins, partitions = filter_.real.shape
    head = line.head[0]
    for k in range(bins):
        r, i = np.float32(0), np.float32(0)
        for c in range(channels):
            xr, xi = line.real[c, k, head : head + partitions], line.imaginary[c, k, head : head + partitions]
            wr, wi = filter_.real[c, k], filter_.imaginary[c, k]
            for p in range(partitions):
                r += wr[p] * xr[p] - wi[p] * xi[p]
                i += wr[p] * xi[p] + wi[p] * xr[p]
        workspace.real[k, 0], workspace.imaginary[k, 0] = r, i
    inverse(workspace.real, workspace.imaginary, workspace.signal, plans.one)
    for n in range(out.size):
        out[n] = workspace.signal[out.size + n, 0]


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def transform(error: Floats, echo: Floats, workspace: Workspace, plans: Plans) -> None:
    """Spectra of the error ``[b]`` that an estimate left and of that estimate, each behind as many zeros, in two lanes of the workspace."""
    size = error.size
    for n in range(size):
        workspace.pair[n, 0] = workspace.pair[n, 1] = 0
        workspace.pair[size + n, 0], workspace.pair[size + n, 1] = error[n], echo[n]
    forward(workspace.pair, workspace.pair_real, workspace.pair_imaginary, plans.pair)


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def learn(filter_: Filter, line: Line, transition: float, error_weight: float, turn: int, workspace: Workspace, plans: Plans) -> None:
    """Correct a filter by the error that its estimate left, whose spectrum `transform` has put into the workspace.

    Parameters
    ----------
    transition : float
        Transition factor: how much of the echo path stays from one block to the next, 0 to 1.
    error_weight : float
        Weight of the error's power: 2 in theory, for the half of each transform that holds no error.
    turn : int
        Counts the blocks.
    """
    channels, bins, partitions = filter_.real.shape
    head = line.head[0]
    kept = np.float32(transition * transition)
    lost = np.float32(1) - kept
    half = np.float32(0.5)
    for k in range(bins):
        er, ei = workspace.pair_real[k, 0], workspace.pair_imaginary[k, 0]
        filter_.error[k] += np.float32(ERROR_SMOOTHING) * (er * er + ei * ei - filter_.error[k])
        expected = np.float32(0)
        for c in range(channels):
            variance, power = filter_.variance[c, k], line.power[c, k, head : head + partitions]
            for p in range(partitions):
                expected += variance[p] * power[p]
        filter_.expected[k] = expected
        scale = np.float32(1) / (expected + np.float32(error_weight) * filter_.error[k] + np.float32(1e-8))
        for c in range(channels):
            xr, xi = line.real[c, k, head : head + partitions], line.imaginary[c, k, head : head + partitions]
            variance, power = filter_.variance[c, k], line.power[c, k, head : head + partitions]
            wr, wi = filter_.real[c, k], filter_.imaginary[c, k]
            for p in range(partitions):
                gain = variance[p] * scale
                left = max(np.float32(0), np.float32(1) - half * gain * power[p])
                variance[p] = kept * left * variance[p] + lost * (wr[p] * wr[p] + wi[p] * wi[p])
                wr[p] += gain * (xr[p] * er + xi[p] * ei)
                wi[p] += gain * (xr[p] * ei - xi[p] * er)
    for c in range(channels):
        _constrain(filter_.real[c], filter_.imaginary[c], turn, workspace, plans)


@numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")
def _constrain(real: Floats, imaginary: Floats, turn: int, workspace: Workspace, plans: Plans) -> None:
    """Cut what lies beyond a partition, and would wrap around, off the responses of some partitions: of all in a few turns."""
    bins, partitions = real.shape
    lanes = workspace.turn.shape[1]
    first = (turn % (-(-partitions // lanes))) * lanes
    for k in range(bins):
        for lane in range(lanes):
            p = min(first + lane, partitions - 1)
            workspace.turn_real[k, lane], workspace.turn_imaginary[k, lane] = real[k, p], imaginary[k, p]
    inverse(workspace.turn_real, workspace.turn_imaginary, workspace.turn, plans.turn)
    workspace.turn[bins - 1 :] = 0
    forward(workspace.turn, workspace.turn_real, workspace.turn_imaginary, plans.turn)
    for k in range(bins):
        for lane in range(min(lanes, partitions - first)):
            real[k, first + lane], imaginary[k, first + lane] = workspace.turn_real[k, lane], workspace.turn_imaginary[k, lane]
