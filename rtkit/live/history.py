"""The newest samples of a stream, for those who look at them now and then."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from rtkit.core.items import Samples, SampleSpec

#: What is kept: seconds, and at least so many samples.
KEPT_S, MIN_SAMPLES = 1.0, 4096


class SampleHistory:
    """Holds the last second of a signal. Writing never waits for those who read; they are told what they missed.

    Parameters
    ----------
    spec : SampleSpec
        Format of the signal.
    """

    def __init__(self, spec: SampleSpec) -> None:
        self.spec = spec
        self.end = 0  # index after the newest sample, counted from the first one written
        self._data = np.zeros((max(round(KEPT_S * spec.rate), MIN_SAMPLES), len(spec.channels)), np.float32)
        self._lock = threading.Lock()  # held for a copy, which takes microseconds

    def write(self, data: Samples) -> None:
        """Append samples ``[n, channels]``."""
        size = len(self._data)
        kept = data[-size:]
        first = (self.end + len(data) - len(kept)) % size
        head = min(len(kept), size - first)
        with self._lock:
            self._data[first : first + head] = kept[:head]
            self._data[: len(kept) - head] = kept[head:]
            self.end += len(data)

    def read(self, since: int, most: int) -> tuple[int, NDArray[np.float32]]:
        """The samples from index `since` on, or the newest `most` of them; their first index, and a copy."""
        size = len(self._data)
        with self._lock:
            start = max(since, self.end - min(size, most))
            places = np.arange(start, self.end) % size
            return start, self._data[places]

    def __len__(self) -> int:
        """Samples that are kept at most."""
        return len(self._data)
