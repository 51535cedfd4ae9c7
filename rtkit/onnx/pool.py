"""An object pool: resources that only one thread may use at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Pool(Generic[T]):
    """Bound calls of a model, or other things with arrays of their own, as many as there are threads that use one at once.

    Parameters
    ----------
    make : callable
        Makes one; called once at the start, and again whenever all are in use.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._free = [make()]

    def take(self) -> T:
        """One for the caller alone, until `give_back`."""
        try:
            return self._free.pop()  # a list does both without a lock of ours
        except IndexError:
            return self._make()

    def give_back(self, one: T) -> None:
        """Let others use it again. One whose use failed need not be given back."""
        self._free.append(one)

    @contextlib.contextmanager
    def borrow(self) -> Iterator[T]:
        """One for as long as the context lasts; it is not used again after an error."""
        one = self.take()
        yield one
        self.give_back(one)
