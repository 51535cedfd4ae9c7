"""`cluster`: which group of pictures a frame belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from rtkit import Frame, FrameSpec, ParallelFrameProcessor, Range
from rtkit.images import to_colour

if TYPE_CHECKING:
    from rtkit_cluster.clusters import Found


@dataclass(eq=False)
class Cluster(ParallelFrameProcessor):
    """Tags each frame with the cluster of pictures that it belongs to, found by k-means without labels, or with ``unknown``.

    Clusters of your own pictures: ``rtkit cluster fit FOLDER``.

    Events of kind ``cluster``: the name of the cluster, or ``unknown`` where the frame is like none of the pictures that the clusters
    were found in; membership, 0 to 1; `latent`, and `distance` from the most similar picture, in units of what that cluster reaches:
    beyond 1 is unknown.

    Parameters
    ----------
    model : str
        A folder that rtkit cluster fit has written; fruits, ten of them; designed or
        designed_grey, four of them by an autoencoder of two values.
    mosaic : bool
        Whether to lay typical pictures of the cluster along the lower edge.
    tell : str
        frame: an event for each frame; change: when the cluster changes.
    threads : int
        Threads for one call of the network.
    providers : str
        Execution providers in order of preference, cuda+openvino; RTKIT_PROVIDERS when not given.

    Raises
    ------
    InputError
        By `open`: no such model, or one without clusters, or damaged.
    """

    live: ClassVar[tuple[str, ...]] = ("mosaic", "tell")

    model: str = "fruits"
    mosaic: bool = False
    tell: Literal["frame", "change"] = "frame"
    threads: Annotated[int, Range(1, 64)] = 1
    providers: str | None = None

    def open(self, spec: FrameSpec) -> FrameSpec:
        """Load encoder and clusters."""
        from rtkit_cluster.clusters import read
        from rtkit_cluster.encoder import Encoder

        super().open(spec)
        self._encoder = Encoder(self.model, self.threads, self.providers)
        self._clusters = read(self._encoder)
        self._last: str | None = None
        return FrameSpec(spec.width, spec.height, spec.fps)

    def infer(self, frame: Frame) -> Found:
        """Find the cluster."""
        return self._clusters.find(self._encoder(frame.image, self._clusters.grey))

    def render(self, frame: Frame, found: Any) -> Frame:
        """Tell of it, and draw it on the frame."""
        from rtkit.images import write_lines
        from rtkit_cluster import sheets
        from rtkit_cluster.clusters import UNKNOWN

        label = self._clusters.names[found.cluster] if found.known else UNKNOWN
        if self.tell == "frame" or label != self._last:
            latent = [round(float(value), 5) for value in found.latent]
            self.emit(frame.time, "cluster", label, round(found.score, 6), latent=latent, distance=round(found.distance, 6))
        self._last = label
        image = to_colour(frame.image)
        image = image.copy() if image is frame.image else image
        write_lines(image, [f"{label} {found.score:.0%}", f"distance {found.distance:.2f}"])
        if self.mosaic and found.known:
            sheets.strip(image, self._clusters.typical[found.cluster])
        return frame.with_data(image)
