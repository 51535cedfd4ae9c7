"""One lead: its beats with their classes, what its signal is worth, and ventricular flutter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from rtkit import InputError
from rtkit_ecg import flutter
from rtkit_ecg.detector import BAND_HZ, Beat, Change, Detector
from rtkit_ecg.quality import USABLE

if TYPE_CHECKING:
    from rtkit_ecg.classifier import Classifier

#: Seconds in a row that look like flutter before that is believed. That it ends is believed at once: beats may be coming.
FLUTTER_ONSET_S, FLUTTER_END_S = 2, 1


@dataclass(frozen=True, slots=True)
class LeadEvent:
    """Something that lead number `place` found out at sample `at`: a beat, a change of quality, or flutter (``yes`` or ``no``)."""

    at: int
    place: int
    kind: Literal["beat", "quality", "flutter"]
    label: str
    score: float | None = None
    peak: int = 0
    late: bool = False


class Lead:
    """Listens to one lead.

    Parameters
    ----------
    name : str
        What it is called.
    rate : float
        Samples a second (Hz).
    classify : bool
        Tell the classes of beats; all are ``Q`` otherwise.
    band : tuple of float
        What the detector looks at (Hz).
    """

    def __init__(self, name: str, rate: float, classify: bool, band: tuple[float, float] = BAND_HZ) -> None:
        self.name = name
        self.quality = "good"
        self._rate = rate
        self._second = round(rate)
        self._detector = Detector(rate, band)
        self._classifier = self._make_classifier(rate) if classify else None
        self._after = self._before = 0
        if self._classifier is not None:
            from rtkit_ecg.beats import AFTER_S, BEFORE_S

            self._before, self._after = round(BEFORE_S * rate), round(AFTER_S * rate)
        self._waiting: list[Beat] = []  # for the signal behind them
        self._last = self._bad = -1  # last R peak, and where the signal was last interrupted (samples)
        self._usable = True
        self._warm_up()
        self._alike = 0  # seconds in a row that contradict what is believed about flutter
        self._flutters = False

    @staticmethod
    def _make_classifier(rate: float) -> Classifier:
        from rtkit_ecg.classifier import Classifier

        return Classifier(rate)

    def _warm_up(self) -> None:
        """Compile or load what is only loaded by its first use: a live stream cannot wait for it."""
        self._detector.detect(np.zeros(0, np.float32))
        if self._classifier is not None:
            start = self._classifier.state()
            self._classifier(np.zeros(self._before + self._after + 1, np.float32), math.nan, True)
            self._classifier.load_state(start)

    @property
    def seen(self) -> int:
        """Samples so far."""
        return self._detector.seen

    def listen(self, x: NDArray[np.float32], place: int) -> list[LeadEvent]:
        """Take samples ``[n]`` (mV); gives what they bring, in order. `place` is the number to put on it."""
        found: list[LeadEvent] = []
        done = 0
        while done < len(x):
            seen = self._detector.seen
            stop = done + min(len(x) - done, self._second - seen % self._second)
            self._run(x[done:stop], place, found)
            if self._detector.seen % self._second == 0:
                self._look_for_flutter(place, found)
            done = stop
        return found

    def flush(self, place: int) -> list[LeadEvent]:
        """The beats that are held back at the end of the stream."""
        end, found = self._detector.seen, list[LeadEvent]()
        for beat in [*self._waiting, *self._detector.flush()]:
            told = self._tell(Beat(beat.peak, end, beat.late), end, place)
            if told is not None:
                found.append(told)
        self._waiting.clear()
        return found

    def _run(self, part: NDArray[np.float32], place: int, found: list[LeadEvent]) -> None:
        beats, changes = self._detector.detect(part)
        self._waiting += beats
        due = [(max(beat.given, beat.peak + self._after), 1, beat) for beat in self._waiting]
        ready = [entry for entry in due if entry[0] < self._detector.seen]
        self._waiting = [entry[2] for entry in due if entry[0] >= self._detector.seen]
        both: list[tuple[int, int, Beat | Change]] = [*((change.at, 0, change) for change in changes), *ready]
        for at, _, what in sorted(both, key=lambda entry: entry[:2]):
            if isinstance(what, Change):
                self._note(what.label, at)
                found.append(LeadEvent(at, place, "quality", what.label))
            elif (told := self._tell(what, at, place)) is not None:
                found.append(told)

    def _note(self, label: str, at: int) -> None:
        usable = label in USABLE
        if not (usable and self._usable):
            self._bad = at
        self._usable = usable

    def _tell(self, beat: Beat, at: int, place: int) -> LeadEvent | None:
        """Classify a beat whose surroundings are known by now."""
        if self._flutters:
            return None
        interval = (beat.peak - self._last) / self._rate
        known = self._last >= 0 and not self._last < self._bad <= beat.peak
        self._last = beat.peak
        label, score = "Q", None
        if self._classifier is not None:
            window = self._detector.around(beat.peak, self._before, self._after)
            label, score = self._classifier(window, interval if known else math.nan, not self._usable)
        return LeadEvent(at, place, "beat", label, score, beat.peak, beat.late)

    def _look_for_flutter(self, place: int, found: list[LeadEvent]) -> None:
        """Judge the last seconds."""
        span = round(flutter.SPAN_S * self._rate)
        seen = self._detector.seen
        if seen < span:
            return
        if self._detector.label not in ("good", "noise", "jump"):  # not there to be judged
            return
        now = flutter.is_flutter(self._detector.around(seen - 1, span - 1, 0), self._rate)
        self._alike = self._alike + 1 if now != self._flutters else 0
        if self._alike == (FLUTTER_END_S if self._flutters else FLUTTER_ONSET_S):
            self._flutters, self._alike = now, 0
            self._last = -1
            found.append(LeadEvent(seen - 1, place, "flutter", "yes" if now else "no"))

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that is carried, as arrays."""
        own = np.array([self._last, self._bad, self._usable, self._alike, self._flutters], np.float64)
        waiting = np.array([[beat.peak, beat.given, beat.late] for beat in self._waiting], np.float64).reshape(-1, 3)
        classifier = {} if self._classifier is None else self._classifier.state()
        return {"lead": own, "waiting": waiting} | self._detector.state() | classifier

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave; raises InputError for anything else."""
        if "lead" not in state or state["lead"].shape != (5,) or "waiting" not in state or state["waiting"].shape[1:] != (3,):
            raise InputError("state of a lead: missing or of another shape")
        self._detector.load_state(state)
        if self._classifier is not None:
            self._classifier.load_state(state)
        self._last, self._bad, usable, self._alike, flutters = (int(value) for value in state["lead"])
        self._usable, self._flutters = bool(usable), bool(flutters)
        self._waiting = [Beat(int(row[0]), int(row[1]), bool(row[2])) for row in state["waiting"]]
        self.quality = self._detector.label
