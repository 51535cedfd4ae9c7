"""The monitor: heart rate, pauses, runs and irregular rhythms, from beats as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import InputError

#: What a rhythm may be, the gravest first: of several that hold, the first is said.
STATES = (
    "asystole",
    "ventricular flutter",
    "ventricular tachycardia",
    "ventricular run",
    "tachycardia",
    "bradycardia",
    "irregular",
    "regular",
)
#: No beat told for so long (s), though the signal is good, is asystole: 4.5 s, and the time that a beat takes to be told. IEC 60601-2-27
#: allows 10 s for the alarm. An RR so long (s) is a pause.
ASYSTOLE_S, PAUSE_S = 5.0, 2.0
#: A signal that is bad for no longer (s) only stops the clock for asystole.
SHORT_INTERRUPTION_S = 2.0
#: RR intervals that make the heart rate, and those that show whether a rhythm is irregular.
RATE_INTERVALS, IRREGULARITY_INTERVALS = 8, 16
#: A limit that was crossed is left again only so far (1/min) on its other side.
RATE_HYSTERESIS_BPM = 3.0
#: Median change from one RR to the next as a share of the median RR: irregular from the first on, regular again below the second.
IRREGULAR_ABOVE, REGULAR_BELOW = 0.10, 0.06
#: Beats in a run of V, and the rate (1/min) from which it is a tachycardia.
RUN_BEATS, TACHYCARDIA_RUN_BPM = 3, 100.0
#: A time (s) that does not come, in a state that is finite.
_NEVER_S = 1e300


@dataclass(frozen=True, slots=True)
class RhythmEvent:
    """Something about the rhythm: since when (s), what, and details."""

    time: float
    label: str
    details: dict[str, Any] = field(default_factory=dict)


class Rhythm:
    """Follows the beats of one heart.

    Parameters
    ----------
    slow, fast : float
        Heart rates (1/min) below and above which it is bradycardia and tachycardia.
    """

    def __init__(self, slow: float, fast: float) -> None:
        self.slow, self.fast = slow, fast
        self._rr: deque[float] = deque(maxlen=IRREGULARITY_INTERVALS)
        self._quiet_since = 0.0
        self._bad_since = _NEVER_S  # the clock for asystole stands still from then on
        self._ventricular = 0
        self._run_since = 0.0
        self._said_at = 0.0
        self._holds = dict.fromkeys(STATES, False)
        self.label = "regular"

    @property
    def heart_rate(self) -> float | None:
        """Beats a minute over the last `RATE_INTERVALS` intervals; None before there are two."""
        recent = list(self._rr)[-RATE_INTERVALS:]
        return 60 / float(np.mean(recent)) if len(recent) > 1 else None

    @property
    def flutters(self) -> bool:
        """Whether it is ventricular flutter."""
        return self._holds["ventricular flutter"]

    @property
    def due(self) -> float:
        """When (s) it is asystole if no beat comes."""
        stopped = self._holds["asystole"] or self.flutters or self._bad_since < _NEVER_S
        return _NEVER_S if stopped else self._quiet_since + ASYSTOLE_S

    def beat(self, time: float, label: str, rr: float | None) -> Iterator[RhythmEvent]:
        """Take one beat: its R peak (s), its class, and the RR interval before it (s), if that is known."""
        self._quiet_since = time
        self._holds["asystole"] = False
        if rr is None or rr > ASYSTOLE_S:  # the rate before says nothing of the rate from now on
            self._rr.clear()
        else:
            self._rr.append(rr)
            if rr >= PAUSE_S:
                yield RhythmEvent(time - rr, "pause", {"rr_s": round(rr, 3)})
        yield from self._count_run(time, label, rr)
        self._judge_rate()
        self._judge_irregular()
        yield from self._say(time)

    def _count_run(self, time: float, label: str, rr: float | None) -> Iterator[RhythmEvent]:
        if label == "V" and (self._ventricular == 0 or rr is not None):
            self._ventricular += 1
            if self._ventricular == 1:
                self._run_since = time
        else:
            if self._ventricular == RUN_BEATS - 1:
                yield RhythmEvent(self._run_since, "couplet")
            self._ventricular = int(label == "V")
            self._run_since = time
        running = self._ventricular >= RUN_BEATS
        rate = 60 * (self._ventricular - 1) / (time - self._run_since) if running and time > self._run_since else 0.0
        self._holds["ventricular tachycardia"] = running and rate >= TACHYCARDIA_RUN_BPM
        self._holds["ventricular run"] = running and rate < TACHYCARDIA_RUN_BPM

    def _judge_rate(self) -> None:
        rate = self.heart_rate
        if rate is not None:  # or it is as it was, as far as one knows
            self._holds["bradycardia"] = rate < self.slow + RATE_HYSTERESIS_BPM * self._holds["bradycardia"]
            self._holds["tachycardia"] = rate > self.fast - RATE_HYSTERESIS_BPM * self._holds["tachycardia"]

    def _judge_irregular(self) -> None:
        if len(self._rr) < IRREGULARITY_INTERVALS:
            return
        rr = np.array(self._rr)
        change = float(np.median(np.abs(np.diff(rr))) / np.median(rr))
        self._holds["irregular"] = change > (REGULAR_BELOW if self._holds["irregular"] else IRREGULAR_ABOVE)

    def silence(self, now: float) -> Iterator[RhythmEvent]:
        """No beat has come until `due`, and the signal is good."""
        self._holds["asystole"] = True
        yield from self._say(now)

    def interrupt(self, now: float) -> None:
        """The signal is bad from now on (s): what came before is not measured against what will come, and no beat is missed."""
        self._bad_since = min(self._bad_since, now)
        self._ventricular = 0
        self._rr.clear()

    def resume(self, now: float) -> None:
        """The signal is good again. A short interruption does not start the clock for asystole anew."""
        bad = now - self._bad_since
        self._quiet_since = self._quiet_since + bad if bad < SHORT_INTERRUPTION_S else now
        self._bad_since = _NEVER_S

    def flutter(self, now: float, found: bool) -> Iterator[RhythmEvent]:
        """The signal looks like ventricular flutter or fibrillation, or no longer does; what it is then, the next beat tells."""
        self._holds["ventricular flutter"] = found
        self._quiet_since = now
        self._ventricular = 0
        self._rr.clear()
        if found:
            yield from self._say(now)

    def _say(self, time: float) -> Iterator[RhythmEvent]:
        label = next((state for state in STATES if self._holds[state]), "regular")
        if label != self.label:
            self.label = label
            rate = self.heart_rate
            run = label.startswith("ventricular") and not self.flutters
            since = max(self._run_since if run else time, self._said_at)  # what was said of an earlier time stands
            self._said_at = since
            yield RhythmEvent(since, label, {} if rate is None else {"heart_rate": round(rate, 1)})

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Everything that is carried, as arrays."""
        rr = np.full(IRREGULARITY_INTERVALS, -1.0)
        rr[: len(self._rr)] = self._rr
        holds = [float(self._holds[state]) for state in STATES]
        times = [self._quiet_since, self._bad_since, self._run_since, self._said_at]
        return {"rhythm": np.array([*times, self._ventricular, STATES.index(self.label), *holds, *rr])}

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave; raises InputError for anything else."""
        found, expected = state.get("rhythm"), self.state()["rhythm"].shape
        if found is None or found.shape != expected or not np.isfinite(found).all() or not 0 <= found[5] < len(STATES):
            raise InputError("state of the rhythm monitor: missing, or not what it writes")
        self._quiet_since, self._bad_since, self._run_since, self._said_at = (float(time) for time in found[:4])
        self._ventricular, self.label = int(found[4]), STATES[int(found[5])]
        self._holds = {name: bool(found[6 + place]) for place, name in enumerate(STATES)}
        self._rr = deque((float(rr) for rr in found[6 + len(STATES) :] if rr >= 0), maxlen=IRREGULARITY_INTERVALS)
