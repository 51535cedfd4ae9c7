"""The outcome of a canceller's run, for its `summary`: how deep, how long, and what looks wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: Samples beyond full scale by so much are no more sound than NaN is; squares of what lies beyond would overflow.
MAX_AMPLITUDE = 1e6
#: Length (s) of the recording that is kept to see which channel follows which, and the lowest rate (Hz) at which that can be seen.
RECORDING_S, LOWEST_RATE_HZ = 5.0, 4000.0
#: Mean power of a sample below which a channel counts as silent: -70 dBFS.
SILENCE_POWER = 1e-7
#: Time (s) with an active far end after which a working canceller has taken away this much (dB).
SETTLING_S, LEAST_ERLE_DB = 5.0, 3.0
#: Looks in a row that must agree on a delay before the channels count as swapped.
AGREEING_LOOKS = 4

SWAPPED = (
    "The channels are probably swapped: the second one, taken as far end, follows the first one like an echo. "
    "The near end (microphone) comes first, the far end (loudspeaker) second."
)
FAR_SILENT = "The far end (second channel) was silent all the time, so nothing could be cancelled."
NOT_CANCELLED = (
    "Hardly anything was cancelled: ERLE {:.1f} dB over {:.0f} s with an active far end. Either the near end has no echo of this far end, "
    "or a talker in it is much louder, or the echo is longer or later than the filter, or the channels are swapped."
)


class Outcome:
    """What a run came to, gathered second by second.

    Parameters
    ----------
    rate : float
        Of the signals (Hz).
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._second = max(1, round(rate))
        self._recording = np.zeros((2, round(RECORDING_S * rate) if rate >= LOWEST_RATE_HZ else 0), np.float32)
        self._filled = 0
        self._seconds = 0
        self._state: str | None = None
        self._active_s = self._converged_s = 0.0
        self._double_talk_s: float | None = 0.0
        self._near_energy = 0.0
        self._active_energy = np.zeros(2)  # of the near end and of the output, in seconds with an active far end

    @property
    def records(self) -> bool:
        """Whether `record` still has a use for samples."""
        return self._filled < self._recording.shape[1]

    def record(self, near: Floats, far: Floats) -> None:
        """Take in samples ``[n]`` of both channels: some seconds are kept, from the first second on in which both sound."""
        at = 0
        while at < len(near) and self.records:
            end = self._second if self._filled < self._second else self._recording.shape[1]
            count = min(end - self._filled, len(near) - at)
            self._recording[0, self._filled : self._filled + count] = near[at : at + count]
            self._recording[1, self._filled : self._filled + count] = far[at : at + count]
            at += count
            self._filled += count
            if self._filled == self._second and np.mean(_finite(self._recording[:, : self._second]) ** 2, axis=1).min() < SILENCE_POWER:
                self._filled = 0

    def count(self, state: str, energy: NDArray[np.float64], active_s: float, converged_s: float, double_talk_s: float | None) -> None:
        """Count one second of signal.

        Parameters
        ----------
        state : str
            The label of its event; ``silent`` where the far end was.
        energy : ndarray
            Of near end and output.
        active_s, converged_s, double_talk_s : float
            Time (s) in it with an active far end, and of that, with a converged filter and with double talk; None without a detector.
        """
        self._seconds += 1
        self._state = state
        self._active_s += active_s
        self._converged_s += converged_s
        self._double_talk_s = None if self._double_talk_s is None or double_talk_s is None else self._double_talk_s + double_talk_s
        self._near_energy += float(energy[0])
        if state != "silent":
            self._active_energy += energy

    def summary(self) -> dict[str, Any]:
        """Figures and warnings; what cannot be computed from whole seconds of signal is missing.

        Returns
        -------
        dict
            ``erle_db``: 10 log10(near-end power in / power out) over the seconds with an active far end. ``state``: of the last second.
            ``far_active_s``: time with an active far end; ``converged_share`` and ``double_talk_share``: of that time. ``warnings``:
            sentences, empty if nothing looks wrong.
        """
        found: dict[str, Any] = {}
        erle = self._erle_db()
        if erle is not None:
            found["erle_db"] = round(erle, 2)
        if self._state is not None:
            found |= {"state": self._state, "far_active_s": round(self._active_s, 2)}
        if self._active_s > 0:
            found["converged_share"] = round(self._converged_s / self._active_s, 3)
            if self._double_talk_s is not None:
                found["double_talk_share"] = round(self._double_talk_s / self._active_s, 3)
        return found | {"warnings": self._warnings(erle)}

    def _erle_db(self) -> float | None:
        before, after = self._active_energy
        return 10 * math.log10(before / after) if 0 < before < math.inf and 0 < after < math.inf else None

    def _warnings(self, erle: float | None) -> list[str]:
        if self._seconds and self._active_s == 0 and self._near_energy > SILENCE_POWER * self._seconds * self._rate:
            return [FAR_SILENT]
        if self._swapped():
            return [SWAPPED]
        if erle is not None and erle < LEAST_ERLE_DB and self._active_s > SETTLING_S:
            return [NOT_CANCELLED.format(erle, self._active_s)]
        return []

    def _swapped(self) -> bool:
        near, far = _finite(self._recording[:, : self._filled])
        return self._most_agreeing_looks(far, near) >= AGREEING_LOOKS and self._most_agreeing_looks(near, far) < AGREEING_LOOKS

    def _most_agreeing_looks(self, near: Floats, far: Floats) -> int:
        """How often in a row one delay of the near end behind the far end was found."""
        from rtkit_echo.delay import DelayFinder
        from rtkit_echo.linear import block_size

        if not len(near):
            return 0
        size = block_size(self._rate)
        finder, most, at = DelayFinder(self._rate, size), 0, 0
        while at + finder.left * size <= len(near):
            part = slice(at, at + finder.left * size)
            at = part.stop
            found = finder(near[part], far[part])
            most = max(most, found[1] if found else 0)
        return most


def _finite(signals: Floats) -> Floats:
    """Signals with 0 for samples that are no sound; NaN is not below anything."""
    return np.where(np.abs(signals) < MAX_AMPLITUDE, signals, np.float32(0))
