"""`vae`: where a frame lies among the pictures that a variational autoencoder knows, what it makes of it, and how strange it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from rtkit import Frame, FrameSpec, ParallelFrameProcessor, Range
from rtkit.images import to_colour

if TYPE_CHECKING:
    from rtkit_vae.bound import Floats
    from rtkit_vae.network import Bounds


@dataclass(eq=False)
class Vae(ParallelFrameProcessor):
    """Looks at the square in the middle of each frame with a variational autoencoder of Fashion-MNIST.

    Draws what the network sees and what it makes of it side by side, and, where the latent has two values, its place on a map of the
    pictures that the network learned from.

    Events of kind ``latent``: the anomaly, 0 to 1, is the share of held-out pictures of clothes that cost less than this one; `z`, the mean
    of the latent; `elbo` (nats, negative), the evidence lower bound; `excess` (nats), by how much its negative is above the entropy of the
    pixels.

    Parameters
    ----------
    model : str
        2d, two values; 16d, sixteen; designed, two values by the network as it was designed; or a folder.
    anomaly : str
        What it is measured by: elbo, or excess, which does not take plain pictures for usual ones.
    background : str
        auto: the median of the outermost pixels is made black, as in Fashion-MNIST, and a thing that is darker than that is turned light;
        black: pictures are taken as they are; white: dark and light change places.
    threads : int
        Threads for one call of the network.
    providers : str
        Execution providers in order of preference, cuda+openvino; RTKIT_PROVIDERS when not given.

    Raises
    ------
    InputError
        By `open`: no such model, or a damaged one.
    """

    live: ClassVar[tuple[str, ...]] = ("anomaly", "background")

    model: str = "2d"
    anomaly: Literal["elbo", "excess"] = "elbo"
    background: Literal["auto", "black", "white"] = "auto"
    threads: Annotated[int, Range(1, 64)] = 1
    providers: str | None = None

    def open(self, spec: FrameSpec) -> FrameSpec:
        """Load the network and what is known of its pictures."""
        from rtkit_vae.known import read
        from rtkit_vae.network import Autoencoder

        super().open(spec)
        self._network = Autoencoder(self.model, self.threads, self.providers)
        self._known = read(self._network)
        return FrameSpec(spec.width, spec.height, spec.fps)

    def infer(self, frame: Frame) -> tuple[Floats, Bounds]:
        """Encode and decode."""
        from rtkit_vae.view import on_black, squared

        picture = on_black(self._network.picture(squared(frame.image)), self.background)
        return picture, self._network(picture[None])

    def render(self, frame: Frame, found: Any) -> Frame:
        """Tell of it, and draw it on the frame."""
        from rtkit.images import write_lines
        from rtkit_vae import drawing

        picture, bounds = found
        cost, excess = float(bounds.negative_elbo[0]), float(bounds.excess[0])
        score = self._known.excess(excess) if self.anomaly == "excess" else self._known.negative_elbo(cost)
        z = [round(float(value), 5) for value in bounds.mean[0]]
        self.emit(frame.time, "latent", None, round(score, 6), z=z, elbo=round(-cost, 4), excess=round(excess, 4))
        image = to_colour(frame.image)
        image = image.copy() if image is frame.image else image
        drawing.beside(image, picture, bounds.made[0])
        if self._known.map is not None:
            drawing.place(image, self._known.map, bounds.mean[0])
        write_lines(image, [f"anomaly {score:.2f}", f"-ELBO {cost:.0f}"])
        return frame.with_data(image)
