"""What every sample-by-sample canceller of this plug-in shares: two channels in, one out, an `echo` event once a second."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Block, SampleProcessor, SampleSpec, SpecError, restore

#: What a canceller says of itself, in the order of the kernel's tally.
STATES = ("silent", "converging", "tracking", "double talk")


class Canceller(SampleProcessor):
    """Near end (microphone) and far end (loudspeaker) in, near end without the echo out.

    A subclass allocates its state in `allocate` and runs its kernel in `cancel`.

    Events of kind ``echo``, one for each second of signal: the label is the state that prevailed (one of `STATES`),
    ``erle_db`` the echo return loss enhancement over that second, 10 log10(near-end power in / power out), after ITU-T
    G.168; 0 where there was no signal.
    """

    def open(self, spec: SampleSpec) -> SampleSpec:
        """Accept two channels, near and far, at any rate.

        Raises
        ------
        SpecError
            Any other number of channels.
        """
        super().open(spec)
        if len(spec.channels) != 2:
            raise SpecError(f"needs 2 channels (near end, far end), got {spec}")
        self._energy = np.zeros(2)  # of the near end and of the output, this second
        self._tally = np.zeros(len(STATES), np.int64)  # samples spent in each state, this second
        self._left = self._second = round(spec.rate)
        self.allocate(spec.rate)
        nothing = np.zeros(0, np.float32)
        self.cancel(nothing, nothing, nothing, self._energy, self._tally)  # a live stream cannot wait for the kernel to load
        return SampleSpec(spec.rate, ("cleaned",))

    def allocate(self, rate: float) -> None:
        """Allocate the state of the filter for this rate (Hz)."""
        raise NotImplementedError

    def cancel(
        self,
        near: NDArray[np.float32],
        far: NDArray[np.float32],
        out: NDArray[np.float32],
        energy: NDArray[np.float64],
        tally: NDArray[np.int64],
    ) -> None:
        """Run the filter over some samples ``[n]``: fill `out`, add to `energy` and `tally`, sample by sample."""
        raise NotImplementedError

    def process(self, block: Block) -> Block:
        """Clean one block ``[n, 2]``; gives ``[n, 1]``."""
        near, far = np.ascontiguousarray(block.data.T, np.float32)
        out = np.empty(len(near), np.float32)
        done = 0
        while done < len(near):
            part = slice(done, done + min(self._left, len(near) - done))
            self.cancel(near[part], far[part], out[part], self._energy, self._tally)
            self._left -= part.stop - done
            done = part.stop
            if self._left == 0:
                self._report((block.start + done) / block.rate)
        return block.with_data(out[:, None], ("cleaned",))

    def _report(self, time: float) -> None:
        before, after = self._energy
        measurable = 0 < before < math.inf and 0 < after < math.inf  # samples beyond all measure overflow the sums
        erle = 10 * math.log10(before / after) if measurable else 0.0
        self.emit(time, "echo", STATES[int(np.argmax(self._tally))], erle_db=round(erle, 2))
        self._energy[:] = 0
        self._tally[:] = 0
        self._left = self._second

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of the filter that make up its state, as views."""
        raise NotImplementedError

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of everything learned or remembered."""
        own = {"energy": self._energy, "tally": self._tally, "left": np.array(self._left)}
        return {name: array.copy() for name, array in (own | self.arrays()).items()}

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            An array is missing or of another shape: the state is of another processor, rate or length.
        """
        targets = {"energy": self._energy, "tally": self._tally} | self.arrays()
        restore(type(self).__name__, targets, state)
        self._left = int(state["left"])
