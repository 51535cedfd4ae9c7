"""Laws of every processor, of samples or of frames."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import InputError, RtkitError, UsageError
from rtkit.core.parameters import Parameter, parameters_of
from rtkit.core.processor import AnyProcessor
from rtkit.testing.subject import RELATIVE_TOLERANCE, Subject, copy_state, data_of, difference, require, require_same, rows_of

#: Names of quantities that have a unit, in the documentation of a number.
QUANTITY = re.compile(r"\b(time|duration|(sample|frame|heart) rate|frequency|length|delay|latency|interval|period|level|loudness)\b", re.I)
#: Units: at the end of a parameter's name, in parentheses in its documentation, or as a word there.
UNIT = re.compile(
    r"_(ms|s|hz|khz|db|ppm|px)\b|\([^()]*\b(ms|s|Hz|kHz|dB|dBFS|ppm|mV|px|1/min|°)[^()]*\)"
    r"|\b((?i:samples?|frames?|blocks?|pixels?|rows?|milliseconds?|seconds?)|ms|Hz|kHz|dB|ppm)\b"
)


def life_cycle(subject: Subject) -> None:
    """`process` before `open` is one clear error, and a second `close` does no harm."""
    processor = subject.make()
    try:
        processor.process(next(iter(subject.items())))
    except UsageError as error:
        require("open" in str(error), f"process before open says {str(error)!r}, which does not name open")
    except Exception as error:
        raise AssertionError(f"process before open raises {type(error).__name__} instead of a UsageError: {error}") from error
    else:
        raise AssertionError("process before open is no error")
    processor = subject.open()
    subject.run(processor, subject.items())
    require(not subject.finish(processor).events, "a second close tells its events again")
    unused = subject.open()
    subject.finish(unused)  # a stream that ends before it began


def state(subject: Subject) -> None:
    """`state` is complete: put into another processor, output, events and tail go on as if nothing had happened.

    It consists of arrays, copies that do not change any more; `load_state` keeps none of them. Without it, another processor goes on
    in another way, so nothing in it is idle.
    """
    for begin in (subject.length // 2, 5 * subject.length // 6 + 1):
        first = subject.open()
        subject.drive(first, subject.items(0, begin))
        given = first.state()
        for name, array in given.items():
            require(isinstance(array, np.ndarray) and array.dtype.kind != "O", f"state {name!r} is no plain array")
        saved = {name: array.copy() for name, array in given.items()}
        expected = subject.run(first, subject.items(begin))
        for name, array in given.items():
            require(_equal(array, saved[name]), f"state {name!r} changes after it was given: it is no copy")
        second = subject.open()
        loaded = {name: array.copy() for name, array in saved.items()}
        second.load_state(loaded)
        for array in loaded.values():
            if array.dtype.kind in "fiub":
                array[...] = 0
        found = subject.run(second, subject.items(begin))
        require_same(found, expected, "with a state that was put back, it does not go on the same", RELATIVE_TOLERANCE)
        third = subject.open()
        idle = bool(saved) and difference(subject.run(third, subject.items(begin)), expected) is None
        require(not idle or not _equal_states(third.state(), second.state()), "a fresh one goes on the same without the state: it is idle")


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()


def _equal_states(one: dict[str, NDArray[Any]], other: dict[str, NDArray[Any]]) -> bool:
    return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)


def reopen(subject: Subject) -> None:
    """`open` again is a fresh start, after the end and in the middle of a stream: output and events as of a new one."""
    processor = subject.open()
    subject.run(processor, subject.items())
    _require_fresh(subject, processor, "after close")
    processor.open(subject.spec)
    subject.drive(processor, subject.items(0, subject.length // 2))
    _require_fresh(subject, processor, "in the middle")


def _require_fresh(subject: Subject, processor: AnyProcessor, words: str) -> None:
    processor.emit(0.0, "left over")
    processor.open(subject.spec)
    require(not processor.events, f"opened again {words}, it still has the events from before")
    require_same(subject.run(processor, subject.items()), subject.whole, f"opened again {words}, it does not begin anew")


def live_parameters(subject: Subject) -> None:
    """Each name in `live` is a parameter, and set between two items, it is as if made with it from there on.

    Some value in its range makes a difference, to this parameter set or to another one in `examples`. Of a text, only the values in
    `examples` are tried. Of a processor that does nothing to the example frames, nothing is expected.
    """
    made = subject.make()
    cls, own = type(made), made.parameters()
    known = {parameter.name: parameter for parameter in parameters_of(cls)}
    defaults = {parameter.name: parameter.default for parameter in known.values() if not parameter.required}
    # one set of parameters may have no use for it; another one must have
    sets = [own, *(example for values in cls.examples if (example := defaults | values) != own)]
    for name in cls.live:
        require(name in known, f"live: {name!r} is no parameter")
        tried: list[Any] = []
        useful = any(_set_as_made(subject, known[name], values, tried) for values in sets)
        in_vain = ", ".join(map(repr, dict.fromkeys(tried)))
        require(useful or not tried, f"live parameter {name!r} makes no difference, whatever it is set to: {in_vain}")


def _set_as_made(subject: Subject, parameter: Parameter, values: dict[str, Any], tried: list[Any]) -> bool:
    """Set a parameter to one value after another, until one makes a difference; whether one did. Notes what was tried in vain."""
    name, begin = parameter.name, subject.length // 3
    try:
        steady = subject.open(**values)
    except RtkitError:
        return False  # another set, which needs another format
    subject.drive(steady, subject.items(0, begin))
    kept = copy_state(steady)
    unchanged = subject.run(steady, subject.items(begin))
    for value in _other_values(parameter, getattr(steady, name), type(steady)):
        changed = subject.open(**values)
        subject.drive(changed, subject.items(0, begin))
        try:
            changed.set(**{name: value})
        except (UsageError, InputError):
            continue  # it does not go together with the other parameters
        found = subject.run(changed, subject.items(begin))
        made = subject.open(**{**values, name: value})
        made.load_state({key: array.copy() for key, array in kept.items()})
        expected = subject.run(made, subject.items(begin))
        require_same(found, expected, f"{name}={value!r}, set between two items, is not as if made with it from there on")
        if difference(found, unchanged) is not None:
            return True
        if unchanged.events or not subject.passes_through(unchanged.output, begin):
            tried.append(value)
    return False


def _other_values(parameter: Parameter, current: Any, cls: type[AnyProcessor]) -> Iterator[Any]:
    """Values that a parameter may have beside its current one."""
    values: list[Any] = [given[parameter.name] for given in cls.examples if parameter.name in given]
    if parameter.choices:
        values += parameter.choices
    elif parameter.type is bool:
        values += [False, True]
    elif parameter.type in (int, float):
        number = current if isinstance(current, int | float) else 1
        bounds = [bound for bound in (parameter.low, parameter.high) if math.isfinite(bound)]
        between = [number * 2, number / 2, number + 1, *bounds]
        values += [parameter.type(value) for value in between if parameter.low <= parameter.type(value) <= parameter.high]
    if parameter.optional:
        values.append(None)
    yield from (value for value in dict.fromkeys(values) if value != current)


def no_hold(subject: Subject) -> None:
    """No input array is written into or kept, and no array that was handed on is written into later."""
    expected: list[NDArray[Any]] = []
    handed_on: list[NDArray[Any]] = []
    processor = subject.open()
    for number, item in enumerate(subject.items()):
        given = data_of(item)
        before = given.copy()
        out = processor.process(item)
        require(_equal(given, before), f"item {number}: the input's array was written into")
        handed_on.append(data_of(out))
        expected.append(rows_of(out))
    for number, (array, before) in enumerate(zip(handed_on, expected, strict=True)):
        require(_equal(array, before.reshape(array.shape)), f"item {number}: its output was written into later: it was not given away")
    processor = subject.open()
    for number, item in enumerate(subject.items()):
        given = data_of(item)
        out = processor.process(item)
        require(_equal(rows_of(out), expected[number]), f"item {number} depends on an array after it was handed over: a reference was kept")
        for array in (given, data_of(out)):
            if array.flags.writeable:
                array[...] = 77


def clone(subject: Subject) -> None:
    """``type(p)(**p.parameters())`` is another like it: same parameters, same output and events."""
    made = subject.make()
    values = made.parameters()
    names = [parameter.name for parameter in parameters_of(type(made))]
    require(
        sorted(values) == sorted(names),
        f"parameters() tells of {', '.join(values) or 'none'}; the constructor takes {', '.join(names) or 'none'}",
    )
    if subject.given is not None:
        require(subject.given.parameters() == values, f"a clone has the parameters {values} instead of {subject.given.parameters()}")
    other = type(made)(**values)
    require(other.parameters() == values, f"a clone has the parameters {other.parameters()} instead of {values}")
    other.open(subject.spec)
    require_same(subject.run(other, subject.items()), subject.whole, "a clone does not do the same")


def documented(subject: Subject) -> None:
    """The class and each parameter has a meaning; a number a bound, and where it is a time, rate, length, level …, a unit.

    The unit stands at the end of the name (``tail_ms``), in parentheses (``(ms)``), or as a word (samples, frames, pixels).
    """
    cls = type(subject.make())
    require((inspect.getdoc(cls) or "").strip(), f"{cls.__name__} has no docstring")
    missing = []
    for parameter in parameters_of(cls):
        if not parameter.doc:
            missing.append(f"{parameter.name} has no entry in the section Parameters of the docstring")
            continue
        if parameter.type not in (int, float):
            continue
        if not math.isfinite(parameter.low) and not math.isfinite(parameter.high):
            missing.append(f"{parameter.name} has no range: Annotated[{parameter.type.__name__}, Range(low, high)]")
        if QUANTITY.search(parameter.doc) and not UNIT.search(f"{parameter.name} {parameter.doc}"):
            missing.append(f"{parameter.name} has no unit: end its name in _ms, or write (ms)")
    require(not missing, "; ".join(missing))
