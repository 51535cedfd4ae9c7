"""`vae`: where a frame lies in the latent space of a variational autoencoder, its reconstruction, and how anomalous it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rtkit import Frame, FrameSpec
from rtkit.images import colour_copy
from rtkit.models import OnnxFrameProcessor

if TYPE_CHECKING:
    from rtkit_vae.elbo import Floats
    from rtkit_vae.network import Encoded

#: Mean anomaly beyond which a run is warned of; that of held-out pictures is 0.5.
HIGH_ANOMALY = 0.95


@dataclass(eq=False)
class Vae(OnnxFrameProcessor):
    """Encodes the centre square of each frame with a variational autoencoder of Fashion-MNIST.

    Draws the picture that the network takes and its reconstruction side by side, and, where the latent has two values, its place on a map
    of the pictures that the network learned from.

    Events of kind ``latent``: the anomaly, 0 to 1, is the share of held-out pictures of clothes that cost less than this one; `z`, the mean
    of the latent; `elbo` (nats, negative), the evidence lower bound; `excess` (nats), by how much its negative is above the entropy of the
    pixels.

    Parameters
    ----------
    model : str
        2d, two values; 16d, sixteen; designed, two values by the network as it was designed; or a folder.
    anomaly : str
        The cost by which it is ranked (nats): elbo, the negative ELBO, or excess, by which plain pictures are anomalous, too.
    background : str
        auto: the median of the outermost pixels is made black, as in Fashion-MNIST, and a thing that is darker than that is turned light;
        black: pictures are taken as they are; white: dark and light change places.

    Raises
    ------
    InputError
        By `open`: no such model, or a damaged one.
    """

    live: ClassVar[tuple[str, ...]] = ("anomaly", "background")
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"model": "16d", "anomaly": "excess"},
        {"model": "designed", "background": "white"},
    )

    model: str = "2d"
    anomaly: Literal["elbo", "excess"] = "elbo"
    background: Literal["auto", "black", "white"] = "auto"

    def open(self, spec: FrameSpec) -> FrameSpec:
        """Load the network and the reference statistics."""
        from rtkit_vae.network import Autoencoder
        from rtkit_vae.reference import read

        super().open(spec)
        self._network = Autoencoder(self.model, self.load_model)
        self._reference = read(self._network)
        self._frames = 0
        self._mean_anomaly = self._max_anomaly = 0.0
        return FrameSpec(spec.width, spec.height, spec.fps)

    def infer(self, frame: Frame) -> tuple[Floats, Encoded]:
        """Encode and decode."""
        from rtkit_vae.preprocessing import centre_square, normalise_background

        picture = normalise_background(self._network.picture(centre_square(frame.image)), self.background)
        return picture, self._network(picture[None])

    def render(self, frame: Frame, found: tuple[Floats, Encoded]) -> Frame:
        """Rank the cost, emit the event, and draw picture, reconstruction and map on the frame."""
        from rtkit.images import write_lines
        from rtkit_vae import drawing

        picture, encoded = found
        cost, excess = float(encoded.negative_elbo[0]), float(encoded.excess[0])
        score = self._reference.excess(excess) if self.anomaly == "excess" else self._reference.negative_elbo(cost)
        z = [round(float(value), 5) for value in encoded.mean[0]]
        self.emit(frame.time, "latent", None, round(score, 6), z=z, elbo=round(-cost, 4), excess=round(excess, 4))
        self._frames += 1
        self._mean_anomaly += (score - self._mean_anomaly) / self._frames
        self._max_anomaly = max(self._max_anomaly, score)
        image = colour_copy(frame.image)
        drawing.beside(image, picture, encoded.made[0])
        if self._reference.map is not None:
            drawing.place(image, self._reference.map, encoded.mean[0])
        write_lines(image, [f"anomaly {score:.2f}", f"-ELBO {cost:.0f}"])
        return frame.with_data(image)

    def summary(self) -> dict[str, Any]:
        """`mean_anomaly` and `max_anomaly` of the frames, 0 to 1."""
        if not self._frames:
            return {}
        found: dict[str, Any] = {"mean_anomaly": round(self._mean_anomaly, 4), "max_anomaly": round(self._max_anomaly, 4)}
        if self._mean_anomaly > HIGH_ANOMALY:
            found["warnings"] = ["Nearly every frame is anomalous: these are no pictures of the kind that the model learned from."]
        return found
