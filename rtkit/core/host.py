"""The plug-in host: finds plug-ins, loads them, knows what each one registered, and keeps one that fails from hurting others."""

from __future__ import annotations

import difflib
import functools
import importlib.metadata
import importlib.util
import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from rtkit.core import hookspecs
from rtkit.core.errors import InputError, UsageError
from rtkit.core.registry import Registry

if TYPE_CHECKING:
    from rtkit.core.processor import AnyProcessor
    from rtkit.core.sink import Sink
    from rtkit.core.source import Source

#: Kinds of what plug-ins register, each with a hook ``rtkit_register_…s`` and a registry.
KINDS = ("processor", "source", "sink")
log = logging.getLogger("rtkit")


@dataclass(slots=True)
class PluginInfo:
    """What is known of a plug-in.

    Attributes
    ----------
    key : str
        ``distribution:name``; ``file:name`` of a single file.
    version, origin : str
        Of its distribution; where it comes from.
    error : str or None
        Why it was refused, or what of it was dropped.
    hooks, commands, processors, sources, sinks : list of str
        What it implements and registered.
    """

    key: str
    version: str
    origin: str
    error: str | None = None
    hooks: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    processors: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    sinks: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The part of the key behind the distribution."""
        return self.key.partition(":")[2]


class Host:
    """Loads plug-ins and holds what they registered.

    Parameters
    ----------
    entry_points : iterable of importlib.metadata.EntryPoint, optional
        Those of group ``rtkit`` when not given.
    selected : str, optional
        Names or keys of plug-ins to load, separated by commas (the value of ``RTKIT_PLUGINS``); those that come with rtkit are always
        loaded. All when not given.

    Attributes
    ----------
    plugins : dict of str to PluginInfo
        By their keys.
    processors, sources, sinks : Registry
        What they registered.
    """

    def __init__(self, entry_points: Iterable[importlib.metadata.EntryPoint] | None = None, selected: str | None = None) -> None:
        self.manager = pluggy.PluginManager(hookspecs.PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.processors: Registry[AnyProcessor] = Registry("processor", "rtkit.core.processor:Processor", _check_parameters)
        self.sources: Registry[Source] = Registry("source", "rtkit.core.source:Source", may_coexist=_read_other_formats)
        self.sinks: Registry[Sink] = Registry("sink", "rtkit.core.sink:Sink", may_coexist=_take_other_kinds)
        self._registries: tuple[Registry[Any], ...] = (self.processors, self.sources, self.sinks)
        self.plugins: dict[str, PluginInfo] = {}
        self._dropped: set[tuple[str, str]] = set()  # hooks that raised, by plug-in
        if entry_points is None:
            entry_points = importlib.metadata.entry_points(group=hookspecs.PROJECT)
        wanted = None if selected is None else {name.strip() for name in selected.split(",")}
        for point in sorted(entry_points, key=lambda point: (not _is_own(point), point.name)):
            distribution, version = (point.dist.name, point.dist.version) if point.dist else (point.value, "")
            key = f"{distribution}:{point.name}"
            if wanted is None or _is_own(point) or wanted & {point.name, key}:
                self._add(PluginInfo(key, version, distribution), point.load)

    def add_file(self, path: str | Path) -> PluginInfo:
        """Load a plug-in that is a single Python file; what is wrong with it is told, and stands in the result's `error`.

        Raises
        ------
        InputError
            There is no such file.
        """
        path = Path(path)
        if not path.is_file():
            raise InputError(f"{path}: no such plug-in file")
        key = f"file:{path.stem}"
        if key in self.plugins:
            if self.plugins[key].origin == str(path):
                return self.plugins[key]
            key = f"file:{path}"
        return self._add(PluginInfo(key, "", str(path)), lambda: _import_file(path))

    def _add(self, info: PluginInfo, load: Callable[[], Any]) -> PluginInfo:
        """Load one plug-in; if it is broken, keep the reason and leave nothing of it behind."""
        self.plugins[info.key] = info
        try:
            plugin = load()
            _check_hooks(plugin)
            self.manager.register(plugin, info.key)
            info.hooks = sorted(caller.name for caller in self.manager.get_hookcallers(plugin) or ())
            for registry in self._registries:
                for hook in self.hooks(f"rtkit_register_{registry.what}s", info.key):
                    hook(register=functools.partial(registry.add, plugin=info.key))
        except (Exception, SystemExit) as error:  # a stranger's code may raise anything; the rest must go on
            self.refuse(info.key, error)
        for registry in self._registries:
            setattr(info, f"{registry.what}s", registry.of(info.key))
        return info

    def refuse(self, key: str, error: BaseException) -> None:
        """Take back all that a plug-in registered, and tell why in one line."""
        self.plugins[key].error = one_line(error)
        log.warning("plug-in %s is left out: %s", key, one_line(error))
        if self.manager.has_plugin(key):
            self.manager.unregister(name=key)
        for registry in self._registries:
            registry.remove(key)

    def hooks(self, name: str, key: str | None = None) -> Iterator[Hook]:
        """The implementations of a hook, of one plug-in or of all, in the order in which these were loaded."""
        for implementation in reversed(getattr(self.manager.hook, name).get_hookimpls()):  # pluggy has the last one first
            if key in (None, implementation.plugin_name) and (implementation.plugin_name, name) not in self._dropped:
                yield Hook(implementation)

    def call(self, hook: str, through: type[Exception] | tuple[type[Exception], ...] = (), **arguments: Any) -> list[Any]:
        """Call a hook of every plug-in; one that raises is told of once, and its hook is called no more.

        Parameters
        ----------
        hook : str
            Its name.
        through : type of Exception
            What a plug-in may raise on purpose: it is handed on.
        **arguments
            By the names that the hook has for them.

        Returns
        -------
        list
            What the plug-ins gave, in the order in which they were loaded; None is left out.
        """
        results = []
        for implementation in list(self.hooks(hook)):
            try:
                result = implementation(**arguments)
            except through:
                raise
            except (Exception, SystemExit) as error:
                self.drop(implementation, hook, error)
            else:
                if result is not None:
                    results.append(result)
        return results

    def drop(self, implementation: Hook, hook: str, error: BaseException) -> None:
        """Call a hook that raised no more, and tell why in one line."""
        key = implementation.plugin
        self._dropped.add((key, hook))
        if key in self.plugins:
            self.plugins[key].error = f"{hook}: {one_line(error)}"
        log.warning("plug-in %s: %s is called no more: %s", key, hook, one_line(error))

    def create(self, name: str, **values: Any) -> AnyProcessor:
        """Make a processor from its name, or from ``name:key=value,…``; values by keyword go before those in the text.

        Raises
        ------
        UsageError
            No such processor, no such parameter, or a value that does not fit.
        """
        from rtkit.core.parameters import check_values, parameters_of, parse_step

        name, given = parse_step(name)
        values = {**given, **values}
        cls = self.processor(name)
        converted = check_values(cls, values, name)
        for parameter in parameters_of(cls):
            if parameter.required and parameter.name not in converted:
                raise UsageError(f"{name}: parameter {parameter.name!r} is missing; expected {parameter.expects()}")
        made: AnyProcessor = cls(**converted)
        return made

    def processor(self, name: str) -> type[AnyProcessor]:
        """The class of a processor; raises UsageError if there is none, and tells which plug-ins are broken."""
        try:
            return self.processors[name]
        except UsageError as error:
            broken = [f"plug-in {info.key!r} is broken: {info.error}" for info in self.plugins.values() if info.error]
            raise UsageError("; ".join([str(error), *broken])) from None


class Hook:
    """One plug-in's implementation of a hook, to be called with all arguments, of which it takes those that it names."""

    def __init__(self, implementation: Any) -> None:
        self.plugin: str = implementation.plugin_name
        self._function = implementation.function
        self._names = implementation.argnames

    def __call__(self, **arguments: Any) -> Any:
        """Call it."""
        return self._function(*(arguments[name] for name in self._names))


