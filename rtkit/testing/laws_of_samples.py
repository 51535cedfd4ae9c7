"""Laws of processors of samples."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.core.items import Block, Event
from rtkit.core.processor import Processor
from rtkit.testing.signals import example_cuts
from rtkit.testing.subject import BLOCK, TOLERANCE, Outcome, SampleSubject, require, require_same, take_events

#: From this correlation on, an output is a delayed input, and its delay can be judged.
CLEAR_CORRELATION = 0.8
#: Samples in a block where some are missing: such that they begin and end inside one.
POISONED_BLOCK = 331
#: Sample at which a stream begins that does not begin at 0: no multiple of any block or period.
LATER = 10_007
#: Rounding (s) of the time of an event.
TIME_TOLERANCE_S = 1e-6


def output_format(subject: SampleSubject) -> None:
    """Output and events have the format that `open` promised.

    Rate, channels and start are right, there are as many samples as in the input, in float32 or float64, whichever of the two comes in;
    an event has a time and can be written as JSON. The output is finite, but for NaN at the beginning, where there is nothing to say yet.
    """
    spec = replace(subject.spec)
    processor = subject.make()
    require(isinstance(processor, Processor), f"{type(processor).__name__} is no Processor")
    processor.open(spec)
    require(spec == subject.spec, f"open changes the format that it is given, to {spec}")
    count = 0
    for given in subject.items():
        start, length = given.start, len(given.data)
        block = processor.process(given)
        _require_format(subject, block, count if subject.resizes else start, None if subject.resizes else length, "a block")
        begun = start > subject.length // 4
        require(not (~np.isfinite(block.data) if begun else np.isinf(block.data)).any(), f"the block at {start} is not finite")
        count += len(block.data)
    _require_events(take_events(processor))
    for dtype in (np.float32, np.float64):
        subject.drive(subject.open(), subject.blocks(subject.samples[:100].astype(dtype)))


def _require_format(subject: SampleSubject, block: Any, start: int, length: int | None, what: str) -> None:
    """Raise AssertionError unless a block begins at `start`, is as long as `length` says, and has the format that `open` promised."""
    promised = subject.promised
    require(isinstance(block, Block), f"{what} comes out as {type(block).__name__}")
    require(block.start == start, f"{what} starts at {block.start} instead of {start}")
    require(block.rate == promised.rate, f"open promised {promised.rate:g} Hz, {what} says {block.rate:g}")
    names = tuple(block.channels)
    require(names == tuple(promised.channels), f"open promised channels {promised.channels}, {what} has {names}")
    wanted = (len(block.data) if length is None else length, len(promised.channels))
    require(block.data.shape == wanted, f"{what} has shape {block.data.shape} instead of {wanted}")
    require(block.data.dtype in (np.float32, np.float64), f"{what} has samples of {block.data.dtype}")


def _require_events(events: list[Event]) -> None:
    for event in events:
        require(np.isfinite(event.time), f"an event has the time {event.time}: {event}")
        try:
            json.dumps(asdict(event), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise AssertionError(f"an event cannot be written as JSON: {event}: {error}") from None


def block_size(subject: SampleSubject) -> None:
    """However a stream is cut into blocks, output, tail and events are the same; where a sample is missing, too."""
    rate = subject.spec.rate
    moments = [round(event.time * rate) for event in subject.whole.events[:2]]
    samples = subject.samples.copy()
    for data in (samples, _spoil(samples, np.nan)):
        expected = subject.run(subject.open(), subject.blocks(data))
        cuttings = list(example_cuts(len(data), moments))
        for words, cuts in cuttings if data is samples else cuttings[-1:]:
            found = subject.run(subject.open(), subject.blocks(data, cuts))
            require_same(found, expected, f"cut {words}, it does not give the same", TOLERANCE)


def causality(subject: SampleSubject) -> None:
    """What comes in after a sample changes nothing of what had come out by then.

    An output that is late by the latency may depend on as much input behind the time that it is about.
    """
    random = np.random.default_rng(6)
    whole = subject.drive(subject.open(), subject.blocks(subject.samples)).output
    for at in random.integers(1, subject.length, 5):
        changed = subject.samples.copy()
        changed[at:] = 0.1 * random.standard_normal(changed[at:].shape)
        out = subject.drive(subject.open(), subject.blocks(changed)).output
        by_then = len(subject.drive(subject.open(), subject.blocks(subject.samples[:at])).output) if subject.resizes else at
        same = (out[:by_then] == whole[:by_then]) | (np.isnan(out[:by_then]) & np.isnan(whole[:by_then]))
        require(same.all(), f"input from sample {at} on changes the output before it")


def tail(subject: SampleSubject) -> None:
    """What `close` returns goes on where the output ended, in its format, and has as many samples as the latency says.

    Also in a stream that does not begin at sample 0, and however it is cut.
    """
    ratio = subject.promised.rate / subject.spec.rate
    for shift, cuts in ((0, []), (LATER, [1, 481, 1000])):
        processor = subject.open()
        count = sum(len(processor.process(item).data) for item in subject.blocks(subject.samples, cuts, shift=shift))
        end = processor.close()
        late = processor.latency
        if end is None:
            require(not late or subject.resizes, f"it is late by {late} samples, and close returns none of them")
            continue
        require(isinstance(end, Block) and (subject.resizes or len(end.data) == late), f"latency is {late}, close returns {_size(end)}")
        _require_format(subject, end, round(shift * ratio) + count, None if subject.resizes else late, "the tail")
        require(np.isfinite(end.data).all(), "the tail is not finite")
        if subject.resizes:
            count += len(end.data)
            require(abs(count - subject.length * ratio) <= 1, f"{count} samples come out instead of {subject.length * ratio:.0f}")


def _size(end: Any) -> str:
    return f"{len(end.data)} samples" if isinstance(end, Block) else type(end).__name__


def latency(subject: SampleSubject) -> None:
    """The latency that is declared is a delay that a correlation finds.

    Noise is given to one channel after another. Outputs that are not clearly delayed inputs are not judged; of those that are, one must
    be as late as declared: others may be later, as a prediction is that is made from the past.
    """
    if subject.resizes:
        return  # its output is aligned with the input, only comes later; the tail tells
    random = np.random.default_rng(8)
    found: dict[int, str] = {}
    declared = 0
    for channel, source in enumerate(subject.spec.channels):
        samples = np.zeros_like(subject.samples)
        samples[:, channel] = 0.05 * random.standard_normal(len(samples))
        processor = subject.open()
        declared = processor.latency
        out = subject.drive(processor, subject.blocks(samples)).output
        for number, name in enumerate(subject.promised.channels):
            delay, correlation = _delay(samples[:, channel], out[:, number])
            if correlation > CLEAR_CORRELATION:
                found.setdefault(delay, f"output {name!r} is {delay} samples behind input {source!r}")
    require(not found or declared in found, f"a latency of {declared} is declared, and {'; '.join(found.values())}")


def _delay(signal: NDArray[Any], out: NDArray[Any]) -> tuple[int, float]:
    """Samples by which `out` is behind `signal`, and their correlation then."""
    out = np.nan_to_num(out.astype(np.float64), posinf=0, neginf=0)
    size = 2 * len(signal)
    cross = np.fft.irfft(np.fft.rfft(out, size) * np.conj(np.fft.rfft(signal, size)), size)
    delay = int(np.argmax(np.abs(cross)))
    rest = signal[: max(0, len(signal) - delay)] if delay < len(signal) else signal[size - delay :]
    part = out[delay:] if delay < len(signal) else out[: len(rest)]
    scale = float(np.sqrt(np.sum(part**2) * np.sum(np.square(rest, dtype=np.float64))))
    return delay if delay < len(signal) else delay - size, float(np.abs(cross[delay])) / scale if scale else 0.0


def stream_time(subject: SampleSubject) -> None:
    """Events carry stream time, also in a stream that does not begin at sample 0: none is before its begin or in the future."""
    rate = subject.spec.rate
    for shift in (0, 2 * subject.length + 7):
        processor = subject.open()
        end = shift
        for item in subject.blocks(subject.samples, range(BLOCK, subject.length, BLOCK), shift=shift):
            end += len(item.data)
            processor.process(item)
            _require_times(take_events(processor), shift / rate, end / rate)
        processor.close()
        _require_times(take_events(processor), shift / rate, (end + processor.latency) / rate)


def _require_times(events: list[Event], begin: float, end: float) -> None:
    for event in events:
        inside = begin - TIME_TOLERANCE_S <= event.time <= end + TIME_TOLERANCE_S
        require(inside, f"at {end:g} s of a stream that begins at {begin:g} s, it tells of {event.time:g} s: {event}")


def no_poison(subject: SampleSubject) -> None:
    """NaN and Inf count as missing or 0, all alike: they never enter the state, nor the output of later samples.

    Output that could not be computed for want of them may be NaN, never Inf.
    """
    outcomes = []
    for value in (np.nan, np.inf, -np.inf):
        samples = _spoil(subject.samples, value)
        processor = subject.open()
        outcome = subject.drive(processor, subject.blocks(samples, range(POISONED_BLOCK, len(samples), POISONED_BLOCK)))
        _require_clean_state(processor, f"{value} in the input")
        end = subject.finish(processor)
        outcome = Outcome(subject.join([outcome.output, end.output]), outcome.events + end.events)
        require(not np.isinf(outcome.output).any(), f"{value} in the input makes the output infinite")
        later = outcome.output[round(0.75 * len(outcome.output)) :]
        require(np.isfinite(later).all(), f"{value} in the input reaches the output of later samples")
        _require_events(outcome.events)
        outcomes.append(outcome)
    for outcome, word in zip(outcomes[1:], ("Inf", "-Inf"), strict=True):
        require_same(outcome, outcomes[0], f"{word} does not count as NaN does")
    processor = subject.open()
    subject.drive(processor, subject.blocks(np.full_like(subject.samples, np.nan)))
    _require_clean_state(processor, "nothing but NaN")


def _spoil(samples: NDArray[Any], value: float) -> NDArray[Any]:
    """From a quarter to the half, a value at single places, each channel in turn, and in all channels for a while."""
    spoiled, count = samples.copy(), len(samples)
    for channel in range(samples.shape[1]):
        spoiled[count // 4 + 31 * channel : count // 2 : 97, channel] = value
    spoiled[3 * count // 8 : 3 * count // 8 + 50] = value
    return spoiled


def _require_clean_state(processor: Any, words: str) -> None:
    for name, array in processor.state().items():
        require(array.dtype.kind not in "fc" or np.isfinite(array).all(), f"{words} poisons the state {name!r}")
