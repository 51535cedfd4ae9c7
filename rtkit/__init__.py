"""Real-time signal and image processing with plug-ins.

`apply` runs a chain over whole arrays, `Pipeline` over arrays as they come, `create` makes one processor, `Stream` runs a source through
a chain into sinks, `read` reads a recording. A plug-in author needs `SampleProcessor` or `FrameProcessor`, `Range`, and `hookimpl`.

What stands here, in `rtkit.models`, `rtkit.images` and `rtkit.testing` is the public interface, of version `CONTRACT`; all else may change.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtkit.arrays.apply import Pipeline as Pipeline
    from rtkit.arrays.apply import apply as apply
    from rtkit.arrays.read import Recording as Recording
    from rtkit.arrays.read import read as read
    from rtkit.cli.listing import show_table as show_table
    from rtkit.cli.progress import show_progress as show_progress
    from rtkit.core.endpoints import make_source as make_source
    from rtkit.core.errors import DeviceError as DeviceError
    from rtkit.core.errors import InputError as InputError
    from rtkit.core.errors import RtkitError as RtkitError
    from rtkit.core.errors import SpecError as SpecError
    from rtkit.core.errors import StepError as StepError
    from rtkit.core.errors import StopStream as StopStream
    from rtkit.core.errors import UsageError as UsageError
    from rtkit.core.files import make_folder as make_folder
    from rtkit.core.files import read_arrays as read_arrays
    from rtkit.core.files import write_arrays as write_arrays
    from rtkit.core.hookspecs import Register as Register
    from rtkit.core.hookspecs import hookimpl as hookimpl
    from rtkit.core.host import create as create
    from rtkit.core.host import host as host
    from rtkit.core.items import Block as Block
    from rtkit.core.items import Event as Event
    from rtkit.core.items import Frame as Frame
    from rtkit.core.items import FrameSpec as FrameSpec
    from rtkit.core.items import Image as Image
    from rtkit.core.items import Item as Item
    from rtkit.core.items import Samples as Samples
    from rtkit.core.items import SampleSpec as SampleSpec
    from rtkit.core.items import Spec as Spec
    from rtkit.core.parameters import Range as Range
    from rtkit.core.parameters import check_values as check_values
    from rtkit.core.processor import AnyProcessor as AnyProcessor
    from rtkit.core.processor import FrameProcessor as FrameProcessor
    from rtkit.core.processor import ParallelFrameProcessor as ParallelFrameProcessor
    from rtkit.core.processor import Processor as Processor
    from rtkit.core.processor import SampleProcessor as SampleProcessor
    from rtkit.core.processor import read_state as read_state
    from rtkit.core.processor import restore as restore
    from rtkit.core.report import Report as Report
    from rtkit.core.settings import Settings as Settings
    from rtkit.core.sink import Sink as Sink
    from rtkit.core.source import Options as Options
    from rtkit.core.source import Source as Source
    from rtkit.core.stream import Stream as Stream
    from rtkit.files.sink import FileSink as FileSink
    from rtkit.signals.blocks import BLOCK_SAMPLES as BLOCK_SAMPLES
    from rtkit.signals.blocks import channel_names as channel_names
    from rtkit.signals.blocks import in_blocks as in_blocks
    from rtkit.signals.blocks import unique_names as unique_names
    from rtkit.signals.table import TIME_COLUMNS as TIME_COLUMNS

_HOMES = {
    "cli.listing": ("show_table",),
    "cli.progress": ("show_progress",),
    "arrays.apply": ("Pipeline", "apply"),
    "signals.blocks": ("BLOCK_SAMPLES", "channel_names", "in_blocks", "unique_names"),
    "core.endpoints": ("make_source",),
    "core.errors": ("DeviceError", "InputError", "RtkitError", "SpecError", "StepError", "StopStream", "UsageError"),
    "core.files": ("make_folder", "read_arrays", "write_arrays"),
    "files.sink": ("FileSink",),
    "core.hookspecs": ("Register", "hookimpl"),
    "core.host": ("create", "host"),
    "core.items": ("Block", "Event", "Frame", "FrameSpec", "Image", "Item", "SampleSpec", "Samples", "Spec"),
    "core.parameters": ("Range", "check_values"),
    "core.processor": ("AnyProcessor", "FrameProcessor", "ParallelFrameProcessor", "Processor", "SampleProcessor", "read_state", "restore"),
    "arrays.read": ("Recording", "read"),
    "core.report": ("Report",),
    "core.settings": ("Settings",),
    "core.sink": ("Sink",),
    "core.source": ("Options", "Source"),
    "core.stream": ("Stream",),
    "signals.table": ("TIME_COLUMNS",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
#: Names of 0.1 that are understood, with a warning, until 0.3.
_RENAMED = {"Enough": "StopStream", "SplitFrameProcessor": "ParallelFrameProcessor"}

#: Version of the contract between rtkit and plug-ins.
CONTRACT = 2

__all__ = ["CONTRACT", *sorted(_HOME_OF)]
__version__ = "0.2.0"


if not TYPE_CHECKING:  # or every name would be there for a type checker

    def __getattr__(name: str) -> Any:
        """Load a public name at its first use, so that a plug-in that needs one class does not load the rest."""
        if name in _RENAMED:
            import warnings

            warnings.warn(f"rtkit.{name} is called rtkit.{_RENAMED[name]} now", DeprecationWarning, stacklevel=2)
            name = _RENAMED[name]
        if name not in _HOME_OF:
            raise AttributeError(f"module 'rtkit' has no attribute {name!r}")
        value = getattr(importlib.import_module(f"rtkit.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
