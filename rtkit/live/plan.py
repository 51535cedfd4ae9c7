"""What a page wants to run: checked, made into a stream, and written down as a pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rtkit.core.host import create
from rtkit.core.processor import AnyProcessor
from rtkit.core.settings import write_pipeline
from rtkit.core.source import Source
from rtkit.core.stream import Stream
from rtkit.live.browser import BrowserCamera, BrowserMicrophone
from rtkit.live.folder import Folder
from rtkit.live.messages import Describe, Value

#: Devices that a page may name beside files and the browser's own; the text before a colon.
DEVICES = ("mic", "camera", "speaker-monitor", "synth", "lsl")


@dataclass(slots=True)
class Step:
    """A processor by name, and its parameters."""

    processor: str
    values: dict[str, Value]

    def make(self) -> AnyProcessor:
        """Make the processor; raises UsageError for a name or value that does not fit."""
        return create(self.processor, **self.values)


@dataclass(slots=True)
class Plan:
    """A stream as a page sees it.

    Attributes
    ----------
    source, far : str
        Their names; files relative to the folder.
    steps : list of Step
        Text that names a file is a path here.
    realtime : bool
        Play a file at the pace of the clock.
    rate : float or None
        Of the browser's microphone (Hz).
    """

    folder: Folder
    source: str
    far: str | None = None
    steps: list[Step] = field(default_factory=list)
    realtime: bool = False
    rate: float | None = None

    @classmethod
    def of(cls, wish: Describe, folder: Folder) -> Plan:
        """Check what a page asks for.

        Raises
        ------
        InputError, UsageError
            A file outside the folder, a device that a page may not name, a processor or parameter that does not exist.
        """
        steps = [Step(step.processor, values(step.values, folder)) for step in wish.steps]
        plan = cls(folder, wish.source, wish.far, steps, wish.realtime, wish.rate)
        for name in (plan.source, plan.far):
            if name is not None:
                plan.named(name)
        for step in steps:
            step.make()
        return plan

    @classmethod
    def running(cls, stream: Stream, folder: Folder) -> Plan:
        """A stream that was made elsewhere."""
        steps = [Step(name, step.parameters()) for name, step in zip(stream.chain.names, stream.chain.steps, strict=True)]
        return cls(folder, stream.source.name, steps=steps)

    def named(self, source: str) -> str:
        """A source as a stream takes it: a device, or the path of a file below the folder; raises InputError for anything else."""
        if source in (BrowserCamera.name, BrowserMicrophone.name):
            return source
        if source.partition(":")[0] in DEVICES and "/" not in source and "\\" not in source:
            return source
        return str(self.folder.find(source))

    def make(self) -> Stream:
        """Make the stream.

        Raises
        ------
        InputError, UsageError, DeviceError
            As the stream's parts have them.
        """
        source: str | Source = self.named(self.source)
        if source == BrowserCamera.name:
            source = BrowserCamera()
        elif source == BrowserMicrophone.name:
            source = BrowserMicrophone(self.rate or 0.0)
        far = None if self.far is None else self.named(self.far)
        stream = Stream(source, [step.make() for step in self.steps], far=far, realtime=self.realtime)
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


def values(given: dict[str, Value], folder: Folder) -> dict[str, Value]:
    """Parameters from a page: text that names a file as a path; raises InputError for one outside the folder."""
    return {name: folder.value(value) if isinstance(value, str) else value for name, value in given.items()}
