"""Real-time signal and image processing with plug-ins.

`apply` runs a chain over whole arrays, `create` makes one processor, `Stream` runs a source through a chain into sinks. A plug-in
author needs `SampleProcessor` or `FrameProcessor`, `Range`, and `hookimpl`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtkit.arrays import apply as apply
    from rtkit.errors import DeviceError as DeviceError
    from rtkit.errors import Enough as Enough
    from rtkit.errors import InputError as InputError
    from rtkit.errors import RtkitError as RtkitError
    from rtkit.errors import SpecError as SpecError
    from rtkit.errors import UsageError as UsageError
    from rtkit.hookspecs import hookimpl as hookimpl
    from rtkit.items import Block as Block
    from rtkit.items import Event as Event
    from rtkit.items import Frame as Frame
    from rtkit.items import FrameSpec as FrameSpec
    from rtkit.items import SampleSpec as SampleSpec
    from rtkit.parameters import Range as Range
    from rtkit.plugins import create as create
    from rtkit.processor import FrameProcessor as FrameProcessor
    from rtkit.processor import Processor as Processor
    from rtkit.processor import SampleProcessor as SampleProcessor
    from rtkit.processor import SplitFrameProcessor as SplitFrameProcessor
    from rtkit.report import Report as Report
    from rtkit.sink import Sink as Sink
    from rtkit.source import Options as Options
    from rtkit.source import Source as Source
    from rtkit.stream import Stream as Stream

_HOMES = {
    "arrays": ("apply",),
    "errors": ("DeviceError", "Enough", "InputError", "RtkitError", "SpecError", "UsageError"),
    "hookspecs": ("hookimpl",),
    "items": ("Block", "Event", "Frame", "FrameSpec", "SampleSpec"),
    "parameters": ("Range",),
    "plugins": ("create",),
    "processor": ("FrameProcessor", "Processor", "SampleProcessor", "SplitFrameProcessor"),
    "report": ("Report",),
    "sink": ("Sink",),
    "source": ("Options", "Source"),
    "stream": ("Stream",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load a public name at its first use, so that a plug-in that needs one class does not load the rest."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'rtkit' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"rtkit.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
