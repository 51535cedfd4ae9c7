"""`onnx`: runs a model on frames, on windows of a signal, or step by step with its state, as the shapes in its file say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from rtkit import FrameSpec, Item, Processor, Range, Spec

Normalise = Literal["auto", "raw", "zscore", "unit", "symmetric", "imagenet"]


@dataclass(eq=False)
class Onnx(Processor[Any, Any]):
    """Runs an ONNX model: a user's own file, or one that comes with a plug-in (`rtkit model`).

    What goes in is read from the file. Frames, if the stream has them: the model takes ``[n, 3, h, w]`` or ``[n, h, w, 3]`` (1 for
    grey), float or uint8; a picture that comes out replaces the frame. Step by step, if the file has states (an input and an output of
    one shape, such as ``h`` and ``h_out``). Else windows: the last so many samples, every `hop` samples; ``[n, time, channels]``, or the
    axes in another order or fewer.

    From a signal comes a signal: what the model answers sample by sample, late by the length of a step if that is fixed; or, where it
    answers with a few numbers, these, held from one window to the next.

    Events of kind ``onnx``, one a window or frame where the answer is no signal or picture: `label` and `score` if the card names classes,
    and the answers by name.

    Parameters
    ----------
    model : str
        A file, a folder with model.onnx, or the name of a shipped model; NAME/step for its stateful form.
    hop : int
        Samples from one window to the next, no more than a window has if a signal comes out; a window's length when not given.
    window : int
        Samples in a window or step, for a model that takes any length.
    normalise : str
        What to do to the input: auto (as the card says; without a card, unit for pictures of floats), raw, zscore (each window),
        unit (pixels 0 to 1), symmetric (-1 to 1), imagenet.
    colour : str
        Order of colours that a model without a card takes.
    threads : int
        Threads for one call.
    providers : str
        Execution providers in order of preference, cuda+openvino; RTKIT_PROVIDERS when not given.

    Raises
    ------
    InputError
        By `open`: no such model, a damaged one, or one whose inputs fit no stream.
    SpecError
        By `open`: the model takes another number of channels, or another rate.
    """

    model: str = "heartbeat"
    hop: Annotated[int, Range(1, 10_000_000)] | None = None
    window: Annotated[int, Range(1, 10_000_000)] | None = None
    normalise: Normalise = "auto"
    colour: Literal["rgb", "bgr"] = "rgb"
    threads: Annotated[int, Range(1, 64)] = 1
    providers: str | None = None

    def open(self, spec: Spec) -> Spec:
        """Load the model and choose how to run it."""
        from rtkit.models import choose, load
        from rtkit_onnx.pictures import Pictures
        from rtkit_onnx.signals import Signals

        super().open(spec)
        model = load(self.model, self.threads, self.providers)
        normalisation = choose(self.normalise, self.colour, model.card)
        self._runner: Any
        if isinstance(spec, FrameSpec):
            self._runner = Pictures(model, normalisation)
        else:
            self._runner = Signals(model, normalisation, self.window, self.hop)
        opened: Spec = self._runner.open(spec)
        self.latency = self._runner.latency
        self._runner.events = self.events
        return opened

    def process(self, item: Item) -> Item:
        """Run the model on one block or frame."""
        self._runner.events = self.events  # whoever drives this may have put another list there
        out: Item = self._runner.process(item)
        return out

    def close(self) -> Item | None:
        """The end of a signal that comes late."""
        self._runner.events = self.events
        tail: Item | None = self._runner.close()
        return tail

    def state(self) -> dict[str, Any]:
        """What the runner remembers: samples on their way, and the model's state."""
        state: dict[str, Any] = self._runner.state()
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Put back what `state` gave."""
        self._runner.load_state(state)
