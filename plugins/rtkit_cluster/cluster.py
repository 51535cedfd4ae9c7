"""`cluster`: which group of pictures a frame belongs to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from rtkit import Frame, FrameSpec, read_state
from rtkit.images import colour_copy
from rtkit.models import OnnxFrameProcessor

if TYPE_CHECKING:
    from rtkit_cluster.clusters import Assignment


@dataclass(eq=False)
class Cluster(OnnxFrameProcessor):
    """Tags each frame with the cluster of pictures that it belongs to, found by k-means without labels, or with ``unknown``.

    Clusters of your own pictures: ``rtkit cluster fit FOLDER``.

    Events of kind ``cluster``: the name of the cluster, or ``unknown`` where the frame is like none of the pictures that the clusters
    were found in; membership, 0 to 1; `latent`, and `distance` from the most similar picture, in units of the reach of its cluster:
    beyond 1 is unknown.

    Parameters
    ----------
    model : str
        A folder that rtkit cluster fit has written; fruits, ten of them; designed or
        designed_grey, four of them by an autoencoder of two values.
    mosaic : bool
        Whether to lay typical pictures of the cluster along the lower edge.
    emit_on : str
        frame: an event for each frame; change: when the cluster changes.

    Raises
    ------
    InputError
        By `open`: no such model, or one without clusters, or damaged.
    """

    live: ClassVar[tuple[str, ...]] = ("mosaic", "emit_on")
    renamed: ClassVar[dict[str, str]] = {"tell": "emit_on"}
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"model": "designed", "mosaic": True, "emit_on": "change"})

    model: str = "fruits"
    mosaic: bool = False
    emit_on: Literal["frame", "change"] = "frame"

    def open(self, spec: FrameSpec) -> FrameSpec:
        """Load encoder and clusters."""
        from rtkit_cluster.clusters import read
        from rtkit_cluster.encoder import Encoder

        super().open(spec)
        self._encoder = Encoder(self.model, self.load_model)
        self._clusters = read(self._encoder)
        self._last = ""  # label of the last frame, if `emit_on` tells changes
        self._frames: Counter[str] = Counter()
        return FrameSpec(spec.width, spec.height, spec.fps)

    def infer(self, frame: Frame) -> Assignment:
        """Compute the features, and assign the frame to a cluster."""
        return self._clusters.assign(self._encoder(frame.image, self._clusters.grey))

    def render(self, frame: Frame, found: Assignment) -> Frame:
        """Emit the event, and draw the label on the frame."""
        from rtkit.images import write_lines
        from rtkit_cluster import sheets
        from rtkit_cluster.clusters import UNKNOWN

        label = self._clusters.names[found.cluster] if found.known else UNKNOWN
        if self.emit_on == "frame" or label != self._last:
            latent = [round(float(value), 5) for value in found.latent]
            self.emit(frame.time, "cluster", label, round(found.score, 6), latent=latent, distance=round(found.distance, 6))
        self._last = label if self.emit_on == "change" else ""
        self._frames[label] += 1
        image = colour_copy(frame.image)
        write_lines(image, [f"{label} {found.score:.0%}", f"distance {found.distance:.2f}"])
        if self.mosaic and found.known:
            sheets.strip(image, self._clusters.typical[found.cluster])
        return frame.with_data(image)

    def state(self) -> dict[str, Any]:
        """The label of the last frame, if `emit_on` tells changes."""
        return {"last": np.array(self._last)} if self._last else {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            It is no state of clusters.
        """
        self._last = str(read_state("cluster", {"last": ()}, state)["last"]) if state else ""

    def summary(self) -> dict[str, Any]:
        """`clusters`, frames by cluster, without those that are unknown; `unknown_share`, their share of all frames."""
        from rtkit_cluster.clusters import UNKNOWN

        frames = self._frames.total()
        if not frames:
            return {}
        unknown = self._frames[UNKNOWN]
        clusters = {name: count for name, count in self._frames.most_common() if name != UNKNOWN}
        found: dict[str, Any] = {"clusters": clusters, "unknown_share": round(unknown / frames, 4)}
        if unknown == frames:
            found["warnings"] = [f"Every frame is unknown: none is like the pictures that the clusters of {self.model} were found in."]
        return found
