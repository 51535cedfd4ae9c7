"""`ecg`: finds the beats of a heart as they come, classifies them, and watches rhythm and signal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rtkit import Block, InputError, Range, SampleProcessor, SampleSpec, SpecError, UsageError
from rtkit_ecg.leads import MOST_LEADS, choose
from rtkit_ecg.outcome import Outcome
from rtkit_ecg.quality import GOOD, LABELS, USABLE
from rtkit_ecg.rhythm import STATES
from rtkit_ecg.rows import BEAT_SAMPLES, HeartbeatClassifier

if TYPE_CHECKING:
    from rtkit_ecg.lead import Lead, LeadEvent
    from rtkit_ecg.rhythm import RhythmEvent

#: Sample rates at which the detector works.
MIN_RATE_HZ, MAX_RATE_HZ = 100.0, 1000.0
#: Refractory period across leads: two R peaks of different leads that are closer are one beat.
SAME_BEAT_S = 0.2
#: A lead that is noisy for longer is left for another one: noise may turn out to be flutter, which is not to be avoided but told.
NOISE_TIMEOUT_S = 3.0
#: The preferred lead is returned to when it has been good for so long.
LEAD_RETURN_S = 60.0
#: A beat that is told later than this after its R peak is marked late.
LATE_S = 0.5
#: A time that does not come, where a state must be finite.
_NEVER_S = 1e300


@dataclass(eq=False)
class Ecg(SampleProcessor):
    """A streaming heart monitor. The signal goes through as it is; what is found comes as events.

    Give it one or more leads (mV) at 100 to 1000 Hz, or heartbeats one a row (140 samples, and perhaps a label behind them).

    Events, at the R peak (s): ``beat``, with the class after AAMI EC57 (``N`` normal or bundle branch block, ``S`` supraventricular,
    ``V`` ventricular, ``F`` fusion, ``Q`` unclassified) and its probability; ``late`` if it was told more than 0.5 s after the R peak,
    ``rr_s`` the interval before it (None if unknown), ``latency_s`` from R peak to event, ``heart_rate`` (1/min), ``lead``. ``rhythm``:
    what the rhythm is from this time on (`rtkit_ecg.rhythm.STATES`), or a ``pause`` or ``couplet``. ``quality``: what the signal is
    worth from this time on (`rtkit_ecg.quality.LABELS`). Of a heartbeat in a row: ``normal`` or ``abnormal``.

    Of several leads, the first one that is preferred by name (MLII, II, …) is listened to; while its signal is bad, another one; and
    while all are noisy, a band (12 to 28 Hz) that electrode motion leaves alone.

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

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"classify": False},
        {"classify": False, "lead": "1", "bradycardia": 60.0, "tachycardia": 100.0},
    )

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.bradycardia >= self.tachycardia:
            raise UsageError(f"Ecg: bradycardia={self.bradycardia:g} is not below tachycardia={self.tachycardia:g}")

    def open(self, spec: SampleSpec) -> SampleSpec:
        """Accept leads or heartbeats; the lead to begin with comes first in the output."""
        super().open(spec)
        count = len(spec.channels)
        self._rows: HeartbeatClassifier | None = None
        self._leads: list[Lead] = []
        if count in (BEAT_SAMPLES, BEAT_SAMPLES + 1):
            self._rows, self._row_quality = HeartbeatClassifier(), "good"
            self._row_position = 0  # in the stream, of the row to come
            self._outcome: Outcome | None = None
            return spec
        if count > MOST_LEADS:
            raise SpecError(f"needs at most {MOST_LEADS} leads, or {BEAT_SAMPLES} samples a row (and a label), got {count} channels")
        if spec.rate > MAX_RATE_HZ:
            raise SpecError(f"needs {MIN_RATE_HZ:g} to {MAX_RATE_HZ:g} Hz, got {spec.rate:g} Hz", rate=MAX_RATE_HZ)
        if spec.rate < MIN_RATE_HZ:
            raise SpecError(f"needs {MIN_RATE_HZ:g} to {MAX_RATE_HZ:g} Hz, got {spec.rate:g} Hz")
        self._open_leads(spec)
        self._order = [*self._candidates, *(place for place in range(count) if place not in self._candidates)]
        return SampleSpec(spec.rate, tuple(spec.channels[place] for place in self._order))

    def _open_leads(self, spec: SampleSpec) -> None:
        from rtkit_ecg.detector import BAND_HZ, STEEP_BAND_HZ
        from rtkit_ecg.lead import Lead
        from rtkit_ecg.rhythm import Rhythm

        self._candidates = choose(spec.channels, self.lead)
        listeners = [(place, band) for band in (BAND_HZ, STEEP_BAND_HZ) for place in self._candidates]
        self._inputs = [place for place, _ in listeners]
        self._leads = [Lead(spec.channels[place], spec.rate, self.classify, band) for place, band in listeners]
        self._rhythm = Rhythm(self.bradycardia, self.tachycardia)
        self._active = 0
        self._outcome = None  # of this run, from its first block on
        self._saved_offset = 0
        self._offset: int | None = None  # samples of the stream that the detectors have not seen; known with the first block
        self._last_peak_s = -_NEVER_S  # last R peak (s)
        self._interrupted_at = self._resumed_at = 0.0  # the last interruption (s): of the signal, by flutter, by going over to another lead
        self._reported = ("good", self._leads[0].name)  # quality, and the lead that has it
        self._fluttering: set[int] = set()
        self._noisy_until = _NEVER_S  # when (s) patience with the noise of this lead ends
        self._return_at = _NEVER_S  # when (s) the first one has been good for long enough
        self._last = np.zeros(len(spec.channels), np.float32)  # samples that were there

    def process(self, block: Block) -> Block:
        """Take samples ``[n, leads]``, or heartbeats ``[n, 140]``."""
        data = np.asarray(block.data, np.float32)
        if self._rows is not None:
            self._classify_rows(block, data)
            return block.with_data(np.nan_to_num(data, posinf=0.0, neginf=0.0))
        if self._offset is None:
            self._begin_at(block.start - self._leads[0].seen)
        found = sorted(
            (finding for place, lead in enumerate(self._leads) for finding in lead.listen(data[:, self._inputs[place]], place)),
            key=lambda finding: (finding.at, finding.place),
        )
        for finding in found:
            self._handle(finding)
        self._advance_clock(self._now_s)
        names = tuple(self.spec.channels[place] for place in self._order)
        return block.with_data(self._fill_gaps(data)[:, self._order], names)

    @property
    def _now_s(self) -> float:
        """Detector time (s): of the sample to come."""
        return self._leads[0].seen / self.spec.rate

    def _begin_at(self, offset: int) -> None:
        self._offset = offset
        self._outcome = Outcome(self._now_s, self._reported[0], self._rhythm.label)

    def close(self) -> None:
        """Tell the beats that were still held back; the state stays that of the last sample."""
        if self._rows is not None:
            return
        if self._leads[0].seen == 0:
            return
        if self._offset is None:  # no block has come since the state was put back: the stream ends where that was
            self._begin_at(self._saved_offset)
        kept, offset, outcome = self.state(), self._offset, self._outcome
        for finding in self._leads[self._active].flush(self._active):
            self._handle(finding)
        self.load_state(kept)
        self._offset, self._outcome = offset, outcome

    def summary(self) -> dict[str, Any]:
        """The outcome since `open`.

        ``beats`` by class, ``heart_rate`` (1/min, from the mean of the RR intervals that are known), ``rhythm`` at the end and
        ``longest_rhythm`` (`rtkit_ecg.rhythm.STATES`), and ``good_signal``, the share of the time that the signal was good. What is not
        known is left out. ``warnings``: sentences about what looks wrong.
        """
        if getattr(self, "_outcome", None) is None:
            return {}
        assert self._outcome is not None
        return self._outcome.summary(self._row_position / self.spec.rate if self._rows is not None else self._now_s)

    def _fill_gaps(self, data: NDArray[np.float32]) -> NDArray[np.float32]:
        """The samples, the last good one of a lead in place of those that are not there."""
        there = np.isfinite(data)
        whole = np.concatenate([self._last[None], data])
        at = np.maximum.accumulate(np.where(there, np.arange(1, len(data) + 1)[:, None], 0), axis=0)
        held: NDArray[np.float32] = np.take_along_axis(whole, at, axis=0)
        self._last = held[-1].copy()
        return held

    def _classify_rows(self, block: Block, data: NDArray[np.float32]) -> None:
        assert self._rows is not None
        if self._outcome is None:
            self._outcome = Outcome(block.start / block.rate, self._row_quality)
        self._row_position = block.start + len(data)
        for number, row in enumerate(data):
            time = (block.start + number) / block.rate
            answer = self._rows(row)
            quality = "good" if answer is not None else "gap" if not np.isfinite(row[:BEAT_SAMPLES]).all() else "flat"
            if quality != self._row_quality:
                self._row_quality = quality
                self.emit(time, "quality", quality)
                self._outcome.change("quality", quality, time)
            if answer is not None:
                self._outcome.beat(answer[0], None)
                self.emit(time, "beat", answer[0], round(answer[1], 4), late=False, rr_s=None, latency_s=0.0)

    def _handle(self, finding: LeadEvent) -> None:
        """Handle what a lead found, in the order of time."""
        now = finding.at / self.spec.rate
        self._advance_clock(now)
        if finding.kind == "beat":
            if finding.place == self._active:
                self._beat(finding, now)
            return
        if finding.kind == "quality":
            self._leads[finding.place].quality = finding.label
        elif finding.label == "yes":
            self._fluttering.add(finding.place)
        else:
            self._fluttering.discard(finding.place)
        self._choose_lead(now)

    def _advance_clock(self, now: float) -> None:
        """Let time pass: with no beat for long, it is asystole; with noise for long, patience ends."""
        for due in sorted((self._noisy_until, self._return_at)):
            if due <= now:
                self._choose_lead(due)
        due = self._rhythm.due
        if due <= now:
            self._report_rhythm(self._rhythm.silence(due))

    def _choose_lead(self, now: float) -> None:
        """Go over to a lead that is usable if this one no longer is, and say what is new of signal and flutter."""
        quality = self._leads[self._active].quality
        noisy = quality == "noise"
        self._noisy_until = min(self._noisy_until, now + NOISE_TIMEOUT_S) if noisy else _NEVER_S
        patient = noisy and (self._active in self._fluttering or now < self._noisy_until)
        if quality not in USABLE and not patient:
            better = (place for place, lead in enumerate(self._leads) if lead.quality == "good")
            self._active = next(better, self._active)
        waits = self._active != 0 and self._leads[0].quality == "good"
        self._return_at = min(self._return_at, now + LEAD_RETURN_S) if waits else _NEVER_S
        if now >= self._return_at:
            self._active, self._return_at = 0, _NEVER_S
        lead = self._leads[self._active]
        self._report_quality(now, lead)
        flutters = self._active in self._fluttering
        if flutters != self._rhythm.flutters:
            self._interrupt(now, over=not flutters)
            self._report_rhythm(self._rhythm.flutter(now, flutters))

    def _report_quality(self, now: float, lead: Lead) -> None:
        if (lead.quality, lead.name) == self._reported:
            return
        usable, before = lead.quality in USABLE, self._reported[0] in USABLE
        other = lead.name != self._reported[1]
        self._reported = (lead.quality, lead.name)
        self._emit(now, "quality", lead.quality, lead=lead.name)
        self._note("quality", lead.quality, now)
        if not usable and before:
            self._rhythm.interrupt(now)
        elif usable and not before:
            self._rhythm.resume(now)
        if other or not (usable and before):
            self._interrupt(now, over=usable)

    def _interrupt(self, now: float, over: bool) -> None:
        """Note that no interval across this time is known, nor from then on until it is `over`."""
        if now - self._resumed_at > LATE_S:  # or it is still the same interruption, as far as beats that are told late are concerned
            self._interrupted_at = now
        self._resumed_at = now if over else _NEVER_S

    def _beat(self, finding: LeadEvent, now: float) -> None:
        peak = finding.peak / self.spec.rate
        if peak - self._last_peak_s < SAME_BEAT_S:
            return
        known = self._last_peak_s >= 0 and (peak < self._interrupted_at or self._last_peak_s >= self._resumed_at)
        rr = peak - self._last_peak_s if known else None
        self._last_peak_s = peak
        findings = list(self._rhythm.beat(peak, finding.label, rr))
        rate = self._rhythm.heart_rate
        told = self._emit(
            peak,
            "beat",
            finding.label,
            None if finding.score is None else round(finding.score, 4),
            late=finding.late or now - peak > LATE_S,
            rr_s=None if rr is None else round(rr, 4),
            latency_s=round(now - peak, 4),
            heart_rate=None if rate is None else round(rate, 1),
            lead=self._leads[finding.place].name,
        )
        if told and self._outcome is not None:
            self._outcome.beat(finding.label, rr)
        self._report_rhythm(findings)

    def _report_rhythm(self, findings: Iterable[RhythmEvent]) -> None:
        for finding in findings:
            self._emit(finding.time, "rhythm", finding.label, None, **finding.details)
            if finding.label in STATES:  # and not a pause or a couplet
                self._note("rhythm", finding.label, finding.time)

    def _note(self, kind: str, label: str, time: float) -> None:
        if self._outcome is not None:
            self._outcome.change(kind, label, time)

    def _emit(self, time: float, kind: str, label: str, score: float | None = None, **data: Any) -> bool:
        """Emit at detector time `time` (s), if that is in this stream: what is before was told when the state was saved. Whether it is."""
        assert self._offset is not None
        time += self._offset / self.spec.rate
        if time >= 0:
            self.emit(time, kind, label, score, **data)
        return time >= 0

    def state(self) -> dict[str, NDArray[Any]]:
        """Levels, rings, templates and histories of all leads, and the rhythm; of heartbeats in rows, what was said of the last."""
        if self._rows is not None:
            told = LABELS.index(self._row_quality)
            return {"row_quality": np.array([float(told)])} if told != GOOD else {}
        places = [place for place, lead in enumerate(self._leads) if lead.name == self._reported[1]]
        fluttering = [float(place in self._fluttering) for place in range(len(self._leads))]
        times = [self._last_peak_s, self._interrupted_at, self._resumed_at, self._noisy_until, self._return_at]
        own = np.array([*times, self._active, LABELS.index(self._reported[0]), places[0], *fluttering], np.float64)
        leads = {f"{place}.{name}": array for place, lead in enumerate(self._leads) for name, array in lead.state().items()}
        offset = np.array([self._saved_offset if self._offset is None else self._offset], np.float64)
        return {"monitor": own, "last": self._last.copy(), "offset": offset, **self._rhythm.state(), **leads}

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave."""
        if self._rows is not None:
            self._load_row_quality(state.get("row_quality", np.array([float(GOOD)])))
            return
        own, last, count = state.get("monitor"), state.get("last"), len(self._leads)
        if own is None or own.shape != (8 + count,) or last is None or last.shape != self._last.shape:
            raise InputError(f"state of Ecg: missing, or of another number of leads; expected one of {count}")
        if not np.isfinite(own).all() or not (0 <= own[5] < count and 0 <= own[6] < len(LABELS) and 0 <= own[7] < count):
            raise InputError("state of Ecg: damaged")
        offset = state.get("offset", np.zeros(1))  # older versions do not have it
        if offset.shape != (1,) or not np.isfinite(offset).all():
            raise InputError("state of Ecg: offset is damaged")
        self._rhythm.load_state(state)
        for place, lead in enumerate(self._leads):
            prefix = f"{place}."
            lead.load_state({name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)})
        self._last_peak_s, self._interrupted_at, self._resumed_at, self._noisy_until, self._return_at = (float(value) for value in own[:5])
        self._active, self._reported = int(own[5]), (LABELS[int(own[6])], self._leads[int(own[7])].name)
        self._fluttering = {place for place in range(count) if own[8 + place]}
        self._last, self._offset, self._saved_offset = last.astype(np.float32), None, int(offset[0])

    def _load_row_quality(self, code: NDArray[Any]) -> None:
        if code.shape != (1,) or code[0] not in range(len(LABELS)):
            raise InputError("state of Ecg: row_quality is damaged")
        self._row_quality = LABELS[int(code[0])]
