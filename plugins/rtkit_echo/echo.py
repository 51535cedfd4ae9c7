"""`echo`: an acoustic echo canceller for rooms."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rtkit import Block, Range, SampleProcessor, SampleSpec, SpecError, restore
from rtkit_echo.outcome import MAX_AMPLITUDE, Outcome

#: ERLE (dB) of a second from which the filter counts as converged.
CONVERGED_ERLE_DB = 10.0
# places in the tally: samples in the block that is not full; blocks this second, those with an active far end, those in which the shadow
# filter took over; whether a delay was found
FILLED, BLOCKS, FAR_ACTIVE, TAKEOVERS, DELAY_FOUND = range(5)
TALLIES = 5
#: Threshold of the suppressor's probability of double talk from which a block counts as that.
DOUBLE_TALK_LIKELY = 0.5
#: The rate (Hz) of the speech that the network learned from.
NETWORK_RATE_HZ = 16_000
#: Looks that must agree on a bulk delay: the first time, and when another one had been found.
FIRST_LOOKS, LATER_LOOKS = 2, 4


@dataclass(eq=False)
class Echo(SampleProcessor):
    """Acoustic echo canceller: near end and far end in, near end without the echo out.

    A partitioned-block frequency-domain Kalman filter takes away what is linear, with a shadow filter beside it that takes over when
    the echo path has changed; the bulk delay of devices and air is found by itself, the drift of two clocks is followed by a phase-locked
    loop on the echo, and a residual echo suppressor takes down what is left. While the far end is silent, the near end passes as it is.

    Events of kind ``echo``, one a second: the label is ``silent`` (no far end), ``converging``, ``tracking``, or ``path changed``;
    ``erle_db`` is 10 log10(near-end power in / power out) of that second, ``delay_ms`` the bulk delay, and ``drift_ppm`` how much faster
    the near end's clock runs than the far end's.

    Parameters
    ----------
    tail_ms : float
        Longest echo behind the bulk delay (ms, 8 to 1000).
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

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"suppressor": None},
        {"suppressor": "rule", "tail_ms": 64.0},
        {"suppressor": "neural", "tail_ms": 64.0},
        {"tail_ms": 64.0, "delay": False, "drift": False},
    )

    tail_ms: Annotated[float, Range(8, 1000)] = 500.0
    suppressor: Literal["auto", "rule", "neural"] | None = "auto"
    delay: bool = True
    drift: bool = True

    def open(self, spec: SampleSpec) -> SampleSpec:
        """Accept near end and far end."""
        super().open(spec)
        self._next: int | None = None  # index in the stream of the sample behind the last one that came in
        if len(spec.channels) not in (2, 3):
            raise SpecError(f"needs a near end and a far end of 1 or 2 channels, got {spec}")
        if not 4000 <= spec.rate <= 96_000:
            raise SpecError(f"needs a rate from 4 to 96 kHz, got {spec.rate:g} Hz", 16_000)
        if self.suppressor == "neural" and spec.rate != NETWORK_RATE_HZ:
            raise SpecError(f"suppressor=neural needs a rate of {NETWORK_RATE_HZ / 1000:g} kHz, got {spec.rate:g} Hz", NETWORK_RATE_HZ)
        self._warm_up()
        self._allocate()
        return SampleSpec(spec.rate, ("cleaned",))

    def _warm_up(self) -> None:
        """Compile or load all kernels: a live stream cannot wait for them."""
        self._allocate()
        self._cancel(np.zeros((1, self._size, len(self.spec.channels)), np.float32), 0)
        self._linear.expect_delay(math.inf)

    def _allocate(self) -> None:
        from rtkit_echo.delay import DelayFinder
        from rtkit_echo.linear import LinearStage
        from rtkit_echo.refiner import Refiner
        from rtkit_echo.suppressor import Suppressor

        rate, channels = self.spec.rate, len(self.spec.channels)
        self._linear = LinearStage(rate, self.tail_ms / 1000, channels - 1, self.drift)
        self._size = size = self._linear.size
        neural = self.suppressor == "neural" or (self.suppressor == "auto" and rate == NETWORK_RATE_HZ)
        refiner = Refiner(size + 1) if neural else None
        self._suppressor = Suppressor(rate, size, refiner) if self.suppressor else None
        self._finder = DelayFinder(rate, size) if self.delay else None
        self.latency = 2 * size if self._suppressor else size
        self._second = max(1, round(rate / size))  # blocks
        self._waiting = np.zeros((size, channels), np.float32)  # the beginning of a block, and the end of the last one that came out
        self._ready = np.zeros(size, np.float32)
        self._energy = np.zeros(2)  # of near end and output, this second
        self._tally = np.zeros(TALLIES, np.int64)
        self._double_talk = 0  # blocks this second
        self._outcome = Outcome(rate)
        self.events.clear()

    def process(self, block: Block) -> Block:
        """Clean one block ``[n, 2]`` or ``[n, 3]``; gives ``[n, 1]``."""
        filled, size = int(self._tally[FILLED]), self._size
        self._next = block.start + len(block.data)
        data = np.where(np.abs(block.data) < MAX_AMPLITUDE, block.data, 0).astype(np.float32)  # NaN is not below anything
        if self._outcome.records:
            self._outcome.record(data[:, 0], data[:, 1] if data.shape[1] == 2 else data[:, 1:].mean(axis=1))
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
        """The `latency` samples that were still inside, behind the last ones that came out; None if none ever came in."""
        if self._next is None:
            return None
        events, outcome = list(self.events), copy.copy(self._outcome)
        silence = np.zeros((self.latency, len(self.spec.channels)), np.float32)
        tail = self.process(Block(silence, self._next, self.spec.rate, self.spec.channels))
        self.events[:], self._outcome = events, outcome  # silence that nobody sent is no event
        return tail

    def _cancel(self, samples: NDArray[np.float32], start: int) -> NDArray[np.float32]:
        """Clean whole blocks ``[blocks, b, channels]``, the first of which begins at sample `start`; gives ``[blocks * b]``."""
        out, done = [], 0
        while done < len(samples):
            part = samples[done : done + min(len(samples) - done, self._left())]
            made = self._linear(np.ascontiguousarray(part[:, :, 0]), np.ascontiguousarray(part[:, :, 1:]))
            clean = made.error
            if self._suppressor:
                clean, double_talk = self._suppressor(made)
                self._double_talk += int(np.count_nonzero((double_talk > DOUBLE_TALK_LIKELY) & (made.activity > 0)))
            out.append(clean.ravel())
            done += len(part)
            self._count(part[:, :, 0], clean, made.activity)
            self._find_delay(part)
            if self._tally[BLOCKS] == self._second:
                self._report((start + done * self._size) / self.spec.rate)
        return np.concatenate(out)

    def _left(self) -> int:
        """Blocks until the next report or look at the delay."""
        until = self._second - int(self._tally[BLOCKS])
        return min(until, self._finder.left) if self._finder else until

    def _count(self, near: NDArray[np.float32], clean: NDArray[np.float32], activity: NDArray[np.int64]) -> None:
        self._energy += np.sum(near.astype(np.float64) ** 2), np.sum(clean.astype(np.float64) ** 2)
        self._tally[BLOCKS] += len(activity)
        self._tally[FAR_ACTIVE] += int(np.count_nonzero(activity))
        self._tally[TAKEOVERS] += int(np.count_nonzero(activity == 2))

    def _find_delay(self, part: NDArray[np.float32]) -> None:
        if self._finder is None:
            return
        found = self._finder(part[:, :, 0].ravel(), part[:, :, 1:].mean(axis=2).ravel())
        if found is None:
            return
        delay, looks = found
        if looks >= (LATER_LOOKS if self._tally[DELAY_FOUND] else FIRST_LOOKS):
            self._linear.expect_delay(delay)
            self._tally[DELAY_FOUND] = 1

    def _report(self, time: float) -> None:
        before, after = self._energy
        erle = 10 * math.log10(before / after) if min(before, after) > 0 else 0.0
        if self._tally[FAR_ACTIVE] < self._second / 10:
            label = "silent"
        elif self._tally[TAKEOVERS]:
            label = "path changed"
        else:
            label = "tracking" if erle > CONVERGED_ERLE_DB else "converging"
        delay, drift = 1000 * self._linear.delay, 1e6 * self._linear.drift
        block_s = self._size / self.spec.rate
        active_s = int(self._tally[FAR_ACTIVE]) * block_s
        double_talk_s = self._double_talk * block_s if self._suppressor else None
        converged = label == "tracking" and self._linear.proven  # the suppressor takes down noise, too, which is no echo
        self._outcome.count(label, self._energy, active_s, active_s if converged else 0.0, double_talk_s)
        self.emit(time, "echo", label, erle_db=round(erle, 2), delay_ms=round(delay, 2), drift_ppm=round(drift, 1))
        self._energy[:] = 0
        self._tally[[BLOCKS, FAR_ACTIVE, TAKEOVERS]] = 0
        self._double_talk = 0

    def summary(self) -> dict[str, Any]:
        """The outcome of the run: as of `rtkit_echo.outcome.Outcome.summary`, and ``delay_ms`` and ``drift_ppm`` if they were found."""
        found = self._outcome.summary()
        if self._linear.proven and self._tally[DELAY_FOUND]:
            found["delay_ms"] = round(1000 * self._linear.delay, 2)
        if self._linear.proven and self._linear.drift != 0:  # the loop has run
            found["drift_ppm"] = round(1e6 * self._linear.drift, 1)
        return found

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
        restore(type(self).__name__, self._arrays(), {_current_name(name): array for name, array in state.items()})


def _current_name(name: str) -> str:
    """The name of an array in a state that rtkit 0.1 wrote, as it is today."""
    return name.replace("linear.rival_", "linear.shadow_").replace("_doubt", "_variance")
