"""The description of a beat, compiled: it is compared with the kinds of beats that were seen before, and with the rhythm before.

Several kinds of beats are kept, each as a template that follows slowly. The usual kind is the one that came most often of late and
not early: it stands for the patient's own normal beat, and gives the scale and the sign of all waves.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Waves are brought to this rate (Hz): 0.40 s before the R peak to 0.36 s behind it.
GRID_HZ = 128.0
BEHIND, AHEAD = 51, 46
POINTS = BEHIND + 1 + AHEAD
#: A beat is shifted by up to so many points to fit a template; the resampled window is longer by that at either end.
SHIFT = 4
#: The QRS complex for comparisons, the P wave, the T wave, and the part that is told point by point (points of the grid; R at `BEHIND`).
QRS, P_WAVE, T_WAVE, FINE = (38, 72), (20, 41), (72, 98), (36, 78)
#: Kinds of beats that are kept apart, and how alike (correlation of the QRS) and as high (ratio) beats of one kind are.
KINDS, ALIKE, AS_HIGH = 6, 0.9, 2.0
#: A beat is put to its nearest kind's R peak if it is at least so much like it.
FITS = 0.7
#: Share of a new beat in an old template; how far (of the usual height) one beat may move it; what is left of a count after a beat.
LEARN, LEAP, FORGET = 0.06, 0.3, 0.997
#: RR intervals that are remembered, and how fast the slow mean follows and how far one interval may pull it.
HISTORY, SLOW_MEAN_STEP, PULL = 64, 0.04, 0.12
#: RR intervals that are told one by one.
TOLD = 6
#: Beats whose likeness to the usual kind is remembered.
LIKE = 16
#: Beyond this, a number says no more.
LIMIT = 6.0
#: A wave as it is told: every point near the R peak, every second one elsewhere.
TOLD_POINTS = FINE[0] // 2 + FINE[1] - FINE[0] + (POINTS - FINE[1]) // 2
RHYTHM, SHAPE = 26 + TOLD, 32
FEATURES = 2 * TOLD_POINTS + RHYTHM + SHAPE

STATE = np.dtype(
    [
        ("waves", "f8", (KINDS, POINTS)),  # mV
        ("count", "f8", KINDS),  # beats of each kind, the older the less
        ("age", "f8", KINDS),  # beats of each kind
        ("early", "f8", KINDS),  # how much earlier than usual they come (log of RR)
        ("rr", "f8", HISTORY),  # s, the newest last
        ("own", "f8", HISTORY),  # 1: the beat at its end and the one at its start were of the usual kind
        ("known", "f8"),  # RR intervals
        ("slow", "f8"),  # slow mean of them (s)
        ("like", "f8", LIKE),  # of the last beats to the usual kind, the newest last
        ("was_own", "f8"),  # 1: the last beat was of the usual kind
    ]
)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def describe(line: Floats, rr: float, learn: bool, state: Any, out: NDArray[np.float32]) -> None:
    """Describe a beat into `out`, and remember it.

    Parameters
    ----------
    line : ndarray
        ``[POINTS + 2 SHIFT]``, the beat (mV) at `GRID_HZ`.
    rr : float
        Seconds since the beat before; NaN if that is not known.
    learn : bool
        Whether to remember it.
    state : record
        One of `STATE`.
    out : ndarray
        ``[FEATURES]``.
    """
    s = state[0]
    line = line - np.median(line)
    usual = _usual(s)
    kind, likeness, shift = -1, -1.0, 0
    if usual >= 0:
        kind, likeness, shift = _nearest(s, line)
    if likeness < FITS:
        shift = 0
    wave = line[SHIFT + shift : SHIFT + shift + POINTS]
    template = s.waves[usual] if usual >= 0 else wave
    to_usual = _correlation(wave, template, QRS[0], QRS[1])
    height = _height(template)
    sign = _sign(template)
    place = _tell_wave(wave, sign / height, out, 0)
    place = _tell_wave(template, sign / height, out, place)
    place = _tell_rhythm(s, rr, out, place)
    _tell_shape(s, wave, template, sign, height, kind, usual, likeness, to_usual, out, place)
    for i in range(len(out)):
        v = out[i]
        out[i] = min(max(v, -LIMIT), LIMIT) if math.isfinite(v) else 0.0
    if learn:
        _remember(s, line, wave, kind, likeness, to_usual, rr, height)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _usual(s: Any) -> int:
    """The usual kind: frequent, and not early; -1 before the first beat."""
    best, most = -1, 0.0
    for k in range(KINDS):
        worth = s.count[k] * math.exp(-6 * max(0.0, s.early[k] - 0.06))
        if worth > most:
            best, most = k, worth
    return best


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _nearest(s: Any, line: Floats) -> tuple[int, float, int]:
    """The kind that the beat is most like, how much, and by how many points it has to be shifted for that."""
    kind, likeness, best = -1, -2.0, 0
    for k in range(KINDS):
        if s.count[k] <= 0:
            continue
        for shift in range(-SHIFT, SHIFT + 1):
            # a shift has to be worth it, or noise decides
            like = _correlation(line[SHIFT + shift : SHIFT + shift + POINTS], s.waves[k], QRS[0], QRS[1]) - 0.002 * abs(shift)
            if like > likeness:
                kind, likeness, best = k, like, shift
    return kind, likeness, best


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _correlation(one: Floats, other: Floats, start: int, stop: int) -> float:
    n = stop - start
    a = b = aa = bb = ab = 0.0
    for i in range(start, stop):
        x, y = one[i], other[i]
        a += x
        b += y
        aa += x * x
        bb += y * y
        ab += x * y
    size = (aa - a * a / n) * (bb - b * b / n)
    return (ab - a * b / n) / math.sqrt(size) if size > 1e-24 else 0.0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _range(wave: Floats, start: int, stop: int) -> float:
    low = high = wave[start]
    for i in range(start, stop):
        low, high = min(low, wave[i]), max(high, wave[i])
    return float(high - low)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _height(wave: Floats) -> float:
    """Height of the QRS complex (mV), never 0."""
    return _range(wave, QRS[0], QRS[1]) + 1e-6


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _sign(wave: Floats) -> float:
    """1 for a QRS complex that mainly goes up, -1 for one that goes down."""
    total = 0.0
    for i in range(QRS[0] + 6, QRS[1] - 10):
        total += wave[i] ** 3
    return 1.0 if total >= 0 else -1.0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _steepest(wave: Floats) -> float:
    steep = 0.0
    for i in range(QRS[0], QRS[1] - 1):
        steep = max(steep, abs(wave[i + 1] - wave[i]))
    return steep + 1e-6


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _width(wave: Floats, share: float) -> float:
    """Width of the QRS complex (s): from the first to the last slope of more than a share of the steepest."""
    limit = share * _steepest(wave)
    first, last = -1, 0
    for i in range(QRS[0] - 4, QRS[1] + 4):
        if abs(wave[i + 1] - wave[i]) > limit:
            if first < 0:
                first = i
            last = i
    return (last - first + 1) / GRID_HZ if first >= 0 else 0.0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _area(wave: Floats) -> float:
    """Mean absolute deviation (mV) of the QRS complex from the level before it."""
    level = 0.0
    for i in range(QRS[0] - 3, QRS[0] + 3):
        level += wave[i] / 6
    total = 0.0
    for i in range(QRS[0], QRS[1]):
        total += abs(wave[i] - level)
    return total / (QRS[1] - QRS[0]) + 1e-6


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _apart(one: Floats, other: Floats, start: int, stop: int) -> float:
    """Root mean square difference without the difference of the means."""
    mean = square = 0.0
    for i in range(start, stop):
        d = one[i] - other[i]
        mean += d
        square += d * d
    mean /= stop - start
    return math.sqrt(max(square / (stop - start) - mean * mean, 0.0))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _tell_wave(wave: Floats, scale: float, out: NDArray[np.float32], place: int) -> int:
    i = 0
    while i < POINTS - 1:
        if FINE[0] <= i < FINE[1]:
            out[place] = 3 * scale * wave[i]
            i += 1
        else:
            out[place] = 1.5 * scale * (wave[i] + wave[i + 1])
            i += 2
        place += 1
    return place


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _median(values: Floats) -> float:
    n = len(values)
    if n == 0:
        return 0.0
    ordered = np.sort(values)
    return float(ordered[n // 2]) if n % 2 else 0.5 * (ordered[n // 2 - 1] + ordered[n // 2])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _irregular(logs: Floats) -> float:
    """How far the rhythm is from any pattern: median change from one beat to the next, to the second next or to the third, the least."""
    least = math.inf
    for lag in range(1, 4):
        if len(logs) > lag:
            least = min(least, _median(np.abs(logs[lag:] - logs[:-lag])))
    return least


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _spread(logs: Floats) -> float:
    """Distance of the quartiles."""
    ordered = np.sort(logs)
    n = len(ordered)
    return float(ordered[(3 * n) // 4] - ordered[n // 4])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _rank(past: Floats, now: float) -> float:
    """Share of the past intervals that were shorter, or hardly longer."""
    return float(np.sum(past < 1.03 * now)) / len(past)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _tell_rhythm(s: Any, rr: float, out: NDArray[np.float32], place: int) -> int:
    """How early the beat comes by several measures, what the last intervals were, and how regular the rhythm has been."""
    end = place + RHYTHM
    out[place:end] = 0.0
    known = int(s.known)
    if known < 2:
        return end
    past = s.rr[HISTORY - known :]
    last = past[-1]
    there = math.isfinite(rr)
    now = rr if there else last
    changes = np.empty(known - 1)
    own = np.empty(known - 1)
    owns = 0
    early = 0.0
    for i in range(known - 1):
        changes[i] = abs(math.log(past[i + 1] / past[i]))
        if s.own[HISTORY - known + i] > 0 and s.own[HISTORY - known + i + 1] > 0:
            own[owns] = changes[i]
            owns += 1
        if changes[i] > 0.12:
            early += 1
    eight, middle, wide = _median(past[-8:]), _median(past[-24:]), _median(past)
    lately, longer, long = _median(changes[-8:]), _median(changes[-20:]), _median(changes)
    steady = _median(own[:owns]) if owns >= 4 else long
    logs = np.log(past)
    values = (
        1.0 if there else 0.0,
        4 * math.log(now / eight),
        4 * math.log(now / middle),
        4 * math.log(now / wide),
        4 * math.log(now / s.slow),
        4 * math.log(now / past[-8:].min()),
        4 * math.log(now / past[-8:].max()),
        4 * math.log(now / last),
        math.log(now / s.slow) / (0.04 + 2 * longer),
        math.log(now / s.slow) / (0.04 + 2 * steady),
        4 * math.log(eight / s.slow),
        4 * math.log(wide / s.slow),
        12 * lately,
        12 * longer,
        12 * long,
        12 * steady,
        3 * early / (known - 1),
        2 * math.log(s.slow / 0.8),
        2 * math.log(now / 0.8),
        known / HISTORY,
        12 * _irregular(logs[-24:]),
        12 * _irregular(logs),
        6 * _spread(logs[-24:]),
        6 * _spread(logs),
        2 * _rank(past[-24:], now) - 1,
        2 * _rank(past, now) - 1,
    )
    for value in values:
        out[place] = value
        place += 1
    for i in range(min(TOLD, known)):
        out[place + i] = 4 * math.log(past[known - 1 - i] / s.slow)
    return end


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _tell_shape(
    s: Any,
    wave: Floats,
    template: Floats,
    sign: float,
    height: float,
    kind: int,
    usual: int,
    likeness: float,
    to_usual: float,
    out: NDArray[np.float32],
    place: int,
) -> None:
    """The shape in numbers, most of them against the usual beat."""
    total = s.count.sum() + 1e-6
    share = count = early = width_of_kind = kind_to_usual = 0.0
    if kind >= 0:
        share, count, early = s.count[kind] / total, s.age[kind], s.early[kind]
        width_of_kind = _width(s.waves[kind], 0.2)
        kind_to_usual = _correlation(s.waves[kind], template, QRS[0], QRS[1])
    wide, usual_wide = _width(wave, 0.2), _width(template, 0.2)
    level = usual_level = 0.0
    for i in range(T_WAVE[0], T_WAVE[1]):
        level += wave[i]
        usual_level += template[i]
    rough = 0.0
    for i in range(1, POINTS - 1):
        if not QRS[0] <= i < QRS[1]:
            rough += abs(wave[i + 1] - 2 * wave[i] + wave[i - 1])
    best_p, at_p = -1.0, 0
    for shift in range(-8, 9):
        like = _correlation(wave[P_WAVE[0] + shift : P_WAVE[1] + shift], template[P_WAVE[0] : P_WAVE[1]], 0, P_WAVE[1] - P_WAVE[0])
        if like > best_p:
            best_p, at_p = like, shift
    like = s.like
    kinship = (
        3 * to_usual - 2,
        2 * _correlation(wave, template, 0, POINTS) - 1,
        _correlation(wave, template, P_WAVE[0], P_WAVE[1]),
        _correlation(wave, template, T_WAVE[0], T_WAVE[1]),
        3 * likeness - 2,
        3 * kind_to_usual - 2,
        share,
        1.0 if kind == usual and likeness >= ALIKE else 0.0,
        1.0 if likeness >= ALIKE else 0.0,
        math.log(1 + count) / 3,
        4 * early,
        s.count[usual] / total if usual >= 0 else 0.0,
    )
    for value in kinship:
        out[place] = value
        place += 1
    values = (
        2 * math.log(_height(wave) / height),
        2 * math.log(_steepest(wave) / _steepest(template)),
        2 * math.log(_area(wave) / _area(template)),
        12 * (wide - usual_wide),
        12 * wide - 1,
        12 * usual_wide - 1,
        12 * (_width(wave, 0.4) - _width(template, 0.4)),
        12 * (width_of_kind - usual_wide),
        8 * _apart(wave, template, QRS[0], QRS[1]) / height,
        15 * _apart(wave, template, P_WAVE[0], P_WAVE[1]) / height,
        8 * _apart(wave, template, T_WAVE[0], T_WAVE[1]) / height,
        5 * _range(wave, P_WAVE[0], P_WAVE[1]) / height,
        5 * _range(template, P_WAVE[0], P_WAVE[1]) / height,
        best_p,
        at_p / 4,
        5 * sign * (level - usual_level) / (T_WAVE[1] - T_WAVE[0]) / height,
        rough / (POINTS - 2) / height * 30,
        3 * like[LIKE - 1] - 2,
        3 * like[LIKE - 2] - 2,
        3 * like.mean() - 2,
    )
    for value in values:
        out[place] = value
        place += 1


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _remember(s: Any, line: Floats, wave: Floats, kind: int, likeness: float, to_usual: float, rr: float, height: float) -> None:
    """Put the beat with its kind, or make it the first of a new one, and its RR interval with the others."""
    s.count[:] *= FORGET
    own_height = _height(wave)
    if kind >= 0:
        other = _height(s.waves[kind])
        if likeness < ALIKE or own_height > AS_HIGH * other or other > AS_HIGH * own_height:
            kind = -1
    if kind < 0:
        wave = line[SHIFT : SHIFT + POINTS]
        kind = int(np.argmin(s.count))
        s.count[kind] = s.age[kind] = s.early[kind] = 0.0
        s.waves[kind] = wave
    s.count[kind] += 1.0
    s.age[kind] += 1.0
    share = max(LEARN, 1 / s.age[kind])
    # one bad beat must not spoil an old template
    leap = LEAP * _height(s.waves[kind]) if s.age[kind] > 4 else math.inf
    for i in range(POINTS):
        s.waves[kind, i] += share * min(max(wave[i] - s.waves[kind, i], -leap), leap)
    s.like[:-1] = s.like[1:]
    s.like[-1] = to_usual
    own = 1.0 if kind == _usual(s) else 0.0
    if math.isfinite(rr):
        if s.known == 0:
            s.slow = rr
        s.early[kind] += max(0.1, share) * (min(max(math.log(s.slow / rr), -0.5), 0.7) - s.early[kind])
        known = s.known
        pull = max(SLOW_MEAN_STEP, 1 / (known + 1))
        s.slow *= math.exp(pull * min(max(math.log(rr / s.slow), -PULL), PULL))
        s.rr[:-1] = s.rr[1:]
        s.rr[-1] = rr
        s.own[:-1] = s.own[1:]
        s.own[-1] = own * s.was_own
        s.known = min(known + 1, float(HISTORY))
    s.was_own = own
