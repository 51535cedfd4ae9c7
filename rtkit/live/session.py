"""The stream of a live page: started, steered and ended from there."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rtkit.core.errors import InputError, RtkitError, UsageError
from rtkit.core.items import FrameSpec, SampleSpec, Spec
from rtkit.core.parameters import check_values
from rtkit.core.processor import AnyProcessor
from rtkit.core.report import Report
from rtkit.core.source import Source
from rtkit.core.stream import Stream
from rtkit.live.browser import BrowserCamera, BrowserMicrophone
from rtkit.live.folder import Folder
from rtkit.live.messages import Describe, Set
from rtkit.live.recorder import Recorder
from rtkit.live.request import StreamRequest, with_paths
from rtkit.live.tap import StreamTap
from rtkit.provided.views import Form

#: Time (s) that a stream gets to end.
END_TIMEOUT_S = 10.0
#: Time (s) after which a page that changed a parameter is answered though no item has come between which it could be set.
SET_TIMEOUT_S = 1.0


class Session:
    """At most one stream at a time, the last one's report and recordings, and who wants to hear of changes.

    Parameters
    ----------
    folder : Folder
        Where files are.
    forms : mapping of str to str
        How signals are drawn, by the processors and the kinds of events that have a view which says so.

    Attributes
    ----------
    state : str
        ``idle``, ``starting``, ``running``, ``paused``, ``stopping`` or ``ended``.
    run : int
        Streams started so far: a short one may have ended before a page hears of it.
    error : str or None
        Why the last stream ended early.
    report : Report or None
        Of the stream, while it runs and afterwards.
    request : StreamRequest or None
        What runs, or ran last.
    tap : StreamTap or None
        What there is to see of it.
    source : Source or None
        Where the stream's items come from, while it runs; a page feeds it if it is the browser.
    attached : bool
        The stream is one of the command line: a page can steer, but not start another.
    listeners : list of function
        Called, by any thread, when the state has changed.
    """

    def __init__(self, folder: Folder, forms: Mapping[str, Form] = MappingProxyType({})) -> None:
        self.folder = folder
        self._forms = forms
        self.state = "idle"
        self.run = 0
        self.error: str | None = None
        self.report: Report | None = None
        self.request: StreamRequest | None = None
        self.tap: StreamTap | None = None
        self.source: Source | None = None
        self.attached = False
        self.listeners: list[Callable[[], None]] = []
        self._recordings = tempfile.TemporaryDirectory(prefix="rtkit-live-")
        self._stream: Stream | None = None
        self._steps: list[AnyProcessor] = []
        self._thread: threading.Thread | None = None
        self._lock = threading.RLock()

    def attach(self, stream: Stream) -> None:
        """Watch a stream that somebody else runs; tell by `ended` when it has."""
        self.attached = True
        self.request = StreamRequest.of_stream(stream, self.folder)
        self._take(stream)
        self._change("starting")

    def start(self, message: Describe) -> None:
        """Start a stream in a thread of its own.

        Raises
        ------
        InputError, UsageError
            One runs already, or this one cannot be made.
        """
        request = StreamRequest.checked(message, self.folder)
        with self._lock:
            if self.attached:
                raise UsageError("this page shows a stream of the command line; it starts no other")
            if self.state not in ("idle", "ended"):
                raise UsageError("a stream is running; stop it first")
            self.request, self.tap, self.report, self.error = request, None, None, None
            self.run += 1
            self._change("starting")
        self._thread = threading.Thread(target=self._run, args=(request,), name="stream", daemon=True)
        self._thread.start()

    def _run(self, request: StreamRequest) -> None:
        try:
            stream = request.make()
            with self._lock:
                if self.state == "stopping":
                    return
                self._take(stream)
            stream.run()
        except Exception as error:
            if self.state == "stopping":  # what was asked to stop may say that nothing came
                return
            self.error = str(error) if isinstance(error, RtkitError) else f"{type(error).__name__}: {error}"
        finally:
            self.ended()

    def _take(self, stream: Stream) -> None:
        self._stream, self.report, self.source = stream, stream.report, stream.source
        self._steps = list(stream.chain.steps)
        tap = StreamTap(Recorder(Path(self._recordings.name)), isinstance(stream.source, BrowserCamera), self._forms)
        tap.opened = lambda: self._change("running")
        tap.attach(stream)
        self.tap = tap

    def ended(self) -> None:
        """Note that the stream has ended."""
        with self._lock:
            self._stream = self.source = None
            self._change("ended")

    def stop(self) -> None:
        """Ask the stream to end."""
        with self._lock:
            if self.state in ("idle", "ended"):
                return
            self._change("stopping")
            if self._stream is not None:
                self._stream.stop()

    def pause(self, paused: bool) -> None:
        """Pause the stream, or let it go on."""
        with self._lock:
            if self.tap is not None and self.state in ("running", "paused"):
                self.tap.pause(paused)
                self._change("paused" if paused else "running")

    def set(self, message: Set) -> None:
        """Change live parameters of a step, between two items; waits until it is done, but not for a stream to which nothing comes.

        Raises
        ------
        InputError, UsageError
            No such step, no live parameter, or a value that does not fit.
        """
        stream, request = self._stream, self.request
        if stream is None or request is None or not 0 <= message.step < len(self._steps):
            raise UsageError(f"no running step has number {message.step}")
        processor, step = self._steps[message.step], request.steps[message.step]
        values = with_paths(message.values, self.folder)
        processor.check_live(values)
        check_values(type(processor), values)
        done: Future[None] = Future()

        def change() -> None:
            try:
                processor.set(**values)
            except Exception as error:  # what it cannot do after all, such as find a class of that name: no reason to end the stream
                done.set_exception(error if isinstance(error, RtkitError) else UsageError(f"{type(error).__name__}: {error}"))
            else:
                step.values.update(values)
                done.set_result(None)
                self._notify()

        stream.between_items(change)
        with contextlib.suppress(TimeoutError):  # the next item brings it, if there is one
            done.result(0 if self.state == "paused" else SET_TIMEOUT_S)

    def record(self, on: bool) -> None:
        """Switch the recording.

        Raises
        ------
        InputError
            There is nothing to record, or no room for it.
        """
        if self.tap is None or self._stream is None:
            raise InputError("recording: no stream is running")
        self.tap.recorder.switch(on)
        self._notify()

    def feed(self, index: int, content: bytes, source: type[BrowserCamera] | type[BrowserMicrophone]) -> None:
        """Hand on what a page's camera or microphone gave; nobody waits for it if the stream's source is another.

        Raises
        ------
        InputError
            It is not what the source takes.
        """
        if isinstance(self.source, source):
            self.source.put(index, content)

    def recordings(self) -> list[Path]:
        """The recorded files."""
        return sorted(Path(self._recordings.name).iterdir())

    def describe(self) -> dict[str, Any]:
        """The state, for a page."""
        recorder = None if self.tap is None else self.tap.recorder
        error = self.error or (None if recorder is None else recorder.error)
        return {
            "is": "state",
            "run": self.run,
            "state": self.state,
            "error": None if error is None else self.folder.without_paths(error),
            "stream": None if self.request is None else self._describe_stream(self.request),
            "recording": recorder is not None and recorder.on,
            "recordings": [{"name": path.name, "bytes": path.stat().st_size} for path in self.recordings()],
        }

    def describe_report(self) -> dict[str, Any]:
        """The report, for a page: files by their names."""
        if self.report is None:
            return {}
        found, hide = self.report.to_dict(), self.folder.without_paths
        counts = {hide(place): counts for place, counts in found["counts"].items()}
        error = None if found["error"] is None else hide(found["error"])
        return found | {"source": hide(found["source"]), "sinks": [hide(name) for name in found["sinks"]], "counts": counts, "error": error}

    def _describe_stream(self, request: StreamRequest) -> dict[str, Any]:
        live = [list(step.live) for step in self._steps] or [[] for _ in request.steps]
        before, after = (None, None) if self.tap is None else (self.tap.input_spec, self.tap.output_spec)
        return {
            "source": self.folder.without_paths(request.source),
            "far": request.far,
            "steps": [{**step, "live": names} for step, names in zip(request.describe_steps(), live, strict=False)],
            "gives": None if before is None else "frames" if isinstance(before, FrameSpec) else "samples",
            "in": _describe_spec(before),
            "out": _describe_spec(after),
            "live": self.tap is not None and self.tap.live,
        }

    def _change(self, state: str) -> None:
        with self._lock:
            if not (state == "running" and self.state == "stopping"):
                self.state = state
        self._notify()

    def _notify(self) -> None:
        """Tell those who want to hear of changes."""
        for listener in tuple(self.listeners):
            listener()

    def close(self) -> None:
        """End the stream and remove the recordings."""
        self.stop()
        if self._thread is not None:
            self._thread.join(END_TIMEOUT_S)
        self._recordings.cleanup()


def _describe_spec(spec: Spec | None) -> dict[str, Any] | None:
    if isinstance(spec, SampleSpec):
        return {"rate": spec.rate, "channels": spec.channels}
    return None if spec is None else {"width": spec.width, "height": spec.height, "fps": spec.fps}
