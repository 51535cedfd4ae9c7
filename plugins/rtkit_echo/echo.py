"""`echo`: an acoustic echo canceller for rooms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from rtkit import Block, Range, SampleProcessor, SampleSpec, SpecError, restore

#: ERLE (dB) of a second from which the filter counts as converged.
CONVERGED = 10.0
#: Samples beyond full scale by so much are no more sound than NaN is.
LOUDEST = 1e6
# places in the tally: samples in the block that is not full; blocks this second, those with a far end, those in which the challenger
# took over; whether a delay was found
FILLED, BLOCKS, SPOKE, CHANGES, SETTLED = range(5)
TALLIES = 5
#: The rate (Hz) of the speech that the network learned from.
LEARNED = 16_000
#: Looks that must agree on a bulk delay: the first time, and when another one had been found.
FIRST_LOOKS, LATER_LOOKS = 2, 4


@dataclass(eq=False)
class Echo(SampleProcessor):
    """Acoustic echo canceller: near end and far end in, near end without the echo out.

    A partitioned-block frequency-domain Kalman filter takes away what is linear, with a challenger beside it that takes over when the
    echo path has changed; the bulk delay of devices and air is found by itself, the drift of two clocks is followed by a phase-locked
    loop on the echo, and a suppressor takes down what is left. While the far end is silent, the near end passes as it is.

    Events of kind ``echo``, one a second: the label is ``silent`` (no far end), ``converging``, ``tracking``, or ``path changed``;
    ``erle_db`` is 10 log10(near-end power in / power out) of that second, ``delay_ms`` the bulk delay, and ``drift_ppm`` how much faster
    the near end's clock runs than the far end's.

    Parameters
    ----------
    tail_ms : float
        Longest echo behind the bulk delay (ms).
    suppressor : str
        rule; neural: a small recurrent network refines the rule's gains, at 16 kHz only; auto: neural at 16 kHz, rule at other rates;
        none: the linear output alone, late by one block of 8 ms at most instead of two.
    delay : bool
        Whether to look for a bulk delay, up to 1 s.
    drift : bool
        Whether to follow the drift of clocks, up to 500 ppm.

    Raises
    ------
    SpecError
        By `open`: not a near end and one or two channels of far end, or a rate below 4 or above 96 kHz, or not 16 kHz with the network.
    InputError
        By `load_state`, if the state is of another rate or length.
    """

    tail_ms: Annotated[float, Range(8, 1000)] = 500.0
    suppressor: Literal["auto", "rule", "neural"] | None = "auto"
    delay: bool = True
    drift: bool = True

    def open(self, spec: SampleSpec) -> SampleSpec:
        """Accept near end and far end."""
        super().open(spec)
        if len(spec.channels) not in (2, 3):
            raise SpecError(f"needs a near end and a far end of 1 or 2 channels, got {spec}")
        if not 4000 <= spec.rate <= 96_000:
            raise SpecError(f"needs a rate from 4 to 96 kHz, got {spec.rate:g} Hz", 16_000)
        if self.suppressor == "neural" and spec.rate != LEARNED:
            raise SpecError(f"suppressor=neural needs a rate of {LEARNED / 1000:g} kHz, got {spec.rate:g} Hz", LEARNED)
        self._warm_up()
        self._allocate()
        return SampleSpec(spec.rate, ("cleaned",))

    def _warm_up(self) -> None:
        """Compile or load all kernels: a live stream cannot wait for them."""
        self._allocate()
        self._cancel(np.zeros((1, self._size, len(self.spec.channels)), np.float32), 0)
        self._linear.expect(math.inf)

    def _allocate(self) -> None:
        from rtkit_echo.delay import DelayFinder
        from rtkit_echo.linear import Linear
        from rtkit_echo.refiner import Refiner
        from rtkit_echo.suppressor import Suppressor

        rate, channels = self.spec.rate, len(self.spec.channels)
        self._linear = Linear(rate, self.tail_ms / 1000, channels - 1, self.drift)
        self._size = size = self._linear.size
        neural = self.suppressor == "neural" or (self.suppressor == "auto" and rate == LEARNED)
        refiner = Refiner(size + 1) if neural else None
        self._suppressor = Suppressor(rate, size, refiner) if self.suppressor else None
        self._finder = DelayFinder(rate, size) if self.delay else None
        self.latency = 2 * size if self._suppressor else size
        self._second = max(1, round(rate / size))  # blocks
        self._waiting = np.zeros((size, channels), np.float32)  # the beginning of a block, and the end of the last one that came out
        self._ready = np.zeros(size, np.float32)
        self._energy = np.zeros(2)  # of near end and output, this second
        self._tally = np.zeros(TALLIES, np.int64)
        self.events.clear()

    def process(self, block: Block) -> Block:
        """Clean one block ``[n, 2]`` or ``[n, 3]``; gives ``[n, 1]``."""
        filled, size = int(self._tally[FILLED]), self._size
        data = np.where(np.abs(block.data) < LOUDEST, block.data, 0).astype(np.float32)  # NaN is not below anything
        joined = np.concatenate([self._waiting[:filled], data])
        blocks = len(joined) // size
        whole = joined[: blocks * size].reshape(blocks, size, joined.shape[1])
        made = self._cancel(whole, block.start - filled) if blocks else np.zeros(0, np.float32)
        queue = np.concatenate([self._ready[filled:], made])
        rest = len(joined) - blocks * size
        self._waiting[:rest] = joined[blocks * size :]
        self._ready[rest:] = queue[len(data) :]
        self._tally[FILLED] = rest
        return block.with_data(queue[: len(data), None], ("cleaned",))

    def close(self) -> Block | None:
        """The samples that were still inside."""
        before = list(self.events)
        end = Block(np.zeros((self.latency, len(self.spec.channels)), np.float32), 0, self.spec.rate, self.spec.channels)
        tail = self.process(end)
        self.events[:] = before
        return tail

    def _cancel(self, samples: NDArray[np.float32], start: int) -> NDArray[np.float32]:
        """Clean whole blocks ``[blocks, b, channels]``, the first of which begins at sample `start`; gives ``[blocks * b]``."""
        out, done = [], 0
        while done < len(samples):
            part = samples[done : done + min(len(samples) - done, self._left())]
            made = self._linear(np.ascontiguousarray(part[:, :, 0]), np.ascontiguousarray(part[:, :, 1:]))
            clean = self._suppressor(made) if self._suppressor else made.error
            out.append(clean.ravel())
            done += len(part)
            self._count(part[:, :, 0], clean, made.notes)
            self._find_delay(part)
            if self._tally[BLOCKS] == self._second:
                self._report((start + done * self._size) / self.spec.rate)
        return np.concatenate(out)

    def _left(self) -> int:
        """Blocks until the next report or look at the delay."""
        until = self._second - int(self._tally[BLOCKS])
        return min(until, self._finder.left) if self._finder else until

    def _count(self, near: NDArray[np.float32], clean: NDArray[np.float32], notes: NDArray[np.int64]) -> None:
        self._energy += np.sum(near.astype(np.float64) ** 2), np.sum(clean.astype(np.float64) ** 2)
        self._tally[BLOCKS] += len(notes)
        self._tally[SPOKE] += int(np.count_nonzero(notes))
        self._tally[CHANGES] += int(np.count_nonzero(notes == 2))

    def _find_delay(self, part: NDArray[np.float32]) -> None:
        if self._finder is None:
            return
        found = self._finder(part[:, :, 0].ravel(), part[:, :, 1:].mean(axis=2).ravel())
        if found is None:
            return
        delay, looks = found
        if looks >= (LATER_LOOKS if self._tally[SETTLED] else FIRST_LOOKS):
            self._linear.expect(delay)
            self._tally[SETTLED] = 1

    def _report(self, time: float) -> None:
        before, after = self._energy
        erle = 10 * math.log10(before / after) if min(before, after) > 0 else 0.0
        if self._tally[SPOKE] < self._second / 10:
            label = "silent"
        elif self._tally[CHANGES]:
            label = "path changed"
        else:
            label = "tracking" if erle > CONVERGED else "converging"
        delay, drift = 1000 * self._linear.delay, 1e6 * self._linear.drift
        self.emit(time, "echo", label, erle_db=round(erle, 2), delay_ms=round(delay, 2), drift_ppm=round(drift, 1))
        self._energy[:] = 0
        self._tally[[BLOCKS, SPOKE, CHANGES]] = 0

    def _arrays(self) -> dict[str, NDArray[Any]]:
        found: dict[str, NDArray[Any]] = {"waiting": self._waiting, "ready": self._ready, "energy": self._energy, "tally": self._tally}
        for name, part in (("linear", self._linear), ("suppressor", self._suppressor), ("delay", self._finder)):
            found |= {f"{name}.{key}": array for key, array in (part.arrays().items() if part else ())}
        return found

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of everything learned or remembered."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            An array is missing or of another shape: the state is of another processor, rate or length.
        """
        restore(type(self).__name__, self._arrays(), state)
