"""What sources of samples share: the size of blocks, names of channels, and cutting chunks into blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from rtkit.core.errors import InputError
from rtkit.core.items import Block, Samples

#: Samples in a block where nobody asked for a size: long enough to hide the cost of a call, short enough for the cache.
BLOCK_SAMPLES = 4096


def in_blocks(chunks: Iterable[Samples], size: int, rate: float, channels: tuple[str, ...]) -> Iterator[Block]:
    """Cut chunks ``[n, channels]`` of any length into blocks of `size` samples.

    What came before an `InputError` of `chunks` is delivered before the error is raised.
    """
    start, failure = 0, None
    rest: Samples | None = None
    try:
        for chunk in chunks:
            data = chunk if rest is None else np.concatenate([rest, chunk])
            whole = len(data) // size * size
            for first in range(0, whole, size):
                yield Block(data[first : first + size], start, rate, channels)
                start += size
            rest = data[whole:] if whole < len(data) else None
    except InputError as error:
        failure = error
    if rest is not None:
        yield Block(rest, start, rate, channels)
    if failure is not None:
        raise failure


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names of channels, each different: ``("ECG", "ECG")`` becomes ``("ECG", "ECG 2")``; an empty one, its number."""
    found: list[str] = []
    for number, name in enumerate(names, 1):
        plain = name = " ".join(name.split()) or str(number)
        count = 1
        while name in found:
            count += 1
            name = f"{plain} {count}"
        found.append(name)
    return tuple(found)


def channel_names(count: int) -> tuple[str, ...]:
    """Names of channels that have none: ``1``, ``2``, …; of a single one, ``mono``."""
    return ("mono",) if count == 1 else tuple(str(number + 1) for number in range(count))
