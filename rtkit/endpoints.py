"""Sources and sinks by name: which class answers to a file, a kind, a URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rtkit.errors import InputError, UsageError
from rtkit.plugins import Registry, host
from rtkit.sink import Alternatives, Sink
from rtkit.source import Options, Source

#: The name under which a source of folders is registered.
FOLDER = "/"


def make_source(
    source: str | Source,
    options: Options,
    far: str | Source | None = None,
    realtime: bool = False,
) -> Source:
    """Make a source from its name, with a far end beside it, paced like a device if so wished.

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
        from rtkit.realtime import Realtime

        if made.live:
            raise UsageError(f"{made.name}: is live already; --realtime is for files")
        made = Realtime(made, options)
    return made


def _source(source: str | Source, options: Options) -> Source:
    if isinstance(source, Source):
        return source
    if "+" in source and "://" not in source and not Path(source).exists():
        near, _, far = source.partition("+")
        return _source(near, options).with_far(_source(far, options), options)
    made: Source = source_class(source)(_rest(source, host().sources), options)
    return made


def source_class(name: str, must_exist: bool = True) -> type[Any]:
    """The class that answers to the name of a source; errors as of `make_source`."""
    (cls,) = _classes(name, host().sources, must_exist)
    return cls


def make_sink(sink: str | Sink, options: Options, source: Source) -> Sink:
    """Make a sink from its name.

    Raises
    ------
    UsageError
        Nothing answers to the name, or it would overwrite the file that is being read.
    """
    if isinstance(sink, Sink):
        return sink
    path = Path(sink)
    if path.exists() and any(Path(part).exists() and path.samefile(part) for part in [*source.name.split("+"), *source.parts]):
        raise UsageError(f"{sink}: belongs to the source; choose another name")
    made = [cls(_rest(sink, host().sinks), options) for cls in _classes(sink, host().sinks, must_exist=False)]
    return made[0] if len(made) == 1 else Alternatives(made)


def _classes(text: str, registry: Registry[Any], must_exist: bool) -> tuple[type[Any], ...]:
    """Find the classes by scheme, kind, folder, or suffix (the longest that is known), in this order."""
    scheme, separator, _ = text.partition("://")
    if separator:
        return registry.named(scheme.lower() + separator)
    kind, _, _ = text.partition(":")
    if kind in registry:
        return registry.named(kind)
    path = Path(text)
    if must_exist and not path.exists():
        kinds = ", ".join(name for name in registry if name[0] not in "./")
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
