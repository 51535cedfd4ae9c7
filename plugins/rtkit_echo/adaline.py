"""`adaline`: one linear neuron on a tapped delay line, with LMS and NLMS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rtkit import Range
from rtkit_echo.canceller import Canceller

if TYPE_CHECKING:
    from rtkit.models import TapNetwork

#: Samples that the delay line holds beyond the filter before they are moved to its front; a move costs as much as one sample.
LINE_SPARE_SAMPLES = 4096
#: Length (s) of the windows over which the guard compares powers: about a pitch period or two of speech.
GUARD_WINDOW_S = 0.016


@dataclass(eq=False)
class Adaline(Canceller):
    """ADALINE: one linear neuron on the far end's tapped delay line imitates the echo path; what it cannot explain goes out.

    With P the last samples of the far end, a = Q P is the estimate of the echo and e = h - a the output, without delay. The
    neuron learns by LMS, Q ← Q + α e Pᵀ, or by NLMS, with α divided by |P|² and a regularisation that follows the far
    end's own level, so that the gain of the signals does not matter. Plain LMS never takes a step above 1 / |P|², where it
    would become unstable.

    The guard against double talk makes the step variable, after Valin: the error is made of echo that leaks through and of the
    near end, and only the first is worth learning from. How much leaks is found by regression of the error's power on that
    of the estimate; the step is scaled by (leak · power of the estimate) / (power of the error). A talker at the near end
    thus slows learning down at once and without a decision that may be wrong; a changed echo path makes leak and step grow.

    A filter that makes the output twice as powerful as the near end has diverged and is reset.

    Nothing is learned while the far end is silent (below -100 dBFS, or 50 dB below its own level), from clicks, or from a
    sample that is not finite or beyond 10⁶; such a sample counts as 0.

    Parameters
    ----------
    tail_ms : float
        Length of the delay line (ms, 0.1 to 4000): the longest echo that it can imitate.
    taps : int
        The same in samples (1 to 200,000); goes before `tail_ms`.
    step_size : float
        Step size α (0 to 1.9): relative to 1 / |P|² if `normalised`, without a unit; otherwise per squared unit of the far end.
        0 stops learning.
    normalised : bool
        NLMS; otherwise LMS.
    bias : bool
        A constant input beside the taps, for signals with an offset.
    leakage : float
        Share of the weights (0 to 0.1) that is lost with each correction.
    guard : bool
        Double-talk detector: a variable step that becomes small while the near end talks.

    Raises
    ------
    SpecError
        By `open`, if there are not 2 channels, near end and far end.
    InputError
        By `load_state`, if the state is of another length.

    References
    ----------
    B. Widrow, M. E. Hoff, "Adaptive switching circuits", IRE WESCON (1960). S. Haykin, "Adaptive filter theory", chapters on
    LMS and NLMS. J.-M. Valin, "On adjusting the learning rate in frequency domain echo cancellation with double-talk",
    IEEE Transactions on Audio, Speech, and Language Processing 15 (2007).
    """

    tail_ms: Annotated[float, Range(0.1, 4000)] = 128.0
    taps: Annotated[int, Range(1, 200_000)] | None = None
    step_size: Annotated[float, Range(0, 1.9)] = 0.5
    normalised: bool = True
    bias: bool = False
    leakage: Annotated[float, Range(0, 0.1)] = 0.0
    guard: bool = True

    live: ClassVar[tuple[str, ...]] = ("step_size", "leakage", "guard")
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"normalised": False},
        {"bias": True, "taps": 16},
        {"guard": False, "leakage": 1e-4},
        {"taps": 1},
        {"tail_ms": 300.0},
    )

    def allocate(self, rate: float) -> None:
        """Allocate filter and delay line for this rate (Hz)."""
        from rtkit_echo import adaline_kernel as kernel

        self.kernel = kernel.cancel
        taps = self.taps or max(1, round(rate * self.tail_ms / 1000))
        self._weights = np.zeros(taps, np.float32)
        self._line = np.zeros(taps + LINE_SPARE_SAMPLES, np.float32)
        self._levels = np.zeros(kernel.LEVELS)
        self._levels[kernel.LEAK] = 1.0
        self._counts = np.zeros(kernel.COUNTS, np.int64)
        self._window = max(1, round(rate * GUARD_WINDOW_S))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The weights (that of the oldest sample first), the delay line, and what the guard remembers."""
        return {"weights": self._weights, "line": self._line, "levels": self._levels, "counts": self._counts}

    @property
    def response(self) -> NDArray[np.float32]:
        """The impulse response of the echo path as learned, ``[taps]``, that of the newest sample first."""
        from rtkit_echo.adaline_kernel import PLACE, STEP

        taps = self._line[self._counts[PLACE] :][: len(self._weights)]
        step = np.float32(self._levels[STEP])  # of the last sample; the kernel applies it with the next one
        return (self._kept() * self._weights + step * taps)[::-1]

    def _kept(self) -> np.float32:
        """What the correction that is due leaves of the weights."""
        from rtkit_echo.adaline_kernel import STEP

        return np.float32(1 - self.leakage if self._levels[STEP] != 0 else 1)

    def network(self) -> TapNetwork:
        """The filter as it is now, as a network that can be written as a model: near and far end in, near end without the echo out."""
        from rtkit.models import Layer, TapNetwork
        from rtkit_echo.adaline_kernel import BIAS_INPUT, BIAS_WEIGHT, STEP

        weights = np.zeros((1, len(self._weights), 2))
        weights[0, :, 1] = self.response
        bias = np.array([BIAS_INPUT * (self._kept() * self._levels[BIAS_WEIGHT] + self._levels[STEP] * BIAS_INPUT)]) * self.bias
        does = f"Takes away the echo of one echo path, as adaline learned it: {len(self._weights)} taps, no longer adapting."
        return TapNetwork("adaline", does, ("near end", "far end"), (Layer(weights, bias),), error_of=0, rate=self.spec.rate)

    def arguments(self) -> tuple[Any, ...]:
        """State and parameters, as the kernel takes them."""
        state = self._weights, self._line, self._levels, self._counts
        return *state, self._window, self.step_size, self.leakage, self.bias, self.normalised, self.guard
