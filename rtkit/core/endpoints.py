"""Sources and sinks by name: which class answers to a file, a kind, a URL, an array, a function."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import InputError, UsageError
from rtkit.core.host import host
from rtkit.core.registry import Registry
from rtkit.core.sink import Alternatives, Sink
from rtkit.core.source import Options, Source

#: Names under which wings register what stands for things without a name: folders; a file that plays as if it were a device; arrays and
#: iterables of the caller, and functions as sinks; the file of events; several sources of one name, of which the format chooses. What is
#: in angle brackets cannot be asked for by its name.
FOLDER, REALTIME, EVENTS = "/", "realtime", ".jsonl"
ARRAY, ITERABLE, FUNCTION, CHOICE = "<array>", "<iterable>", "<function>", "<choice>"

#: What a stream takes as its source and as a sink.
AnySource: TypeAlias = str | Path | Source | NDArray[Any] | Iterable[Any]
AnySink: TypeAlias = str | Path | Sink | Callable[[Any], Any]


def make_source(source: AnySource, options: Options, far: AnySource | None = None, realtime: bool = False) -> Source:
    """Make a source from its name, an array or an iterable, with a far end beside it, paced like a device if so wished.

    Raises
    ------
    UsageError
        Nothing answers to the name, or the parts do not go together.
    InputError
        A file that is not there.
    """
    made = _source(source, options)
    if far is not None:
        made = made.with_far(_source(far, options), options)
    if realtime:
        if made.live:
            raise UsageError(f"{made.name}: is live already; realtime is for files")
        made = _made(host().sources[REALTIME], made, options)
    return made


def _source(source: AnySource, options: Options) -> Source:
    if isinstance(source, Source):
        return source
    if isinstance(source, np.ndarray):
        return _made(host().sources[ARRAY], source, options)
    if isinstance(source, Path):
        source = str(source)
    if not isinstance(source, str):
        if not isinstance(source, Iterable):
            raise UsageError(f"no source: {type(source).__name__}; expected a name, a path, an array, an iterable or a Source")
        return _made(host().sources[ITERABLE], source, options)
    if "+" in source and "://" not in source and not Path(source).exists():
        near, _, far = source.partition("+")
        return _source(near, options).with_far(_source(far, options), options)
    classes = _classes(source, host().sources, must_exist=True)
    if len(classes) > 1:
        return _made(host().sources[CHOICE], classes, options)
    return _made(classes[0], _rest(source, host().sources), options)


def _made(cls: Callable[..., Source], rest: Any, options: Options) -> Source:
    return cls(rest, options)


def make_sink(sink: AnySink, options: Options, source: Source | None = None) -> Sink:
    """Make a sink from its name, or from a function that is called with each item; `source` is what must not be overwritten.

    Raises
    ------
    UsageError
        Nothing answers to the name, or it would overwrite the file that is being read.
    """
    if isinstance(sink, Sink):
        return sink
    if callable(sink):
        return _sink(host().sinks[FUNCTION], sink, options)
    sink = str(sink)
    path = Path(sink)
    parts = [] if source is None else [*source.name.split("+"), *source.parts]
    if path.exists() and any(Path(part).exists() and path.samefile(part) for part in parts):
        raise UsageError(f"{sink}: belongs to the source; choose another name")
    rest = _rest(sink, host().sinks)
    made = [_sink(cls, rest, options) for cls in _classes(sink, host().sinks, must_exist=False)]
    return made[0] if len(made) == 1 else Alternatives(made)


def make_event_sink(path: str, options: Options) -> Sink:
    """Make the sink that keeps events in a file, whatever the file is called."""
    return _sink(host().sinks[EVENTS], path, options)


def _sink(cls: Callable[..., Sink], rest: Any, options: Options) -> Sink:
    return cls(rest, options)


def _classes(text: str, registry: Registry[Any], must_exist: bool) -> tuple[type[Any], ...]:
    """Find the classes by scheme, kind, folder, or suffix (the longest that is known), in this order."""
    scheme, separator, _ = text.partition("://")
    if separator:
        return registry.named(scheme.lower() + separator)
    kind, _, _ = text.partition(":")
    if kind in registry and kind[0] != "<":
        return registry.named(kind)
    path = Path(text)
    if must_exist and not path.exists():
        kinds = ", ".join(name for name in registry if name[0] not in "./<")
        raise InputError(f"{text}: no such file, and no {registry.what} of that name ({kinds})")
    if path.is_dir() and FOLDER in registry:
        return registry.named(FOLDER)
    parts = [part.lower() for part in path.suffixes]
    suffixes = ["".join(parts[first:]) for first in range(len(parts))]
    suffix = next((name for name in suffixes if name in registry), None)
    if suffix is None:
        known = " ".join(name for name in registry if name[0] == ".")
        raise UsageError(f"{text}: no {registry.what} for files of type {path.suffix.lower() or 'without a suffix'}; known: {known}")
    return registry.named(suffix)


def _rest(text: str, registry: Registry[Any]) -> str:
    """What a class is made from: the text after ``kind:``, or all of it."""
    kind, _, rest = text.partition(":")
    return rest if kind in registry and "://" not in text else text
