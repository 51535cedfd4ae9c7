"""`ecg`: finds the beats of a heart as they come, classifies them, and watches rhythm and signal."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray

from rtkit.errors import InputError, SpecError
from rtkit.items import Block, SampleSpec
from rtkit.parameters import Range
from rtkit.processor import SampleProcessor
from rtkit_ecg.leads import MOST_LEADS, choose
from rtkit_ecg.quality import LABELS, USABLE
from rtkit_ecg.rows import SAMPLES, Rows

if TYPE_CHECKING:
    from rtkit_ecg.lead import Found, Lead
    from rtkit_ecg.rhythm import Finding

#: Rates (Hz) at which the detector works.
SLOWEST, FASTEST = 100.0, 1000.0
#: Two beats of different leads that are closer (s) are one.
SAME_BEAT = 0.2
#: So long (s) noise is borne before another lead is listened to: it may turn out to be flutter, which is not to be avoided but said.
PATIENCE = 4.0
#: A beat that is told later (s) is marked late.
LATE = 0.5
#: A time (s) that does not come, where a state must be finite.
_FAR = 1e300


@dataclass(eq=False)
class Ecg(SampleProcessor):
    """A streaming heart monitor. The signal goes through as it is; what is found comes as events.

    Give it one or more leads (mV) at 100 to 1000 Hz, or heartbeats one a row (140 samples, and perhaps a label behind them).

    Events, at the R peak (s): ``beat``, with the class after AAMI EC57 (``N`` normal or bundle branch block, ``S`` supraventricular,
    ``V`` ventricular, ``F`` fusion, ``Q`` unclassified) and its probability; ``late`` if it was told more than 0.5 s after the R peak,
    ``rr_s`` the interval before it (None if unknown), ``latency_s`` from R peak to event, ``heart_rate`` (1/min), ``lead``. ``rhythm``:
    what the rhythm is from this time on (`rtkit_ecg.rhythm.STATES`), or a ``pause`` or ``couplet``. ``quality``: what the signal is
    worth from this time on (`rtkit_ecg.quality.LABELS`). Of a heartbeat in a row: ``normal`` or ``abnormal``.

    Of several leads, the first one that is preferred by name (MLII, II, …) is listened to, and another one while its signal is bad.

    Not a medical device.

    Parameters
    ----------
    lead : str
        Listen to this lead alone: its name, or its number from 1 on.
    classify : bool
        Tell the class of each beat; without, all are ``Q``.
    bradycardia : float
        Heart rate (1/min) below which it is bradycardia.
    tachycardia : float
        Heart rate (1/min) above which it is tachycardia.

    Raises
    ------
    SpecError
        By `open`: another rate, no such lead, or as many channels as are neither leads nor a heartbeat.
    InputError
        By `load_state`, if the state is of another rate or number of leads.

    References
    ----------
    ANSI/AAMI EC57 (classes of beats). J. Pan, W. J. Tompkins (1985) and P. Hamilton (2002) for the ideas of the detector.
    """

    lead: str | None = None
    classify: bool = True
    bradycardia: Annotated[float, Range(10, 200)] = 50.0
    tachycardia: Annotated[float, Range(40, 300)] = 120.0

    def open(self, spec: SampleSpec) -> SampleSpec:
        """Accept leads or heartbeats; the lead to begin with comes first in the output."""
        super().open(spec)
        count = len(spec.channels)
        self._rows: Rows | None = None
        self._leads: list[Lead] = []
        if count in (SAMPLES, SAMPLES + 1):
            self._rows = Rows()
            return spec
        if count > MOST_LEADS:
            raise SpecError(f"needs at most {MOST_LEADS} leads, or {SAMPLES} samples a row (and a label), got {count} channels")
        if spec.rate > FASTEST:
            raise SpecError(f"needs {SLOWEST:g} to {FASTEST:g} Hz, got {spec.rate:g} Hz", rate=FASTEST)
        if spec.rate < SLOWEST:
            raise SpecError(f"needs {SLOWEST:g} to {FASTEST:g} Hz, got {spec.rate:g} Hz")
        self._open_leads(spec)
        self._order = [*self._listened, *(place for place in range(count) if place not in self._listened)]
        return SampleSpec(spec.rate, tuple(spec.channels[place] for place in self._order))

    def _open_leads(self, spec: SampleSpec) -> None:
        from rtkit_ecg.lead import Lead  # loads numba
        from rtkit_ecg.rhythm import Rhythm

        self._listened = choose(spec.channels, self.lead)
        self._leads = [Lead(spec.channels[place], spec.rate, self.classify) for place in self._listened]
        self._rhythm = Rhythm(self.bradycardia, self.tachycardia)
        self._active = 0
        self._peak = -math.inf  # last R peak that was told (s)
        self._broken = True  # the interval before the next beat is not known
        self._said = "good"
        self._flutters = False
        self._noisy_until = math.inf  # time (s) at which patience with the noise of this lead ends

    def process(self, block: Block) -> Block:
        """Take samples ``[n, leads]``, or heartbeats ``[n, 140]``."""
        data = np.asarray(block.data, np.float32)
        if self._rows is not None:
            self._classify_rows(block, data)
            return block.with_data(np.nan_to_num(data, posinf=0.0, neginf=0.0))
        found = sorted(
            (finding for place, lead in enumerate(self._leads) for finding in lead.listen(data[:, self._listened[place]], place)),
            key=lambda finding: (finding.at, finding.place),
        )
        for finding in found:
            self._take(finding)
        self._wait((block.start + len(data)) / block.rate)
        names = tuple(self.spec.channels[place] for place in self._order)
        return block.with_data(np.nan_to_num(data[:, self._order], posinf=0.0, neginf=0.0), names)

    def close(self) -> None:
        """Tell the beats that were still held back."""
        for place, lead in enumerate(self._leads):
            if place == self._active:
                for finding in lead.flush(place):
                    self._take(finding)

    def _classify_rows(self, block: Block, data: NDArray[np.float32]) -> None:
        assert self._rows is not None
        for number, row in enumerate(data):
            time = (block.start + number) / block.rate
            answer = self._rows(row)
            if answer is None:
                self.emit(time, "quality", "gap")
            else:
                self.emit(time, "beat", answer[0], round(answer[1], 4), late=False, rr_s=None, latency_s=0.0)

    def _take(self, finding: Found) -> None:
        """Handle what a lead found, in the order of time."""
        now = finding.at / self.spec.rate
        self._wait(now)
        if finding.kind == "quality":
            self._leads[finding.place].quality = finding.label
            self._listen_to_the_best(now)
        elif finding.place != self._active:
            return
        elif finding.kind == "flutter":
            self._broken, self._flutters = True, finding.label == "yes"
            self._say(self._rhythm.flutter(now, self._flutters, now if self._said in USABLE else math.inf))
        else:
            self._beat(finding, now)

    def _wait(self, now: float) -> None:
        """Let time pass: with no beat for long, it is asystole; with noise for long, patience ends."""
        if self._noisy_until <= now:
            self._listen_to_the_best(self._noisy_until)
        due = self._rhythm.due
        if due <= now:
            self._say(self._rhythm.silence(due))

    def _listen_to_the_best(self, now: float) -> None:
        """Go over to a lead that is usable if this one no longer is, and say what the signal is worth."""
        quality = self._leads[self._active].quality
        if quality != "noise":
            self._noisy_until = math.inf
        elif self._noisy_until == math.inf:
            self._noisy_until = now + PATIENCE
        if quality not in USABLE and not self._flutters and (quality != "noise" or now >= self._noisy_until):
            better = (place for place, lead in enumerate(self._leads) if lead.quality == "good")
            self._active = next(better, self._active)
            self._noisy_until = math.inf
        lead = self._leads[self._active]
        if lead.quality == self._said:
            return
        usable, before = lead.quality in USABLE, self._said in USABLE
        self._said = lead.quality
        self.emit(now, "quality", lead.quality, lead=lead.name)
        if not (usable and before):
            self._broken = True
            self._rhythm.interrupt(now if usable else math.inf)

    def _beat(self, finding: Found, now: float) -> None:
        peak = finding.peak / self.spec.rate
        if peak - self._peak < SAME_BEAT:
            return
        rr = None if self._broken else peak - self._peak
        self._peak, self._broken = peak, False
        findings = list(self._rhythm.beat(peak, finding.label, rr))
        rate = self._rhythm.heart_rate
        self.emit(
            peak,
            "beat",
            finding.label,
            None if finding.score is None else round(finding.score, 4),
            late=finding.late or now - peak > LATE,
            rr_s=None if rr is None else round(rr, 4),
            latency_s=round(now - peak, 4),
            heart_rate=None if rate is None else round(rate, 1),
            lead=self._leads[finding.place].name,
        )
        self._say(findings)

    def _say(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.emit(finding.time, "rhythm", finding.label, None, **finding.details)

    def state(self) -> dict[str, NDArray[Any]]:
        """Levels, rings, templates and histories of all leads, and the rhythm."""
        if self._rows is not None:
            return {}
        times = np.clip([self._peak, self._noisy_until], -_FAR, _FAR)
        own = np.array([self._active, self._broken, LABELS.index(self._said), self._flutters, *times])
        leads = {f"{place}.{name}": array for place, lead in enumerate(self._leads) for name, array in lead.state().items()}
        return {"monitor": own} | self._rhythm.state() | leads

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave."""
        if self._rows is not None:
            return
        if "monitor" not in state or state["monitor"].shape != (6,):
            raise InputError("state of Ecg: missing or of another shape")
        self._rhythm.load_state(state)
        for place, lead in enumerate(self._leads):
            prefix = f"{place}."
            lead.load_state({name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)})
        active, broken, said, flutters, self._peak, noisy = (float(value) for value in state["monitor"])
        self._active, self._broken, self._said, self._flutters = int(active), bool(broken), LABELS[int(said)], bool(flutters)
        self._noisy_until = math.inf if noisy == _FAR else noisy
