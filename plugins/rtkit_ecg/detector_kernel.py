"""The beat detector, compiled: one sample after another, all state carried.

The signal goes through a band-pass; the root of its mean squared slope over a short window has one hump a QRS complex. Each
local maximum of these humps is a candidate. Two levels follow the heights of beats and of all else, and a threshold between them
decides. A candidate that is higher than a beat still held back takes its place: a P wave may come first. When a beat is overdue, the
best candidate that was rejected is taken after all. While the signal is no heart's, nothing is given out.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from rtkit_ecg import quality_kernel as quality
from rtkit_ecg.quality import FLAT, LEAD_OFF

#: Accepted heights and RR intervals, whose medians are the level of beats and the RR interval to expect.
KEPT = 8
#: Candidates that the first seconds may bring before there are levels to judge them by.
STARTERS = 64
#: A candidate: time (samples), height (mV/s), steepest slope (mV/s), R peak (samples), and 1 if it was found by search-back.
TIME, HEIGHT, SLOPE, PEAK, LATE = range(5)
NONE = -1.0
#: Rows of the rings.
BANDS, SLOPES, HUMPS, LINE = range(4)

#: What is carried from sample to sample; all float64, so that it can be read and put back as one array.
STATE = np.dtype(
    [
        ("n", "f8"),  # index of the sample to come
        ("wet", "f8"),  # 1 once the filter has seen a sample
        ("filter", "f8", 4),
        ("power", "f8"),  # sum of the squared slopes in the window
        ("blind_until", "f8"),  # R peaks before this are the filter's own, starting up
        ("learning", "f8"),  # 1 until there are levels
        ("begun", "f8"),  # when learning began
        ("starters", "f8", (STARTERS, 4)),
        ("started", "f8"),
        ("signal", "f8"),  # level of beats (mV/s)
        ("noise", "f8"),  # level of everything else (mV/s)
        ("heights", "f8", KEPT),
        ("beats", "f8"),
        ("intervals", "f8", KEPT),
        ("rrs", "f8"),
        ("rr", "f8"),  # the interval to expect (samples)
        ("beat", "f8"),  # time of the last beat given out; NONE at the start and after a gap
        ("beat_slope", "f8"),
        ("pending", "f8", 5),  # a beat held back
        ("rejected", "f8", 5),  # the highest candidate since the last beat that was none
        ("label", "f8"),  # quality, as last said
    ]
)
#: The constants at one rate, times in samples; see `rtkit_ecg.detector`.
SETTINGS = np.dtype(
    [("rate", "f8"), ("sos", "f8", (2, 6)), ("scale", "f8"), ("delay", "f8")]
    + [(name, "i8") for name in ("lag", "window", "apart", "steep", "place", "half", "around", "look")]
    + [(name, "f8") for name in ("refractory", "t_wave", "learn", "blind", "decay_after", "decay", "back_from", "rr_limit", "rr_start")]
    + [(name, "f8") for name in ("floor", "factor", "early", "late", "early_until", "late_from", "cap", "t_slope", "noise_rate")]
    + [(name, "f8") for name in ("noise_floor", "back_at", "back_factor", "back_noise")]
)


@numba.njit(cache=True, nogil=True)
def detect(
    x: NDArray[np.floating[Any]],
    rings: NDArray[np.float64],
    state: Any,
    worth: Any,
    settings: Any,
    found: NDArray[np.float64],
    changes: NDArray[np.float64],
) -> tuple[int, int]:
    """Run over samples ``[n]`` (mV).

    Fills `found` with a row a beat (R peak, sample at which it is given out, 1 if by search-back) and `changes` with a row a change of
    quality (sample, code); gives the number of rows of each.
    """
    s, q, c = state[0], worth[0], settings[0]
    beats = changed = 0
    for i in range(len(x)):
        n = int(s.n)
        v = float(x[i])
        there = quality.take(q, v, c.rate)
        if there:
            _filter(s, c, rings, v, n)
        else:
            _skip(s, c, q, rings, n)
        s.n += 1
        if n % c.look == 0 and n >= s.blind_until:
            quality.look(q, rings[HUMPS, n % rings.shape[1]])
        code = quality.label(q, c.rate, s.signal, c.floor)
        if code != s.label:
            if s.label == FLAT or s.label == LEAD_OFF:  # what comes back begins with a step
                _lose_track(s)
            s.label = code
            changes[changed, 0], changes[changed, 1] = n, code
            changed += 1
        if n > 2 * c.apart:
            _consider(s, c, rings, n)
        if s.learning == 1.0:
            if n - s.begun >= c.learn:
                beats = _start(s, c, q, n, found, beats)
        else:
            beats = _give_due(s, c, q, float(n), n, found, beats)
    return beats, changed


@numba.njit(cache=True, nogil=True)
def _filter(s: Any, c: Any, rings: NDArray[np.float64], v: float, n: int) -> None:
    """One sample through the band-pass, the slope and its mean square."""
    size = rings.shape[1]
    here = n % size
    if s.wet == 0.0:  # as if the first value had been there for ever
        s.wet = 1.0
        s.filter[0], s.filter[1] = -c.sos[0, 0] * v, c.sos[0, 2] * v
        s.filter[2] = s.filter[3] = 0.0
        s.blind_until = n + c.blind
    y = v
    for k in range(2):
        w = c.sos[k, 0] * y + s.filter[2 * k]
        s.filter[2 * k] = c.sos[k, 1] * y - c.sos[k, 4] * w + s.filter[2 * k + 1]
        s.filter[2 * k + 1] = c.sos[k, 2] * y - c.sos[k, 5] * w
        y = w
    rings[LINE, here] = v
    rings[BANDS, here] = y
    _slope(s, c, rings, n)


@numba.njit(cache=True, nogil=True)
def _slope(s: Any, c: Any, rings: NDArray[np.float64], n: int) -> None:
    size = rings.shape[1]
    here = n % size
    slope = (rings[BANDS, here] - rings[BANDS, (n - c.lag) % size]) * c.scale
    rings[SLOPES, here] = slope
    if here == 0:  # a running sum drifts: begin anew once a turn of the ring
        s.power = 0.0
        for k in range(c.window):
            s.power += rings[SLOPES, (n - k) % size] ** 2
    else:
        s.power += slope * slope - rings[SLOPES, (n - c.window) % size] ** 2
    rings[HUMPS, here] = math.sqrt(max(s.power, 0.0) / c.window)


@numba.njit(cache=True, nogil=True)
def _skip(s: Any, c: Any, q: Any, rings: NDArray[np.float64], n: int) -> None:
    """A sample that is not there: hold the last one for a moment; after a true gap, begin anew with what comes."""
    size = rings.shape[1]
    here = n % size
    rings[LINE, here] = rings[LINE, (n - 1) % size]
    if s.wet == 1.0 and q.missing > quality.SHORT_GAP_S * c.rate:
        _lose_track(s)
    if s.wet == 1.0:
        _filter(s, c, rings, rings[LINE, here], n)
    else:
        rings[BANDS, here] = 0.0
        _slope(s, c, rings, n)


@numba.njit(cache=True, nogil=True)
def _lose_track(s: Any) -> None:
    """The signal is interrupted: empty the filter, and do not count the next interval."""
    s.wet = 0.0
    s.beat = NONE
    s.rejected[TIME] = NONE


@numba.njit(cache=True, nogil=True)
def _consider(s: Any, c: Any, rings: NDArray[np.float64], n: int) -> None:
    """See whether the hump that lies `apart` behind is a candidate, and judge it."""
    size = rings.shape[1]
    p = n - c.apart
    height = rings[HUMPS, p % size]
    if height <= rings[HUMPS, (p - 1) % size] or height < rings[HUMPS, (p + 1) % size]:
        return
    for k in range(2, c.apart + 1):
        if rings[HUMPS, (p - k) % size] > height or rings[HUMPS, (p + k) % size] > height:
            return
    steepest = 0.0
    for k in range(c.steep):
        steepest = max(steepest, abs(rings[SLOPES, (p - k) % size]))
    peak = _peak(c, rings, p, n)
    if peak < s.blind_until:
        return
    if s.learning == 0.0:
        _judge(s, c, float(p), height, steepest, peak)
    elif s.started < STARTERS:
        row = s.starters[int(s.started)]
        row[TIME], row[HEIGHT], row[SLOPE], row[PEAK] = p, height, steepest, peak
        s.started += 1


@numba.njit(cache=True, nogil=True)
def _peak(c: Any, rings: NDArray[np.float64], p: int, n: int) -> float:
    """The R peak of the candidate at `p`: the extreme of the signal itself near that of the band-passed one.

    A peak that points down counts only if it is clearly the larger one.
    """
    size = rings.shape[1]
    at, most = p, -1.0
    for k in range(c.place):
        if abs(rings[BANDS, (p - k) % size]) > most:
            at, most = p - k, abs(rings[BANDS, (p - k) % size])
    at -= round(c.delay)
    first, last = max(at - c.around, 0), min(at + c.around, n)
    mean = 0.0
    for k in range(first, last + 1):
        mean += rings[LINE, k % size]
    mean /= last - first + 1
    up, down, highest, lowest = 0.0, 0.0, at, at
    for k in range(max(at - c.half, 0), min(at + c.half, n) + 1):
        value = rings[LINE, k % size] - mean
        if value > up:
            up, highest = value, k
        elif -value > down:
            down, lowest = -value, k
    return float(highest if 1.5 * up > down else lowest)


@numba.njit(cache=True, nogil=True)
def _judge(s: Any, c: Any, t: float, height: float, slope: float, peak: float) -> None:
    """Decide on a candidate."""
    if s.pending[TIME] != NONE and t - s.pending[TIME] < c.refractory:
        if height > s.pending[HEIGHT]:
            _hold(s.pending, t, height, slope, peak)
        return
    since = t - s.beat if s.beat != NONE else math.inf
    t_wave = since < c.t_wave and slope < c.t_slope * s.beat_slope
    if since >= c.refractory and not t_wave and height > _threshold(s, c, t):
        _hold(s.pending, t, height, slope, peak)
        s.pending[LATE] = 0.0
        return
    s.noise += c.noise_rate * (min(height, s.signal) - s.noise)
    if since > c.back_from and (s.rejected[TIME] == NONE or height > s.rejected[HEIGHT]):
        _hold(s.rejected, t, height, slope, peak)


@numba.njit(cache=True, nogil=True)
def _hold(place: NDArray[np.float64], t: float, height: float, slope: float, peak: float) -> None:
    place[TIME], place[HEIGHT], place[SLOPE], place[PEAK] = t, height, slope, peak


@numba.njit(cache=True, nogil=True)
def _threshold(s: Any, c: Any, t: float) -> float:
    """The height (mV/s) that makes a candidate a beat: more than usual soon after a beat, less when one is overdue."""
    share, signal = 1.0, s.signal
    if s.beat != NONE:
        since = (t - s.beat) / s.rr
        if since < c.early_until:
            share = c.early + (1 - c.early) * since / c.early_until
        elif since > 1:
            share = max(c.late, 1 - (1 - c.late) * (since - 1) / (c.late_from - 1))
        overdue = t - s.beat - c.decay_after
        if overdue > 0:
            signal *= math.exp(-overdue / c.decay)
    noise = min(s.noise, signal)
    return float(max(noise + c.factor * (signal - noise) * share, c.floor, c.noise_floor * s.noise))


@numba.njit(cache=True, nogil=True)
def _give_due(s: Any, c: Any, q: Any, now: float, told: int, found: NDArray[np.float64], beats: int) -> int:
    """Give out, at sample `told`, the beat that `now` can no longer be replaced, and search back when one is overdue."""
    if s.pending[TIME] == NONE and s.rejected[TIME] != NONE and s.beat != NONE and now - s.beat >= c.back_at * s.rr:
        enough = max(c.back_factor * _threshold(s, c, s.rejected[TIME]), c.back_noise * s.noise)
        if s.rejected[HEIGHT] > enough:
            s.pending[:] = s.rejected
            s.pending[LATE] = 1.0
        s.rejected[TIME] = NONE
    if s.pending[TIME] == NONE or now - s.pending[TIME] < c.refractory + c.apart:
        return beats
    if q.noisy == 1.0:  # no heart makes this, and it is not to be learned from
        s.pending[TIME] = NONE
        s.beat = NONE
        return beats
    _learn(s, c)
    found[beats, 0], found[beats, 1], found[beats, 2] = s.pending[PEAK], told, s.pending[LATE]
    s.beat, s.beat_slope = s.pending[TIME], s.pending[SLOPE]
    s.pending[TIME] = s.rejected[TIME] = NONE
    return beats + 1


@numba.njit(cache=True, nogil=True)
def _learn(s: Any, c: Any) -> None:
    """Let the beat that is given out move the levels."""
    s.heights[int(s.beats) % KEPT] = min(s.pending[HEIGHT], c.cap * s.signal)
    s.beats += 1
    s.signal = max(_median(s.heights, s.beats), c.floor)
    if s.beat == NONE:
        return
    interval = s.pending[TIME] - s.beat
    if interval < 1.4 * s.rr or interval < c.rr_limit:
        s.intervals[int(s.rrs) % KEPT] = interval
        s.rrs += 1
        s.rr = _median(s.intervals, s.rrs)


@numba.njit(cache=True, nogil=True)
def _median(values: NDArray[np.float64], count: float) -> float:
    ordered = np.sort(values[: int(min(count, KEPT))])
    half = len(ordered) // 2
    return float(ordered[half] if len(ordered) % 2 else 0.5 * (ordered[half - 1] + ordered[half]))


@numba.njit(cache=True, nogil=True)
def _start(s: Any, c: Any, q: Any, now: int, found: NDArray[np.float64], beats: int) -> int:
    """Set the levels by what the first seconds brought, then run the same seconds through the same logic.

    If they brought nothing but noise, or nothing at all, learning goes on.
    """
    count = int(s.started)
    s.begun, s.started = now, 0.0
    heights = np.sort(s.starters[:count, HEIGHT].copy())
    if count == 0 or q.noisy == 1.0 or heights[-1] < c.floor:
        return beats
    s.learning = 0.0
    s.signal = max(0.5 * (heights[-1] + heights[max(count - 2, 0)]), c.floor)
    s.noise, s.rr = 0.0, c.rr_start
    for row in range(count):
        t = s.starters[row, TIME]
        beats = _give_due(s, c, q, t + c.apart, now, found, beats)
        _judge(s, c, t, s.starters[row, HEIGHT], s.starters[row, SLOPE], s.starters[row, PEAK])
    return _give_due(s, c, q, float(now), now, found, beats)