def _check_hooks(plugin: Any) -> None:
    """Refuse a function that looks like a hook and is none: not marked, or of a name that rtkit does not know."""
    for name, value in list(vars(plugin).items()):
        marked = hasattr(value, f"{hookspecs.PROJECT}_impl")
        own = inspect.isfunction(value) and value.__module__ == getattr(plugin, "__name__", None)
        if own and name.startswith("rtkit_") and not marked:
            raise TypeError(f"function {name} is not marked as a hook: put @rtkit.hookimpl above it")
        if marked and not hasattr(hookspecs, name):
            close = difflib.get_close_matches(name, [spec for spec in vars(hookspecs) if spec.startswith("rtkit_")], 1)
            raise TypeError(f"no hook is called {name}" + (f"; did you mean {close[0]}?" if close else ""))


def _check_parameters(cls: type[AnyProcessor]) -> None:
    from rtkit.core.parameters import parameters_of

    names = {parameter.name for parameter in parameters_of(cls)}
    for name in cls.live:
        if name not in names:
            raise TypeError(f"{cls.__name__}: live parameter {name!r} is no parameter; it has {', '.join(names) or 'none'}")


def _take_other_kinds(one: type[Sink], other: type[Sink]) -> bool:
    return not {*one.takes} & {*other.takes}


def _read_other_formats(one: type[Source], other: type[Source]) -> bool:
    return bool(one.formats and other.formats) and not {*one.formats} & {*other.formats}


def one_line(error: BaseException) -> str:
    """An error of any kind in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _is_own(point: importlib.metadata.EntryPoint) -> bool:
    return point.dist is not None and point.dist.name == hookspecs.PROJECT


def _import_file(path: Path) -> ModuleType:
    """Import a file under a name of its own, so that it shadows no module and none shadows it."""
    import hashlib

    name = f"_rtkit_plugin_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and type hints look their module up there
    spec.loader.exec_module(module)
    return module


@functools.cache
def host() -> Host:
    """The host of this process, loaded at the first call."""
    return Host(selected=os.environ.get("RTKIT_PLUGINS"))


def create(name: str, **values: Any) -> AnyProcessor:
    """Make a processor, to drive it yourself: ``rtkit.create("adaline", tail_ms=64)`` or ``rtkit.create("adaline:tail_ms=64")``.

    Raises
    ------
    UsageError
        No such processor, no such parameter, or a value that does not fit.
    """
    return host().create(name, **values)
