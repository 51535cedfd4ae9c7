"""A whole file as an array."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray

from rtkit.core.endpoints import make_source
from rtkit.core.errors import InputError
from rtkit.core.items import Block, SampleSpec
from rtkit.core.settings import Settings, check_settings, options_of


class Recording(NamedTuple):
    """Samples ``[n, channels]`` float32, their rate (Hz), and the names of the channels."""

    samples: NDArray[np.float32]
    rate: float
    channels: tuple[str, ...]


def read(source: str | Path, **settings: Unpack[Settings]) -> Recording:
    """Read a whole recording, of every format that a source reads: ``samples, rate, channels = rtkit.read("call.wav")``.

    Parameters
    ----------
    source : str or Path
        A file, or whatever else a stream takes; of a live source with ``seconds=``.
    **settings
        As of a stream: `rate` of a table that does not tell its own, `far`, and so on.

    Returns
    -------
    Recording
        A tuple of three: samples ``[n, channels]`` float32, rate (Hz), names of the channels.

    Raises
    ------
    InputError
        It is missing, damaged, or holds frames.
    """
    checked: dict[str, Any] = dict(check_settings(settings))
    made = make_source(str(source), options_of(check_settings(settings)), far=checked.get("far"))
    most = None
    parts: list[NDArray[Any]] = []
    count = 0
    try:
        spec = made.open()
        if not isinstance(spec, SampleSpec):
            raise InputError(f"{made.name}: holds {spec}; expected samples. A stream gives frames one by one: rtkit.Stream(…)")
        most = round(checked["seconds"] * spec.rate) if "seconds" in checked else None
        for block in made:
            assert isinstance(block, Block)
            parts.append(np.asarray(block.data, np.float32))
            count += len(block.data)
            if most is not None and count >= most:
                made.stop()
                break
    finally:
        made.close()
    return Recording(np.concatenate(parts)[:most] if parts else np.zeros((0, len(spec.channels)), np.float32), spec.rate, spec.channels)
