"""What every sample-by-sample canceller of this plug-in shares: two channels in, one out, an `echo` event once a second."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rtkit import Block, SampleProcessor, SampleSpec, SpecError, restore
from rtkit_echo.outcome import Outcome

#: What a canceller says of itself, in the order of the kernel's tally.
STATES = ("silent", "converging", "tracking", "double talk")
SILENT, CONVERGING, TRACKING, DOUBLE_TALK = range(4)


class Canceller(SampleProcessor):
    """Near end (microphone) and far end (loudspeaker) in, near end without the echo out.

    A subclass allocates its state in `allocate`, names its kernel there, and says in `arguments` what the kernel is called with.

    Events of kind ``echo``, one for each second of signal: the label is the state that prevailed (one of `STATES`),
    ``erle_db`` the echo return loss enhancement over that second, 10 log10(near-end power in / power out), after ITU-T
    G.168; 0 where there was no signal.
    """

    #: Whether the kernel has a double-talk detector.
    detects_double_talk: ClassVar[bool] = True
    #: The sample loop: near end, far end, output to fill ``[n]``, energies and tally to add to, and then what `arguments` gives.
    kernel: Callable[..., None]

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
        self._left = self._second = max(1, round(spec.rate))
        self._outcome = Outcome(spec.rate)
        self.allocate(spec.rate)
        nothing = np.zeros(0, np.float32)
        self.kernel(
            nothing, nothing, nothing, self._energy, self._tally, *self.arguments()
        )  # a live stream cannot wait for the kernel to load
        return SampleSpec(spec.rate, ("cleaned",))

    def allocate(self, rate: float) -> None:
        """Allocate the state of the filter for this rate (Hz), and set `kernel`."""
        raise NotImplementedError

    def arguments(self) -> tuple[Any, ...]:
        """State and parameters, as the kernel takes them. Asked once a block, so that no parameter changes inside one."""
        raise NotImplementedError

    def process(self, block: Block) -> Block:
        """Clean one block ``[n, 2]``; gives ``[n, 1]``."""
        near, far = np.ascontiguousarray(block.data.T, np.float32)
        out = np.empty(len(near), np.float32)
        arguments = self.arguments()
        if self._outcome.records:
            self._outcome.record(near, far)
        done = 0
        while done < len(near):
            part = slice(done, done + min(self._left, len(near) - done))
            self.kernel(near[part], far[part], out[part], self._energy, self._tally, *arguments)
            self._left -= part.stop - done
            done = part.stop
            if self._left == 0:
                self._report((block.start + done) / block.rate)
        return block.with_data(out[:, None], ("cleaned",))

    def _report(self, time: float) -> None:
        before, after = self._energy
        measurable = 0 < before < math.inf and 0 < after < math.inf  # samples beyond all measure overflow the sums
        erle = 10 * math.log10(before / after) if measurable else 0.0
        state = STATES[int(np.argmax(self._tally))]
        self.emit(time, "echo", state, erle_db=round(erle, 2))
        seconds = self._tally / self.spec.rate
        double_talk = float(seconds[DOUBLE_TALK]) if self.detects_double_talk else None
        self._outcome.count(state, self._energy, float(seconds.sum() - seconds[SILENT]), float(seconds[TRACKING]), double_talk)
        self._energy[:] = 0
        self._tally[:] = 0
        self._left = self._second

    def summary(self) -> dict[str, Any]:
        """The outcome of the run; see `rtkit_echo.outcome.Outcome.summary`."""
        return self._outcome.summary()

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
        left = np.array(self._left)
        restore(type(self).__name__, {"energy": self._energy, "tally": self._tally, "left": left} | self.arrays(), state)
        self._left = int(left)
