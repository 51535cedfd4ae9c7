"""`slpr`: a single-layer perceptron whose bits are the echo estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rtkit import Range
from rtkit_echo.canceller import Canceller


@dataclass(eq=False)
class Slpr(Canceller):
    """Single-layer perceptron: each of `bits` hard-limited neurons gives one bit of the echo estimate.

    The neurons look at a tapped delay line of the far end and a bias, together P. The near end h is converted to a word
    of `bits` bits with the resolution q; the neurons' word, converted back, is the estimate a, and e = h - a goes out.
    Every neuron learns by the perceptron rule, Q ← Q + η (t - a) Pᵀ, with t its bit of h and a its own bit, 0 or 1.

    The neurons work as a converter by successive approximation does. The bits of a sum of P cannot be told apart by
    independent neurons, since all but the first come and go periodically as the sum grows. So neuron i, counted from the
    most significant, also sees the bits before it, through fixed weights that are what these bits stand for: its bit is
    ``Q_i P ≥ V_i``, with V_i the middle of the range that they leave open. One hyperplane then decides each bit. While
    it learns, a neuron sees the first bits of h instead, so that it is not taught the mistakes of others.

    The step η is ``step_size * D / |P|²``: with D the mean error of the word over the last `tail_ms`, in units of q, a
    wrong bit turns its neuron by the error that is usual at that time. The steps become finer as the words agree, and
    coarser when the echo path changes.

    Resolution: ``q = h_max / (2**bits - 1)`` for positive signals. For signed ones the words are two's complement, from
    -h_max to h_max - q, with ``q = h_max / 2**(bits - 1)``, and 0 is exactly 0. The residual echo is no less than the
    rounding error, q / sqrt(12) rms. What exceeds the range passes uncancelled.

    It loses against ADALINE in three ways. It stops at the resolution, 6 dB a bit. It converges more slowly and to a
    higher residue, since a bit tells on which side of a boundary the echo lies and not how far from it: on the hybrids
    of ITU-T G.168 with 12 bits 19 to 29 dB against 23 to 34 dB. And it costs `bits` times the arithmetic. Its one virtue
    is that no single sample can pull a neuron by more than a step, however loud it is.

    It learns only while the far end sounds (over -60 dBFS in the delay line), and passes the near end unchanged while
    the delay line holds nothing but zeros. It has no double-talk detector, so speech of the near end disturbs what it
    learned; `echo` can.

    Parameters
    ----------
    bits : int
        Number of neurons, N (1 to 16 bits).
    tail_ms : float
        Length of the delay line (ms, 0.1 to 1000): the longest echo that it can imitate.
    taps : int
        The same in samples (1 to 200,000); goes before `tail_ms`.
    h_max : float
        Full scale of the near end, in its own unit (10⁻⁶ to 10⁶); the reference is clipped there.
    signed : bool
        Signals of both signs in two's complement; false is the form of the papers: positive signals, straight binary.
    step_size : float
        Step (0 to 2), as a multiple of the mean error of the word; 0 stops learning.

    Raises
    ------
    SpecError
        By `open`, if there are not 2 channels, near end and far end.
    InputError
        By `load_state`, if the state is of another number of neurons or taps.

    References
    ----------
    F. Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the brain",
    Psychological Review 65 (1958). B. Widrow, M. A. Lehr, "30 years of adaptive neural networks: perceptron, madaline,
    and backpropagation", Proceedings of the IEEE 78 (1990).
    """

    bits: Annotated[int, Range(1, 16)] = 12
    tail_ms: Annotated[float, Range(0.1, 1000)] = 32.0
    taps: Annotated[int, Range(1, 200_000)] | None = None
    h_max: Annotated[float, Range(1e-6, 1e6)] = 1.0
    signed: bool = True
    step_size: Annotated[float, Range(0, 2)] = 1.0

    live: ClassVar[tuple[str, ...]] = ("step_size",)
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"signed": False}, {"bits": 4, "taps": 16, "h_max": 0.1})
    detects_double_talk: ClassVar[bool] = False

    @property
    def resolution(self) -> float:
        """Value of the least significant bit, in the unit of the near end."""
        return float(self.h_max / (2 ** (self.bits - 1) if self.signed else 2**self.bits - 1))

    def allocate(self, rate: float) -> None:
        """Allocate the network and its delay line for this rate (Hz)."""
        from rtkit_echo import slpr_kernel

        self.kernel = slpr_kernel.cancel
        taps = self.taps or max(1, round(rate * self.tail_ms / 1000))
        self._weights = np.zeros((self.bits, taps), np.float32)
        self._bias = np.zeros(self.bits, np.float32)
        self._taps = np.zeros(2 * taps, np.float32)
        self._place = np.zeros(1, np.int64)
        self._running = np.zeros(2)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The weights of the neurons, the delay line, and the running means that set the step."""
        return {
            "weights": self._weights,
            "bias": self._bias,
            "taps": self._taps,
            "place": self._place,
            "running": self._running,
        }

    def arguments(self) -> tuple[Any, ...]:
        """State and parameters, as the kernel takes them."""
        lowest = -(1 << self.bits - 1) if self.signed else 0
        return self._weights, self._bias, self._taps, self._place, self._running, lowest, self.resolution, self.step_size
