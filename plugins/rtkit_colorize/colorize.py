"""`colorize`: colours for grey frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from rtkit import Frame, FrameSpec, Image, Range
from rtkit.images import to_grey
from rtkit.models import OnnxFrameProcessor
from rtkit_colorize.chroma import join
from rtkit_colorize.smoothing import ChromaSmoother

if TYPE_CHECKING:
    from rtkit_colorize.network import Colours

#: Every so many pixels a frame is asked whether it has colours, and the largest difference between the channels of a grey pixel (levels):
#: what video codecs leave.
SAMPLING_PIXELS, GREY_LEVELS = 16, 12


@dataclass(eq=False)
class Colorize(OnnxFrameProcessor):
    """Gives grey frames colours; of a colour frame, only its grey is used.

    The network takes a small grey picture and gives the chroma (Cr and Cb of ITU-R BT.601) of each place; the frame's own luma is kept
    at full resolution, so the grey of what comes out is the grey that went in, but where a colour is beyond what a screen shows.

    Parameters
    ----------
    model : str
        chroma: the default; designed: the autoencoder that makes whole pictures, at less than a frame a second; an ONNX file or a folder
        with model.onnx that takes a grey picture and gives chroma or colours.
    size : int
        The network's picture has as many pixels as a square of this side (pixels), and the frame's proportions. 0: 224 for a network that
        gives chroma; the frame's own size for one that gives colours.
    smooth : float
        Time constant (s) of the temporal smoothing of the chroma, less where the picture moves; begun anew when the scene changes; 0 for
        none.

    Raises
    ------
    InputError
        By `open`: no such model, or one that does not take grey pictures.
    """

    live: ClassVar[tuple[str, ...]] = ("smooth",)
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"size": 64}, {"size": 64, "smooth": 0.0}, {"model": "designed", "size": 32})

    model: str = "chroma"
    size: Annotated[int, Range(0, 4096)] = 0
    smooth: Annotated[float, Range(0, 60)] = 1.0

    def open(self, spec: FrameSpec) -> FrameSpec:
        """Load the network and fit it to the frames."""
        from rtkit_colorize.network import ColorizeNetwork

        super().open(spec)
        self._network = ColorizeNetwork(self.model, self.load_model)
        self._network.open(spec, self.size)
        self._smoother = ChromaSmoother()
        self._frames = self._had_colours = 0
        return FrameSpec(spec.width, spec.height, spec.fps)

    def infer(self, frame: Frame) -> Colours:
        """Run the network."""
        return self._network.run(frame.image)

    def render(self, frame: Frame, found: Any) -> Frame:
        """Join the frame's luma with the chroma, smoothed; a whole picture is shown as it is."""
        self._frames += 1
        self._had_colours += has_colours(frame.image)
        if not self._network.gives_chroma:
            return frame.with_data(found)
        grey = to_grey(frame.image)
        return frame.with_data(join(grey, self._smoother(found, grey, frame.time, self.smooth)))

    def state(self) -> dict[str, Any]:
        """What the temporal smoothing remembers."""
        return self._smoother.state()

    def load_state(self, state: dict[str, Any]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            An array is missing or of another shape.
        """
        self._smoother.load_state(state)

    def summary(self) -> dict[str, Any]:
        """Frames that were `coloured`, and how many of them `had_colours` of their own, which were replaced."""
        if not self._frames:
            return {}
        found: dict[str, Any] = {"coloured": self._frames, "had_colours": self._had_colours}
        if self._had_colours == self._frames:
            found["warnings"] = ["Every frame had colours of its own; only its grey was used."]
        return found


def has_colours(image: Image) -> bool:
    """Whether a frame has colours, by a sample of its pixels."""
    if image.ndim == 2:
        return False
    some = image[::SAMPLING_PIXELS, ::SAMPLING_PIXELS]
    return bool((some.max(axis=2) - some.min(axis=2) > GREY_LEVELS).any())
