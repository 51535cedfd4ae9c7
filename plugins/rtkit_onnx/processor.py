"""`onnx`: runs a model on frames, on windows of a signal, or step by step with its state, as the shapes in its file say."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from rtkit import FrameSpec, Item, Range, Spec
from rtkit.models import OnnxProcessor

Normalise = Literal["auto", "raw", "zscore", "unit", "symmetric", "imagenet"]


@dataclass(eq=False)
class Onnx(OnnxProcessor[Any, Any]):
    """Runs an ONNX model: a user's own file, or one that comes with a plug-in (`rtkit model`).

    What goes in is read from the file. Frames, if the stream has them: the model takes ``[n, 3, h, w]`` or ``[n, h, w, 3]`` (1 for
    grey), float or uint8; a picture that comes out replaces the frame. Step by step, if the file has states (an input and an output of
    one shape, such as ``h`` and ``h_out``). Else windows: the last so many samples, every `hop` samples; ``[n, time, channels]``, or the
    axes in another order or fewer.

    From a signal comes a signal: what the model gives sample by sample, late by the length of a step if that is fixed; or, where it
    gives a few numbers, these, held from one window to the next.

    Events of kind ``onnx``, one a window or frame where the output is no signal or picture: `label` and `score` if the card names classes,
    and the outputs by name.

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

    Raises
    ------
    InputError
        By `open`: no such model, a damaged one, or one whose inputs fit no stream.
    SpecError
        By `open`: the model takes another number of channels, or another rate.
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"model": "heartbeat/step"})

    model: str = "heartbeat"
    hop: Annotated[int, Range(1, 10_000_000)] | None = None
    window: Annotated[int, Range(1, 10_000_000)] | None = None
    normalise: Normalise = "auto"
    colour: Literal["rgb", "bgr"] = "rgb"

    def open(self, spec: Spec) -> Spec:
        """Load the model and choose how to run it."""
        from rtkit.models import choose_normalisation
        from rtkit_onnx.pictures import Pictures
        from rtkit_onnx.signals import Signals

        super().open(spec)
        model = self.load_model(self.model)
        normalisation = choose_normalisation(self.normalise, self.colour, model.card)
        self._runner: Any  # Pictures or Signals
        if isinstance(spec, FrameSpec):
            self._runner = Pictures(model, normalisation)
        else:
            self._runner = Signals(model, normalisation, self.window, self.hop)
        opened: Spec = self._runner.open(spec)
        self.latency = self._runner.latency
        self._labels: Counter[str] = Counter()
        self._unlabelled = 0
        return opened

    def process(self, item: Item) -> Item:
        """Run the model on one block or frame."""
        out: Item = self._runner.process(item)
        self._hand_on_events()
        return out

    def close(self) -> Item | None:
        """The end of a signal that comes late."""
        tail: Item | None = self._runner.close()
        self._hand_on_events()
        return tail

    def _hand_on_events(self) -> None:
        for event in self._runner.events:
            if event.label is None:
                self._unlabelled += 1
            else:
                self._labels[event.label] += 1
        self.events += self._runner.events
        self._runner.events.clear()

    def summary(self) -> dict[str, Any]:
        """`labels`, windows or frames by class; `unlabelled`, those that gave numbers alone."""
        found: dict[str, Any] = {"labels": dict(self._labels.most_common())} if self._labels else {}
        return found | ({"unlabelled": self._unlabelled} if self._unlabelled else {})

    def state(self) -> dict[str, Any]:
        """What the runner remembers: samples on their way, and the model's state."""
        state: dict[str, Any] = self._runner.state()
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Put back what `state` gave."""
        self._runner.load_state(state)
