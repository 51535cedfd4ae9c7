"""The beat detector: causal, sample by sample, at any rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import InputError
from rtkit_ecg.quality import LABELS

#: Constants of the kernel that do not depend on the rate. They were chosen on the training half of the MIT-BIH database (DS1 and the paced
#: records): the middle of the best 20 of some hundred random sets; times in seconds, slopes in mV/s. See
#: `rtkit_ecg.detector_kernel` for what they do.
BAND_HZ = (5.0, 15.0)
#: Above what an electrode makes that moves: a band to fall back on while the usual one is full of noise. It was chosen on artificial
#: motion.
STEEP_BAND_HZ = (12.0, 28.0)
TIMES_S = {"refractory": 0.25, "t_wave": 0.34, "learn": 2.0, "blind": 0.1, "decay_after": 2.0, "decay": 1.2, "back_from": 0.35}
TIMES_S |= {"rr_limit": 1.5, "rr_start": 0.8}
WINDOWS_S = {"lag": 0.008, "window": 0.1, "apart": 0.07, "steep": 0.14, "place": 0.13, "half": 0.05, "around": 0.1}
THRESHOLDS = {
    "floor": 0.05,
    "factor": 0.365,
    "early": 1.74,
    "late": 0.8,
    "early_until": 0.6,
    "late_from": 1.47,
    "cap": 1.6,
    "t_slope": 0.32,
}
THRESHOLDS |= {"noise_rate": 0.165, "noise_floor": 1.85, "back_at": 1.48, "back_factor": 0.47, "back_noise": 1.23}
#: Length (s) of the rings: more than anything looks back, and what a classifier wants to see around a beat that is given out late.
RING_S = 4.0
#: A beat is given out at most so long (s) after the last sample that it takes to decide on it; what `flush` runs on.
SETTLE_S = 0.45


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat: R peak and the sample at which it was given out (samples), and whether search-back found it."""

    peak: int
    given: int
    late: bool


@dataclass(frozen=True, slots=True)
class Change:
    """From sample `at` on, the signal is what `label` says; see `rtkit_ecg.quality.LABELS`."""

    at: int
    label: str


class Detector:
    """Finds R peaks in one lead.

    Parameters
    ----------
    rate : float
        Samples a second (Hz), 100 to 1000.
    band : tuple of float
        What is looked at of the signal (Hz), from and to.

    References
    ----------
    Causal, with ideas of J. Pan, W. J. Tompkins, "A real-time QRS detection algorithm", IEEE Transactions on Biomedical Engineering 32
    (1985), and P. Hamilton, "Open source ECG analysis", Computers in Cardiology (2002): adaptive levels, search-back, T-wave test.
    """

    def __init__(self, rate: float, band: tuple[float, float] = BAND_HZ) -> None:
        from scipy.signal import butter, sosfreqz

        from rtkit_ecg import detector_kernel as kernel
        from rtkit_ecg.quality_kernel import LOOK_S
        from rtkit_ecg.quality_kernel import STATE as WORTH

        self._kernel = kernel.detect
        settings = np.zeros(1, kernel.SETTINGS)
        sos = butter(2, band, "bandpass", fs=rate, output="sos")
        settings["rate"], settings["sos"][0] = rate, sos
        for name, seconds in WINDOWS_S.items():
            settings[name] = max(1, round(seconds * rate))
        for name, seconds in TIMES_S.items():
            settings[name] = seconds * rate
        for name, level in THRESHOLDS.items():
            settings[name] = level
        settings["scale"] = rate / settings["lag"]
        settings["look"] = max(1, round(LOOK_S * rate))
        middle = 2 * np.pi * (np.mean(band) + np.array([-0.5, 0.5])) / rate
        phase = np.unwrap(np.angle(sosfreqz(sos, middle)[1]))
        settings["delay"] = (phase[0] - phase[1]) / (middle[1] - middle[0]) + 0.008 * rate
        self._settings = settings
        self._state, self._worth = np.zeros(1, kernel.STATE), np.zeros(1, WORTH)
        self._state["learning"] = 1.0
        for name in ("pending", "rejected"):
            self._state[name][0, kernel.TIME] = kernel.NONE
        self._state["beat"] = kernel.NONE
        self._rings = np.zeros((4, 1 << int(np.ceil(np.log2(RING_S * rate)))))
        self._rate = rate
        self._shortest = TIMES_S["refractory"] * rate

    def detect(self, x: NDArray[np.floating[Any]]) -> tuple[list[Beat], list[Change]]:
        """Run over samples ``[n]`` (mV; NaN where there is none); gives the beats and changes of quality that they bring."""
        found = np.empty((int(len(x) / self._shortest) + 80, 3))
        changes = np.empty((len(x), 2))
        beats, changed = self._kernel(x, self._rings, self._state, self._worth, self._settings, found, changes)
        return (
            [Beat(int(row[0]), int(row[1]), bool(row[2] == 1.0)) for row in found[:beats]],
            [Change(int(row[0]), LABELS[int(row[1])]) for row in changes[:changed]],
        )

    def flush(self) -> list[Beat]:
        """The beats that are still held back at the end of the stream. It goes on beyond the end: put the state back to go on after."""
        end = self.seen
        self._state["begun"] -= self._settings["learn"]  # a stream may end before there was much to learn
        held = np.full(round(SETTLE_S * self._rate), self._rings[3, (end - 1) % self._rings.shape[1]])
        return [beat for beat in self.detect(held)[0] if beat.peak < end]

    @property
    def seen(self) -> int:
        """Samples so far."""
        return int(self._state["n"][0])

    @property
    def label(self) -> str:
        """What the signal is worth at present."""
        return LABELS[int(self._state["label"][0])]

    def around(self, peak: int, before: int, after: int) -> NDArray[np.float32]:
        """The samples (mV) from `before` ahead of an R peak to `after` behind it, ``[before + after + 1]``.

        Where the signal begins later, its first sample is repeated.
        """
        size = self._rings.shape[1]
        at = np.clip(np.arange(peak - before, peak + after + 1), max(0, self.seen - size), self.seen - 1)
        window: NDArray[np.float32] = self._rings[3, at % size].astype(np.float32)
        return window

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Everything that is carried, as arrays of float64."""
        return {"detector": self._state.view(np.float64).copy(), "worth": self._worth.view(np.float64).copy(), "rings": self._rings.copy()}

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            An array is missing or of another shape: the state is of another rate.
        """
        targets = {"detector": self._state.view(np.float64), "worth": self._worth.view(np.float64), "rings": self._rings}
        for name, target in targets.items():
            if name not in state or state[name].shape != target.shape:
                raise InputError(f"state of the beat detector: {name} should have shape {target.shape}")
        for name, target in targets.items():
            target[...] = state[name]
