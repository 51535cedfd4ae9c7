"""What a page asks for: checked, made into a stream, and written down as a pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rtkit.core.host import create, host
from rtkit.core.processor import AnyProcessor
from rtkit.core.source import Source
from rtkit.core.stream import Stream
from rtkit.files.pipeline import write_pipeline
from rtkit.live.browser import BrowserCamera, BrowserMicrophone
from rtkit.live.folder import Folder
from rtkit.live.messages import Describe, StepRequest, Value


@dataclass(slots=True)
class StreamRequest:
    """A stream as a page sees it.

    Attributes
    ----------
    folder : Folder
        Where its files are.
    source, far : str
        Their names; files relative to the folder.
    steps : list of StepRequest
        Text that names a file is a path here.
    realtime : bool
        Play a file at the pace of the clock.
    rate : float or None
        Of the browser's microphone (Hz).
    """

    folder: Folder
    source: str
    far: str | None = None
    steps: list[StepRequest] = field(default_factory=list)
    realtime: bool = False
    rate: float | None = None

    @classmethod
    def checked(cls, message: Describe, folder: Folder) -> StreamRequest:
        """Check what a page asks for.

        Raises
        ------
        InputError, UsageError
            A file outside the folder, a device that a page may not name, a processor or parameter that does not exist.
        """
        steps = [StepRequest(step.processor, with_paths(step.values, folder)) for step in message.steps]
        request = cls(folder, message.source, message.far, steps, message.realtime, message.rate)
        for name in (request.source, request.far):
            if name is not None:
                request.resolve(name)
        for step in steps:
            _make(step)
        return request

    @classmethod
    def of_stream(cls, stream: Stream, folder: Folder) -> StreamRequest:
        """What somebody could have asked for who made this stream elsewhere."""
        steps = [StepRequest(name, step.parameters()) for name, step in zip(stream.chain.names, stream.chain.steps, strict=True)]
        return cls(folder, stream.source.name, steps=steps)

    def resolve(self, source: str) -> str:
        """A source as a stream takes it: a device, or the path of a file below the folder; raises InputError for anything else."""
        if source in (BrowserCamera.name, BrowserMicrophone.name) or may_name(source):
            return source
        return str(self.folder.find(source))

    def make(self) -> Stream:
        """Make the stream.

        Raises
        ------
        InputError, UsageError, DeviceError
            As the stream's parts have them.
        """
        source: str | Source = self.resolve(self.source)
        if source == BrowserCamera.name:
            source = BrowserCamera()
        elif source == BrowserMicrophone.name:
            source = BrowserMicrophone(self.rate or 0.0)
        far = None if self.far is None else self.resolve(self.far)
        stream = Stream(source, [_make(step) for step in self.steps], far=far, realtime=self.realtime)
        stream.chain.names = [step.processor for step in self.steps]
        return stream

    def toml(self) -> str:
        """As a pipeline file for `rtkit run`, the browser's devices replaced by those of the machine that runs it."""
        settings: dict[str, Any] = {"source": self.source, "far": self.far, "realtime": self.realtime or None}
        if self.source == BrowserCamera.name:
            settings |= {"source": "camera"}
        elif self.source == BrowserMicrophone.name:
            settings |= {"source": "mic", "far": "speaker-monitor"}
        settings["steps"] = [{"processor": step["processor"], **step["values"]} for step in self.describe_steps()]
        return write_pipeline({key: value for key, value in settings.items() if value is not None})

    def describe_steps(self) -> list[dict[str, Any]]:
        """The steps for a page, files relative to the folder."""
        root = f"{self.folder.root}/"
        return [
            {
                "processor": step.processor,
                "values": {key: value.removeprefix(root) if isinstance(value, str) else value for key, value in step.values.items()},
            }
            for step in self.steps
        ]


def may_name(source: str) -> bool:
    """Whether a page may ask for this source: one whose class is open to pages, and no path."""
    sources, kind = host().sources, source.partition(":")[0]
    return kind in sources and sources[kind].open_to_pages and "/" not in source and "\\" not in source


def with_paths(values: dict[str, Value], folder: Folder) -> dict[str, Value]:
    """Parameters from a page: text that names a file as a path; raises InputError for one outside the folder."""
    return {name: folder.value(value) if isinstance(value, str) else value for name, value in values.items()}


def _make(step: StepRequest) -> AnyProcessor:
    """Make a processor; raises UsageError for a name or value that does not fit."""
    return create(step.processor, **step.values)
