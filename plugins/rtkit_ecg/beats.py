"""What the network is told of a beat: its wave beside the patient's own, and its place in the rhythm; from the past alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import InputError

#: Signal (s) before and behind the R peak that is looked at.
BEFORE_S, AFTER_S = 0.45, 0.40
#: Numbers that describe a beat; see `rtkit_ecg.beats_kernel`.
FEATURES = 204
#: Larger samples (mV) are no ECG, and are cut off here.
MAX_MV = 1e4
#: RR intervals (s) outside of these are not believed.
MIN_RR_S, MAX_RR_S = 0.15, 4.0


class BeatContext:
    """Knows the beats of one patient so far, and describes the next one against them.

    Neither gain nor polarity of the lead matters: waves are told in heights of the patient's usual beat, and with its main wave upwards.

    Parameters
    ----------
    rate : float
        Samples a second (Hz) of the windows that come.
    """

    def __init__(self, rate: float) -> None:
        from rtkit_ecg import beats_kernel as kernel  # compiles, so only for those who classify

        self._describe = kernel.describe
        at = np.arange(-round(BEFORE_S * rate), round(AFTER_S * rate) + 1) / rate
        times = np.arange(-kernel.BEHIND - kernel.SHIFT, kernel.AHEAD + kernel.SHIFT + 1) / kernel.GRID_HZ
        # a smoothing as wide as the coarser of the two rates needs: linear between samples, or a mean over them
        reach = max(1 / kernel.GRID_HZ, 1 / rate)
        weights = np.maximum(1 - np.abs(times[:, None] - at[None]) / reach, 0.0)
        weights[np.arange(len(times)), np.argmin(np.abs(times[:, None] - at[None]), axis=1)] += 1e-9
        self._resampler = weights / weights.sum(axis=1, keepdims=True)
        self._state = np.zeros(1, kernel.STATE)
        self._state["like"] = 1.0

    def describe(self, window: NDArray[np.floating[Any]], rr_s: float, noisy: bool = False) -> NDArray[np.float32]:
        """Describe a beat, and remember it.

        Parameters
        ----------
        window : ndarray
            ``[n]``, raw signal (mV) of one lead, from `BEFORE_S` ahead of the R peak to `AFTER_S` behind it.
        rr_s : float
            Seconds since the beat before; NaN if that is not known.
        noisy : bool
            The signal is bad: describe, but do not learn from it.

        Returns
        -------
        ndarray
            ``[FEATURES]`` float32, finite and bounded.
        """
        line = self._resampler @ np.clip(np.nan_to_num(window.astype(np.float64)), -MAX_MV, MAX_MV)
        out = np.zeros(FEATURES, np.float32)
        self._describe(line, rr_s if MIN_RR_S < rr_s < MAX_RR_S else math.nan, not noisy, self._state, out)
        return out

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that is remembered, as arrays of float64."""
        return {"beats": self._state.view(np.float64).copy()}

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            It is missing or of another shape.
        """
        target = self._state.view(np.float64)
        if "beats" not in state or state["beats"].shape != target.shape:
            raise InputError(f"state of the beats: beats should have shape {target.shape}")
        target[...] = state["beats"]
