"""`colorize`: colours for grey frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from rtkit import Frame, FrameSpec, ParallelFrameProcessor, Range
from rtkit.images import to_grey
from rtkit_colorize.chroma import join
from rtkit_colorize.steady import Steady

if TYPE_CHECKING:
    from rtkit_colorize.network import Answer


@dataclass(eq=False)
class Colorize(ParallelFrameProcessor):
    """Gives grey frames colours; of a colour frame, only its grey is looked at.

    The network sees a small grey picture and says the chroma (Cr and Cb of ITU-R BT.601) of each place; the frame's own luma is kept
    at full resolution, so the grey of what comes out is the grey that went in, but where a colour is beyond what a screen shows.

    Parameters
    ----------
    model : str
        chroma: the default; designed: the autoencoder that makes whole pictures, at less than a frame a second; an ONNX file or a folder
        with model.onnx that takes a grey picture and gives chroma or colours.
    size : int
        The network's picture has as many pixels as a square of this side, and the frame's proportions. 0: 224 for a network that gives
        chroma; the frame's own size for one that gives colours.
    smooth : float
        Time constant (s) by which the chroma is steadied where the picture stands still; begun anew when the scene changes; 0 for none.
    threads : int
        Threads for one call of the network.
    providers : str
        Execution providers in order of preference, cuda+openvino; RTKIT_PROVIDERS when not given.

    Raises
    ------
    InputError
        By `open`: no such model, or one that does not take grey pictures.
    """

    live: ClassVar[tuple[str, ...]] = ("smooth",)

    model: str = "chroma"
    size: Annotated[int, Range(0, 4096)] = 0
    smooth: Annotated[float, Range(0, 60)] = 1.0
    threads: Annotated[int, Range(1, 64)] = 1
    providers: str | None = None

    def open(self, spec: FrameSpec) -> FrameSpec:
        """Load the network and fit it to the frames."""
        from rtkit_colorize.network import Network

        super().open(spec)
        self._network = Network(self.model, self.threads, self.providers)
        self._network.open(spec, self.size)
        self._steady = Steady()
        return FrameSpec(spec.width, spec.height, spec.fps)

    def infer(self, frame: Frame) -> Answer:
        """Run the network."""
        return self._network.look(frame.image)

    def render(self, frame: Frame, found: Any) -> Frame:
        """Join the frame's luma with the chroma, steadied; a whole picture is shown as it is."""
        if not self._network.gives_chroma:
            return frame.with_data(found)
        grey = to_grey(frame.image)
        return frame.with_data(join(grey, self._steady(found, grey, frame.time, self.smooth)))
