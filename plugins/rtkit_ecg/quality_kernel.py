"""What the signal is worth, sample by sample, compiled: there at all, moving, inside its range, a heart's or noise.

These functions are compiled into `detector_kernel.detect`, and numba's cache of that does not notice every change here: delete it
(``*.nbi`` and ``*.nbc`` in ``__pycache__``) after one.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from rtkit_ecg.quality import FLAT, GAP, GOOD, JUMP, LEAD_OFF, NOISE, SATURATED

#: Samples further out than this (mV) are no ECG; they count as not there.
MAX_MV = 1e6
#: The level of slopes is looked at so often (s), and judged over so many looks: some 5 s and 2 s.
LOOK_S = 0.04
LOOKS, RECENT = 128, 44
#: Every so many looks the two are judged; sorting them each time would cost more than all the rest.
EVERY = 4
#: Share of the median in the (nearly) highest slope level. A heart is quiet between beats; noise never is.
NOISY, NOISY_RECENTLY, CLEAR, CLEAR_RECENTLY = 0.40, 0.36, 0.36, 0.27
#: Above this, the last 2 s alone are enough: no more than 0.03 % of such stretches of the MIT-BIH records are.
SURELY = 0.52
#: Noise so far below the beats is what is left when the heart stands still.
QUIET_SHARE = 0.2
#: A signal that stands still so long (s) is flat, and so long is a lead that has come off; at the end of its range it is saturated sooner.
STILL_FLAT_S, STILL_OFF_S, STILL_SATURATED_S = 1.0, 3.0, 0.25
#: Missing samples that are held over as if nothing had been (s).
SHORT_GAP_S = 0.04
#: Time constants (s) of the slow and the fast level that differ when the baseline jumps, and how long that is said (s).
SLOW_S, FAST_S, JUMP_S = 2.0, 0.15, 1.0
#: The usual distance between them falls more slowly (s): after a pause, a beat is no jump.
FORGET_S = 20.0
#: A jump is so many times the usual distance between the two levels; and at least so much (mV).
JUMP_TIMES, MIN_JUMP_MV = 12.0, 0.05

STATE = np.dtype(
    [
        ("label", "f8"),
        ("missing", "f8"),  # samples in a row that are not there
        ("still", "f8"),  # samples in a row of one value
        ("value", "f8"),
        ("low", "f8"),  # of all samples so far
        ("high", "f8"),
        ("seen", "f8"),
        ("slow", "f8"),
        ("fast", "f8"),
        ("usual", "f8"),  # distance between slow and fast
        ("jumped", "f8"),  # samples for which a jump is still said
        ("looks", "f8", LOOKS),
        ("looked", "f8"),
        ("noisy", "f8"),
        ("peak", "f8"),  # nearly highest slope level of the last seconds
    ]
)


@numba.njit(cache=True, nogil=True)
def take(q: Any, v: float, rate: float) -> bool:
    """Look at one sample (mV); says whether there is one."""
    if not abs(v) <= MAX_MV:  # NaN, too
        q.missing += 1.0
        return False
    q.missing = 0.0
    q.still = q.still + 1.0 if v == q.value else 0.0
    q.value = v
    if q.seen == 0.0:
        q.low = q.high = q.slow = q.fast = v
    q.seen += 1.0
    q.low, q.high = min(q.low, v), max(q.high, v)
    q.slow += (v - q.slow) / (SLOW_S * rate)
    q.fast += (v - q.fast) / (FAST_S * rate)
    apart = abs(q.fast - q.slow)
    if q.jumped > 0.0:
        q.jumped -= 1.0
        if q.jumped == 0.0:
            q.slow = q.fast
    elif q.seen > 2 * rate and apart > JUMP_TIMES * q.usual and apart > MIN_JUMP_MV:
        q.jumped = JUMP_S * rate
    else:
        q.usual += (apart - q.usual) / ((SLOW_S if apart > q.usual else FORGET_S) * rate)
    return True


@numba.njit(cache=True, nogil=True)
def look(q: Any, level: float) -> None:
    """Take one more look at the level of slopes (mV/s), and judge now and then whether a heart makes it."""
    k = int(q.looked)
    q.looks[k % LOOKS] = level
    q.looked += 1.0
    if k % EVERY or k < RECENT:
        return
    recent = np.empty(RECENT)
    for j in range(RECENT):
        recent[j] = q.looks[(k - j) % LOOKS]
    recent.sort()
    quick = recent[RECENT // 2] / max(recent[RECENT - 2], 1e-12)
    q.peak = recent[RECENT - 2]
    count = min(k + 1, LOOKS)
    whole = np.sort(q.looks[:count])
    long = whole[count // 2] / max(whole[int(0.98 * count)], 1e-12)
    if q.noisy == 0.0:
        q.noisy = 1.0 if quick > SURELY or (long > NOISY and quick > NOISY_RECENTLY) else 0.0
    elif (long < CLEAR and quick < SURELY) or quick < CLEAR_RECENTLY:
        q.noisy = 0.0


@numba.njit(cache=True, nogil=True)
def label(q: Any, rate: float, beats: float, floor: float) -> int:
    """What the signal is at this sample.

    `beats` is the level (mV/s) of the patient's beats, 0 if not known; below `floor`, no beat is looked for.
    """
    if q.missing > SHORT_GAP_S * rate:
        return GAP
    still = q.still / rate
    if still >= STILL_SATURATED_S and q.high > q.low and (q.value >= q.high or q.value <= q.low):
        return LEAD_OFF if still >= STILL_OFF_S else SATURATED
    if still >= STILL_OFF_S:
        return LEAD_OFF
    if still >= STILL_FLAT_S:
        return FLAT
    if q.jumped > 0.0:
        return JUMP
    if beats == 0.0 and q.looked > RECENT and q.peak < floor:
        return FLAT
    if q.noisy == 1.0 and q.peak > QUIET_SHARE * beats:
        return NOISE
    return GOOD
