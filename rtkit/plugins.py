"""The plug-in host: finds plug-ins, loads them, and knows what each one registered."""

from __future__ import annotations

import difflib
import functools
import importlib.metadata
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

import pluggy

from rtkit import hookspecs
from rtkit.errors import InputError, UsageError
from rtkit.parameters import check_values, parameters_of, parse_step
from rtkit.processor import Processor
from rtkit.sink import Sink
from rtkit.source import Source

AnyProcessor = Processor[Any, Any]
T = TypeVar("T")


class Registry(Generic[T]):
    """Classes by name, and the plug-in that each came from."""

    def __init__(self, what: str, base: type[T]) -> None:
        self.what = what
        self.base = base
        self.classes: dict[str, tuple[type[T], ...]] = {}
        self._plugins: dict[tuple[str, type[T]], str] = {}

    def __getitem__(self, name: str) -> type[T]:
        return self.named(name)[0]

    def named(self, name: str) -> tuple[type[T], ...]:
        """The classes of a name: one, but for sinks that take different kinds of format.

        Raises
        ------
        UsageError
            There is none; the message names the closest.
        """
        if name not in self.classes:
            close = difflib.get_close_matches(name, self.classes, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(self.classes)) or 'none'}"
            raise UsageError(f"no {self.what} is called {name!r}; {hint}")
        return self.classes[name]

    def __contains__(self, name: object) -> bool:
        return name in self.classes

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.classes))

    def add(self, found: dict[str, type[T]], plugin: str) -> None:
        """Add what a plug-in registered; raises TypeError or ValueError for an author's mistake."""
        for name, cls in found.items():
            if not (inspect.isclass(cls) and issubclass(cls, self.base)):
                raise TypeError(f"{self.what} {name!r} must be a class derived from rtkit.{self.base.__name__}")
            for other in self.classes.get(name, ()):
                if not (issubclass(cls, Sink) and issubclass(other, Sink)) or {*cls.takes} & {*other.takes}:
                    raise ValueError(f"{self.what} {name!r} is already registered by plug-in {self._plugins[name, other]!r}")
            if issubclass(cls, Processor):
                parameters_of(cls)
        for name, cls in found.items():
            self.classes[name] = (*self.classes.get(name, ()), cls)
            self._plugins[name, cls] = plugin

    def remove(self, plugin: str) -> None:
        """Forget what a plug-in registered."""
        for name in self.of(plugin):
            self.classes[name] = tuple(cls for cls in self.classes[name] if self._plugins[name, cls] != plugin)
            if not self.classes[name]:
                del self.classes[name]

    def of(self, plugin: str) -> list[str]:
        """Names that a plug-in registered."""
        return sorted(name for name, classes in self.classes.items() if any(self._plugins[name, cls] == plugin for cls in classes))

    def plugin(self, name: str) -> str:
        """The plug-in that registered a name first."""
        return self._plugins[name, self[name]]


@dataclass(slots=True)
class PluginInfo:
    """What is known of a plug-in: its name, where it comes from, and why it is broken, if it is."""

    name: str
    origin: str
    error: str | None = None
    processors: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    sinks: list[str] = field(default_factory=list)


class Host:
    """Loads plug-ins and holds what they registered.

    Parameters
    ----------
    entry_points : iterable of importlib.metadata.EntryPoint, optional
        Those of group ``rtkit`` when not given.
    selected : str, optional
        Names of plug-ins to load, separated by commas (the value of ``RTKIT_PLUGINS``); those that come with rtkit are always
        loaded. All when not given.
    """

    def __init__(self, entry_points: Iterable[importlib.metadata.EntryPoint] | None = None, selected: str | None = None) -> None:
        self.manager = pluggy.PluginManager(hookspecs.PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.processors: Registry[AnyProcessor] = Registry("processor", Processor)
        self.sources: Registry[Source] = Registry("source", Source)
        self.sinks: Registry[Sink] = Registry("sink", Sink)
        self.infos: dict[str, PluginInfo] = {}
        if entry_points is None:
            entry_points = importlib.metadata.entry_points(group=hookspecs.PROJECT)
        wanted = None if selected is None else {name.strip() for name in selected.split(",")}
        for point in sorted(entry_points, key=lambda point: (not _is_own(point), point.name)):
            if wanted is None or _is_own(point) or point.name in wanted:
                self._add(point.name, point.dist.name if point.dist else point.value, point.load)

    def add_file(self, path: str | Path) -> None:
        """Load a plug-in that is a single Python file.

        Raises
        ------
        InputError
            There is no such file, it fails to import, or it registers nothing well.
        """
        path = Path(path)
        if not path.is_file():
            raise InputError(f"{path}: no such plug-in file")
        self._add(path.stem, str(path), lambda: _import_file(path))
        error = self.infos[path.stem].error
        if error is not None:
            raise InputError(f"{path}: the plug-in does not load: {error}")

    def _add(self, name: str, origin: str, load: Callable[[], Any]) -> None:
        """Load one plug-in; if it is broken, keep the reason and leave nothing of it behind."""
        info = self.infos[name] = PluginInfo(name, origin)
        registries: tuple[Registry[Any], ...] = (self.processors, self.sources, self.sinks)
        try:
            self.manager.register(load(), name)
            self.manager.check_pending()
            for registry in registries:
                found: dict[str, type[Any]] = {}
                hook = self.manager.subset_hook_caller(f"rtkit_register_{registry.what}s", self._others(name))
                hook(register=found.__setitem__)
                registry.add(found, name)
        except (Exception, SystemExit) as error:  # a stranger's code may raise anything; the rest must go on
            info.error = " ".join(f"{type(error).__name__}: {error}".split())
            if self.manager.has_plugin(name):
                self.manager.unregister(name=name)
            for registry in registries:
                registry.remove(name)
        info.processors, info.sources, info.sinks = (registry.of(name) for registry in registries)

    def _others(self, name: str) -> list[Any]:
        return [plugin for other, plugin in self.manager.list_name_plugin() if other != name and plugin is not None]

    def create(self, name: str, **values: Any) -> AnyProcessor:
        """Make a processor by its name.

        Raises
        ------
        UsageError
            No such processor, no such parameter, or a value that does not fit.
        """
        try:
            cls = self.processors[name]
        except UsageError as error:
            broken = [f"plug-in {info.name!r} is broken: {info.error}" for info in self.infos.values() if info.error]
            raise UsageError("; ".join([str(error), *broken])) from None
        converted = check_values(cls, values, name)
        for parameter in parameters_of(cls):
            if parameter.required and parameter.name not in converted:
                raise UsageError(f"{name}: parameter {parameter.name!r} is missing; expected {parameter.expects()}")
        made: AnyProcessor = cls(**converted)
        return made

    def create_step(self, text: str) -> AnyProcessor:
        """Make a processor from ``name:key=value,…``."""
        name, values = parse_step(text)
        return self.create(name, **values)


def _is_own(point: importlib.metadata.EntryPoint) -> bool:
    return point.dist is not None and point.dist.name == hookspecs.PROJECT


def _import_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses and type hints look their module up there
    spec.loader.exec_module(module)
    return module


@functools.cache
def host() -> Host:
    """The host of this process, loaded at the first call."""
    return Host(selected=os.environ.get("RTKIT_PLUGINS"))


def create(name: str, **values: Any) -> AnyProcessor:
    """Make a processor by its name, to drive it yourself: ``rtkit.create("adaline", tail_ms=64)``.

    Raises
    ------
    UsageError
        No such processor, no such parameter, or a value that does not fit.
    """
    return host().create(name, **values)
