"""The laws that every processor obeys, as checks, and doubles for tests of streams.

One line in a test of a plug-in holds a processor to all of them::

    import rtkit.testing

    def test_it_obeys_the_laws():
        rtkit.testing.check_processor(Smooth)

`yield_checks` gives them one by one, for tests with a name each. Needs nothing but rtkit: neither pytest nor Hypothesis.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from rtkit.core.errors import SpecError
from rtkit.core.host import host
from rtkit.core.items import FrameSpec
from rtkit.core.parameters import parse_step
from rtkit.core.processor import AnyProcessor, FrameProcessor, SampleProcessor
from rtkit.testing import laws_of_all, laws_of_frames, laws_of_samples
from rtkit.testing.doubles import ListSink, ListSource
from rtkit.testing.signals import FRAME_SPEC
from rtkit.testing.subject import Factory, FrameSubject, SampleSubject, Subject

__all__ = ["Check", "ListSink", "ListSource", "cases", "check_processor", "yield_checks"]

#: What can be held to the laws: ``name:key=value,…``, an instance (it is not touched: its parameters are copied), or a class.
Candidate: TypeAlias = str | AnyProcessor | type[AnyProcessor]
Law: TypeAlias = Callable[[Any], None]

LAWS_OF_ALL: dict[str, Law] = {
    "documented": laws_of_all.documented,
    "clone": laws_of_all.clone,
    "life cycle": laws_of_all.life_cycle,
    "no hold": laws_of_all.no_hold,
    "state": laws_of_all.state,
    "reopen": laws_of_all.reopen,
    "live parameters": laws_of_all.live_parameters,
}
LAWS_OF_SAMPLES: dict[str, Law] = {
    "format": laws_of_samples.output_format,
    "block size": laws_of_samples.block_size,
    "causality": laws_of_samples.causality,
    "tail": laws_of_samples.tail,
    "latency": laws_of_samples.latency,
    "stream time": laws_of_samples.stream_time,
    "no poison": laws_of_samples.no_poison,
} | LAWS_OF_ALL
LAWS_OF_FRAMES: dict[str, Law] = {
    "frames": laws_of_frames.frames,
    "threads": laws_of_frames.threads,
} | LAWS_OF_ALL


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """One law held against one processor: call it.

    Raises
    ------
    AssertionError
        The law is broken; the message names processor and law, and says where.
    """

    law: str
    subject: Subject
    function: Law

    def __call__(self) -> None:
        """Hold the processor to the law."""
        try:
            self.function(self.subject)
        except AssertionError as error:
            raise AssertionError(f"{self}: {error}") from error
        except Exception as error:
            raise AssertionError(f"{self}: raises {type(error).__name__}: {error}") from error

    def __repr__(self) -> str:
        return f"{self.subject.name}:{self.law}"


def check_processor(processor: Candidate) -> None:
    """Hold a processor to all laws of its contract.

    Parameters
    ----------
    processor : str, Processor, or a class of it
        ``name:key=value,…``, an instance (its parameters are copied; it is not touched), or a class without required parameters.

    Raises
    ------
    AssertionError
        A law is broken: a line for each, which says where.
    """
    broken = []
    for _, check in yield_checks(processor):
        try:
            check()
        except AssertionError as error:
            broken.append(error)
    if broken:
        raise AssertionError("\n".join(map(str, broken))) from broken[0]


def yield_checks(processor: Candidate) -> Iterator[tuple[str, Check]]:
    """The laws of a processor one by one: name of the law, and a function without arguments that raises AssertionError if it is broken.

    Parameters
    ----------
    processor : str, Processor, or a class of it
        As of `check_processor`.
    """
    if isinstance(processor, str):
        kind, values = parse_step(processor)
        name, make, given = processor, _factory(host().create(kind, **values)), None
    elif isinstance(processor, type):
        name, make, given = processor.__name__, processor, None
    else:
        name, make, given = repr(processor), _factory(processor), processor
    yield from _checks(name, make, given)


def cases() -> Iterator[tuple[str, str, Check]]:
    """Every law for every registered processor and each of its parameter sets, `Processor.examples`.

    Yields
    ------
    id, processor, check : str, str, Check
        Such as ``echo:suppressor=none:tail``, ``echo:suppressor=none``. The id tells of a file its name alone.
    """
    registered = host().processors
    for name in registered:
        for values in registered[name].examples:
            texts = {key: str(value).lower() if value is None or isinstance(value, bool) else str(value) for key, value in values.items()}
            processor = _written(name, texts)
            short = _written(name, {key: os.path.basename(text) for key, text in texts.items()})
            for law, check in _checks(short, _factory(host().create(name, **values))):
                yield f"{short}:{law}", processor, check


def _written(name: str, values: dict[str, str]) -> str:
    """``name:key=value,…``"""
    written = ",".join(f"{key}={value}" for key, value in values.items())
    return f"{name}:{written}" if written else name


def _factory(processor: AnyProcessor) -> Factory:
    cls, values = type(processor), processor.parameters()
    return lambda **others: cls(**(values | others))


def _checks(name: str, make: Factory, given: AnyProcessor | None = None) -> Iterator[tuple[str, Check]]:
    subject: Subject
    if _takes_frames(make):
        subject, laws = FrameSubject(name, make, given), LAWS_OF_FRAMES
    else:
        subject, laws = SampleSubject(name, make, given), LAWS_OF_SAMPLES
    for law, function in laws.items():
        yield law, Check(law, subject, function)


def _takes_frames(make: Factory) -> bool:
    made = make()
    if isinstance(made, FrameProcessor | SampleProcessor):
        return isinstance(made, FrameProcessor)
    try:
        made.open(FrameSpec(FRAME_SPEC.width, FRAME_SPEC.height, FRAME_SPEC.fps))
    except SpecError:
        return False
    return True
