"""What a run of the monitor found, for the report: beats by class, heart rate, rhythm, and how much of the signal was good."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

#: So much signal without a beat is told as a warning.
NO_BEAT_S = 5.0
#: Share of good signal below which that is told as a warning.
LEAST_GOOD = 0.5


class Outcome:
    """Counts and times of one run.

    Parameters
    ----------
    begin : float
        When it begins (s).
    quality : str
        What the signal is worth then.
    rhythm : str, optional
        What the rhythm is then; none is told of heartbeats without one.
    """

    def __init__(self, begin: float, quality: str, rhythm: str | None = None) -> None:
        self._beats: Counter[str] = Counter()
        self._rr_sum_s = 0.0
        self._rr_count = 0
        self._now = {"quality": quality} | ({} if rhythm is None else {"rhythm": rhythm})
        self._since = dict.fromkeys(self._now, begin)
        self._lasted: dict[str, defaultdict[str, float]] = {kind: defaultdict(float) for kind in self._now}

    def beat(self, label: str, rr_s: float | None) -> None:
        """Count a beat and the RR interval before it, if that is known."""
        self._beats[label] += 1
        if rr_s is not None:
            self._rr_sum_s += rr_s
            self._rr_count += 1

    def change(self, kind: str, label: str, time: float) -> None:
        """The ``quality`` or ``rhythm`` is this one from `time` (s) on."""
        self._lasted[kind][self._now[kind]] += max(0.0, time - self._since[kind])
        self._now[kind], self._since[kind] = label, max(time, self._since[kind])

    def summary(self, end: float) -> dict[str, Any]:
        """What is known at `end` (s)."""
        for kind in self._now:
            self.change(kind, self._now[kind], end)
        outcome: dict[str, Any] = {"beats": dict(self._beats.most_common())}
        if self._rr_count:
            outcome["heart_rate"] = round(60 * self._rr_count / self._rr_sum_s, 1)
        rhythm = self._lasted.get("rhythm")
        if rhythm and (self._beats or set(rhythm) - {"regular"}):  # which it is called before anything is known
            outcome |= {"rhythm": self._now["rhythm"], "longest_rhythm": max(rhythm, key=lambda label: rhythm[label])}
        warnings = []
        quality, heard_s = self._lasted["quality"], sum(self._lasted["quality"].values())
        if heard_s > 0:
            outcome["good_signal"] = good = round(quality["good"] / heard_s, 4)
            if not self._beats and heard_s >= NO_BEAT_S:
                warnings.append(f"no beat found in {heard_s:.0f} s of signal")
            if good < LEAST_GOOD:
                worst = max(set(quality) - {"good"}, key=lambda label: quality[label])
                warnings.append(f"the signal is good for only {good:.0%} of the time; most of the rest is {worst}")
        return outcome | ({"warnings": warnings} if warnings else {})
