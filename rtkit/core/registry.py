"""Classes by name, and the plug-in that each came from."""

from __future__ import annotations

import difflib
import importlib
import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from rtkit.core.errors import UsageError
from rtkit.core.extras import not_installed

log = logging.getLogger("rtkit")
T = TypeVar("T")


class Registry(Generic[T]):
    """Classes by name; each is there, or is a reference ``"module:Class"`` that is imported at its first use.

    Parameters
    ----------
    what : str
        What is registered, for errors: ``"processor"``.
    base : str
        Reference to the class that all are derived from.
    check : function
        Called with each class; raises TypeError for an author's mistake.
    may_coexist : function, optional
        Whether two classes may stand side by side under one name; never when not given.
    """

    def __init__(
        self,
        what: str,
        base: str,
        check: Callable[[type[T]], None] = lambda cls: None,
        may_coexist: Callable[[type[T], type[T]], bool] | None = None,
    ) -> None:
        self.what = what
        self._base = base
        self._check = check
        self._may_coexist = may_coexist
        self._entries: dict[str, list[tuple[type[T] | str, str]]] = {}  # by name: class or reference, and plug-in

    def __getitem__(self, name: str) -> type[T]:
        return self.named(name)[0]

    def named(self, name: str) -> tuple[type[T], ...]:
        """The classes of a name: one, but for those that take different kinds of format.

        Raises
        ------
        UsageError
            There is none; the message names the closest.
        """
        if name not in self._entries:
            close = difflib.get_close_matches(name, self._entries, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(self._entries)) or 'none'}"
            raise UsageError(f"no {self.what} is called {name!r}; {hint}")
        loaded: list[tuple[type[T], str]] = []
        failure: UsageError | None = None
        for entry, plugin in self._entries[name]:
            try:
                cls = self._load(name, entry)
                if not all(self._may_share(cls, other) for other, _ in loaded):
                    raise UsageError(self._clash(name, loaded[0][1]))
                loaded.append((cls, plugin))
            except UsageError as error:  # the others of this name go on
                failure = failure or UsageError(f"plug-in {plugin!r}: {error}")
                if len(self._entries[name]) > 1:
                    log.warning("%s", failure)
        if not loaded and failure is not None:
            raise failure
        self._entries[name] = list(loaded)
        return tuple(cls for cls, _ in loaded)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def add(self, name: str, entry: type[T] | str, plugin: str) -> None:
        """Register a class or a reference to one.

        Raises
        ------
        TypeError, ValueError
            An author's mistake: no class of the right kind, one that is not whole, a name that is taken.
        """
        if not isinstance(entry, str):
            self._accept(name, entry)
        for other, owner in self._entries.get(name, ()):
            deferred = self._may_coexist is not None and isinstance(entry, str) and isinstance(other, str)  # until they are needed
            if not deferred and not (self._may_coexist and self._may_share(self._load(name, entry), self._load(name, other))):
                raise ValueError(self._clash(name, owner))
        self._entries.setdefault(name, []).append((entry, plugin))

    def remove(self, plugin: str) -> None:
        """Forget what a plug-in registered."""
        for name in self.of(plugin):
            self._entries[name] = [(entry, owner) for entry, owner in self._entries[name] if owner != plugin]
            if not self._entries[name]:
                del self._entries[name]

    def of(self, plugin: str) -> list[str]:
        """Names that a plug-in registered."""
        return sorted(name for name, entries in self._entries.items() if any(owner == plugin for _, owner in entries))

    def plugin(self, name: str) -> str:
        """The plug-in that registered a name first."""
        return self._entries[name][0][1]

    def _may_share(self, one: type[T], other: type[T]) -> bool:
        return self._may_coexist is not None and self._may_coexist(one, other)

    def _clash(self, name: str, owner: str) -> str:
        return f"{self.what} {name!r} is already registered by plug-in {owner!r}"

    def _load(self, name: str, entry: type[T] | str) -> type[T]:
        if not isinstance(entry, str):
            return entry
        try:
            return self._accept(name, _import(entry))
        except ModuleNotFoundError as error:
            raise not_installed(error, f"{self.what} {name!r}") from None
        except Exception as error:  # a stranger's code may raise anything
            raise UsageError(f"{self.what} {name!r} does not load: {type(error).__name__}: {error}") from None

    def _accept(self, name: str, cls: Any) -> type[T]:
        """Check that something is a whole class of the right kind."""
        base: type[Any] = _import(self._base)
        if not (inspect.isclass(cls) and issubclass(cls, base)):
            raise TypeError(f"{self.what} {name!r} must be a class derived from rtkit.{base.__name__}")
        missing = sorted(getattr(cls, "__abstractmethods__", ()))
        if missing:
            raise TypeError(f"{self.what} {name!r}: class {cls.__name__} has no method {_missing(cls, missing)}")
        accepted: type[T] = cls  # type: ignore[assignment]
        self._check(accepted)
        return accepted


def _missing(cls: type, names: list[str]) -> str:
    """The names of missing methods, with what the author may have meant for them."""
    own = [name for name, value in vars(cls).items() if callable(value)]
    close = [(name, difflib.get_close_matches(name, own, 1)) for name in names]
    return ", ".join(name + (f" (is {found[0]!r} misspelt?)" if found else "") for name, found in close)


def _import(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
