"""Parameters of processors, read from the signature of their constructors."""

from __future__ import annotations

import inspect
import math
import re
import types
import typing
import warnings
from dataclasses import dataclass
from typing import Any, Literal, Union

from rtkit.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number, both inclusive, for ``Annotated[float, Range(0, 2)]``."""

    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, type, default, bounds or choices, one line of documentation, and whether it is live."""

    name: str
    type: type
    default: Any
    required: bool
    optional: bool
    low: float
    high: float
    choices: tuple[str, ...]
    doc: str
    live: bool

    def expects(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[self.type]
        if math.isfinite(self.low) and math.isfinite(self.high):
            words += f" from {self.low:g} to {self.high:g}"
        elif math.isfinite(self.low):
            words += f", at least {self.low:g}"
        elif math.isfinite(self.high):
            words += f", at most {self.high:g}"
        return words + (" or none" if self.optional else "")

    def convert(self, value: Any, owner: str) -> Any:
        """Turn `value` (text from a command line, or a Python value) into the type of this parameter.

        Raises
        ------
        UsageError
            It does not fit; the message says what would.
        """
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            if self.optional:
                return None
            raise self._refuse(value, owner)
        try:
            result = _CONVERTERS[self.type](value)
        except (ValueError, OverflowError):
            raise self._refuse(value, owner) from None
        if self.choices and result not in self.choices:
            raise self._refuse(value, owner)
        if self.type in (int, float) and not self.low <= result <= self.high:  # NaN fails this, too
            raise self._refuse(value, owner)
        return result

    def _refuse(self, value: Any, owner: str) -> UsageError:
        return UsageError(f"{owner}: {self.name}={value!s} does not fit; expected {self.expects()}")


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "yes", "on", "1"):
        return True
    if isinstance(value, str) and value.lower() in ("false", "no", "off", "0"):
        return False
    raise ValueError


def _to_int(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError
    try:
        return int(value)
    except TypeError:
        raise ValueError from None


def _to_float(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError
    try:
        return float(value)
    except TypeError:
        raise ValueError from None


def _to_str(value: Any) -> str:
    if isinstance(value, str):
        return value
    if hasattr(value, "__fspath__"):
        return str(value)
    raise ValueError


_CONVERTERS: dict[type, Any] = {bool: _to_bool, int: _to_int, float: _to_float, str: _to_str}


_PARAMETERS_OF: dict[type, tuple[Parameter, ...]] = {}


def parameters_of(cls: type[Any]) -> tuple[Parameter, ...]:
    """The parameters of a class: the keyword arguments of its constructor.

    Raises
    ------
    TypeError
        The constructor has a parameter without a type hint, or of a type that no command line can give. An error of the
        class's author, found when it is registered.
    """
    if cls not in _PARAMETERS_OF:
        _PARAMETERS_OF[cls] = _read(cls)
    return _PARAMETERS_OF[cls]


def _read(cls: type[Any]) -> tuple[Parameter, ...]:
    if cls.__init__ is object.__init__:
        return ()
    hints = _hints(cls)
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):  # what a class says of a parameter itself counts more than what its bases say
        docs |= _parameter_docs(inspect.cleandoc(base.__dict__.get("__doc__") or ""))
    live = getattr(cls, "live", ())
    found = []
    for name, argument in list(inspect.signature(cls.__init__).parameters.items())[1:]:
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            raise TypeError(f"{cls.__name__}: parameters must be named one by one, not as *args or **kwargs")
        if name not in hints:
            raise TypeError(f"{cls.__name__}: parameter {name!r} has no type hint")
        required = argument.default is argument.empty
        default = None if required else argument.default
        found.append(parameter_of(cls.__name__, name, hints[name], default, required, docs.get(name, ""), name in live))
    return tuple(found)


def _hints(cls: type[Any]) -> dict[str, Any]:
    """The types of the constructor's arguments."""
    try:
        return typing.get_type_hints(cls.__init__, include_extras=True)
    except NameError:  # of a dataclass whose base stands in another module, which knows other names
        return typing.get_type_hints(cls, include_extras=True)


def parameter_of(owner: str, name: str, hint: Any, default: Any, required: bool = False, doc: str = "", live: bool = False) -> Parameter:
    """A parameter, from its type hint: ``Annotated`` may hold a `Range` and a meaning.

    Raises
    ------
    TypeError
        No command line can give this type.
    """
    limits, optional = Range(), False
    for _ in range(2):  # None may stand beside what is annotated, or inside
        if typing.get_origin(hint) is typing.Annotated:
            hint, *extras = typing.get_args(hint)
            limits = next((extra for extra in extras if isinstance(extra, Range)), limits)
            doc = next((extra for extra in extras if isinstance(extra, str)), doc)
        if typing.get_origin(hint) in (Union, types.UnionType):
            kinds = [kind for kind in typing.get_args(hint) if kind is not types.NoneType]
            optional = optional or len(kinds) < len(typing.get_args(hint))
            hint = kinds[0] if len(kinds) == 1 else next((kind for kind in kinds if kind is str), hint)  # text names the other kinds
    choices: tuple[str, ...] = ()
    if typing.get_origin(hint) is Literal:
        choices, hint = typing.get_args(hint), str
    if hint not in _CONVERTERS:
        raise TypeError(f"{owner}: parameter {name!r} has type {hint}; bool, int, float, str, Literal of str, or None beside one of them")
    return Parameter(name, hint, default, required, optional, limits.low, limits.high, choices, doc, live)


def _parameter_docs(doc: str) -> dict[str, str]:
    """First lines of each entry in the "Parameters" section of a numpy style docstring."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}|\Z)", doc, re.M | re.S)
    if section is None:
        return {}
    entries = re.findall(r"^(\w+(?:, \w+)*)\s*:[^\n]*\n((?:[ \t]+[^\n]*\n?|\n)*)", section.group(1), re.M)
    return {name: " ".join(body.split()) for names, body in entries for name in names.split(", ")}


def check_values(cls: type, values: dict[str, Any], owner: str | None = None) -> dict[str, Any]:
    """Convert `values` to the types of the parameters of `cls`.

    Raises
    ------
    UsageError
        A parameter that does not exist, or a value that does not fit.
    """
    owner = owner or cls.__name__
    known = {parameter.name: parameter for parameter in parameters_of(cls)}
    values = {_current_name(cls, name, owner): value for name, value in values.items()}
    for name in values:
        if name not in known:
            raise UsageError(f"{owner}: no parameter {name!r}; it has {', '.join(known) or 'none'}")
    return {name: known[name].convert(value, owner) for name, value in values.items()}


def _current_name(cls: type, name: str, owner: str) -> str:
    """The name of a parameter today, where it had another one before: `Processor.renamed` says so for one version."""
    new: str = getattr(cls, "renamed", {}).get(name, name)
    if new != name:
        warnings.warn(f"{owner}: parameter {name!r} is called {new!r} now", DeprecationWarning, stacklevel=4)
    return new


def parse_step(text: str) -> tuple[str, dict[str, str]]:
    """Split ``name:key=value,key=value`` into the name and the values, as text.

    Raises
    ------
    UsageError
        A part that is not ``key=value``.
    """
    name, _, rest = text.partition(":")
    values: dict[str, str] = {}
    for part in rest.split(",") if rest else []:
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"{text!r}: {part!r} is not key=value")
        values[key.strip()] = value.strip()
    if not name.strip():
        raise UsageError(f"{text!r}: expected name or name:key=value,…")
    return name.strip(), values
