"""`cam`: what a network sees in a frame, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from rtkit import Frame, FrameSpec, Image, ParallelFrameProcessor, Range
from rtkit.images import to_colour
from rtkit_cam import maps, overlay
from rtkit_cam.regions import locate
from rtkit_cam.steady import Steady

if TYPE_CHECKING:
    from rtkit_cam.network import Look


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen in a frame: class, probability, most probable classes, where, and the maps to draw with their titles."""

    label: str
    score: float
    top: list[list[Any]]
    peak: list[int]
    box: list[int]
    heats: list[Image]
    titles: list[str]


@dataclass(eq=False)
class Cam(ParallelFrameProcessor):
    """Draws on each frame which class a network sees in it and where: its class activation map, in closed form.

    The network ends in global average pooling and one dense layer, so the map of class c is the sum of its features, each times its
    weight for c; one forward pass and one small product. Any such network can be used: a shipped one, or an ONNX file, in which the
    cut between features and head is found from its graph.

    Events of kind ``class``: label and probability of the class that is shown; `top` the most probable classes ``[[label, p], …]``, and,
    in pixels of the frame, `peak` ``[x, y]`` and `box` ``[x, y, w, h]`` of what speaks for the most probable classes, or for the target.

    Parameters
    ----------
    model : str
        A shipped model (efficientnet_lite0), an ONNX file, or a folder with model.onnx.
    mode : str
        class: the map of the predicted class, or of the target; filters: the nine filters that add most to that class; eigen: the first
        principal component of the features.
    target : str
        The class to look for, by name or number; the predicted one when not given.
    layout : str
        Of the nine filters: grid, 3 x 3 pictures, or sum, one map.
    size : int
        The network's picture has as many pixels as a square of this side, but no more than the frame, and the frame's proportions;
        larger is finer and slower.
    top : int
        Classes to name.
    colormap : str
        Any of OpenCV's, as jet, turbo, viridis.
    alpha : float
        Weight of the map over the frame.
    box : bool
        Whether to draw box and peak.
    threshold : float
        Part of the peak from which on a place belongs to the box.
    smooth : float
        Time constant (s) by which the map and the classes are steadied, begun anew when the scene changes; 0 for none.
    every : int
        Look at every so many frames; those between show the last map.
    tell : str
        frame: an event for each frame that was looked at; change: when the class changes.
    normalise : str
        What to do to the picture: auto (as the model's card says; without one, to 0..1 for floats), raw, unit (0 to 1), symmetric (-1 to
        1), imagenet.
    colour : str
        Order of colours that a model without a card takes.
    labels : str
        A text file with the name of a class a line, for a model without a card.
    threads : int
        Threads for one call of the network.
    providers : str
        Execution providers in order of preference, cuda+openvino; RTKIT_PROVIDERS when not given.

    Raises
    ------
    InputError
        By `open`: no such model, one without such a head, or no such class.
    UsageError
        By `open`: no such colormap.
    """

    live: ClassVar[tuple[str, ...]] = (
        "mode", "target", "layout", "top", "colormap", "alpha", "box", "threshold", "smooth", "every", "tell",
    )  # fmt: skip

    model: str = "efficientnet_lite0"
    mode: Literal["class", "filters", "eigen"] = "class"
    target: str | None = None
    layout: Literal["grid", "sum"] = "grid"
    size: Annotated[int, Range(32, 2048)] = 448
    top: Annotated[int, Range(1, 20)] = 3
    colormap: str = "jet"
    alpha: Annotated[float, Range(0, 1)] = 0.3
    box: bool = False
    threshold: Annotated[float, Range(0.01, 0.99)] = 0.18
    smooth: Annotated[float, Range(0, 60)] = 0.0
    every: Annotated[int, Range(1, 1000)] = 1
    tell: Literal["frame", "change"] = "frame"
    normalise: Literal["auto", "raw", "unit", "symmetric", "imagenet"] = "auto"
    colour: Literal["rgb", "bgr"] = "rgb"
    labels: str | None = None
    threads: Annotated[int, Range(1, 64)] = 1
    providers: str | None = None

    def open(self, spec: FrameSpec) -> FrameSpec:
        """Load the network and fit it to the frames."""
        from rtkit_cam.network import Network

        super().open(spec)
        self._network = Network(self.model, self.threads, self.providers, self.normalise, self.colour, self.labels)
        self._network.open(spec, self.size)
        self._resolve()
        self._steady = Steady()
        self._sight: Sight | None = None
        self._count = 0
        return FrameSpec(spec.width, spec.height, spec.fps)

    def set(self, **values: Any) -> None:
        """Change live parameters while running; a class or colormap that does not exist changes nothing."""
        before = {name: getattr(self, name) for name in values if name in self.live}
        super().set(**values)
        try:
            self._resolve()
        except Exception:
            super().set(**before)
            raise

    def _resolve(self) -> None:
        """Find the numbers of the names that were given."""
        self._colormap = overlay.colormap_number(self.colormap)
        self._target = None if self.target is None else self._network.class_number(self.target)

    def should_infer(self, frame: Frame) -> bool:
        """Whether it is this frame's turn to be looked at."""
        self._count += 1
        return (self._count - 1) % self.every == 0

    def infer(self, frame: Frame) -> Look:
        """Run the network."""
        return self._network.look(frame.image, compare=self.mode == "class")

    def render(self, frame: Frame, found: Look | None) -> Frame:
        """Find the map, tell of it, and draw it on the frame."""
        if found is not None:
            before, self._sight = self._sight, self._understand(frame, found)
            self._network.give_back(found)
            if self.tell == "frame" or before is None or before.label != self._sight.label:
                seen = self._sight
                self.emit(frame.time, "class", seen.label, seen.score, top=seen.top, peak=seen.peak, box=seen.box)
        assert self._sight is not None  # the first frame was looked at
        return frame.with_data(self._draw(frame.image, self._sight))

    def _understand(self, frame: Frame, look: Look) -> Sight:
        network, logits, features = self._network, look.logits, look.features
        if self.smooth > 0:
            logits, features = self._steady(logits, features, frame.image, frame.time, self.smooth)
        chances = maps.softmax(logits)
        best = np.argsort(-chances)[: self.top]
        shown = int(best[0]) if self._target is None else self._target
        titles: list[str] = []
        heats = []
        if self.mode == "filters":
            numbers, parts = maps.filter_maps(features, network.weights[shown])
            heat = parts.sum(axis=0)
            if self.layout == "grid":
                heats = [overlay.as_bytes(part) for part in parts]
                titles = [f"filter {number}" for number in numbers]
        else:
            heat = maps.eigen_map(features) if self.mode == "eigen" else maps.class_map(features, network.weights[shown])
        where = extent = heat
        if self.mode == "class":
            speaks_for = np.maximum(network.weights[shown], 0)
            where = maps.class_map(features, maps.evidence_weights(chances, network.weights) if self._target is None else speaks_for)
            extent = look.alike.spread(where) if look.alike else where
        peak, box = locate(where, extent, frame.image.shape[1], frame.image.shape[0], self.threshold)
        return Sight(
            network.labels[shown],
            round(float(chances[shown]), 6),
            [[network.labels[number], round(float(chances[number]), 6)] for number in best],
            peak,
            box,
            heats or [overlay.as_bytes(heat)],
            titles,
        )

    def _draw(self, image: Image, sight: Sight) -> Image:
        image = to_colour(image)
        if sight.titles:
            return overlay.mosaic(image, sight.heats, sight.titles, self._colormap, self.alpha)
        made = overlay.blend(image, sight.heats[0], self._colormap, self.alpha)
        if self.box:
            overlay.draw_box(made, sight.box, sight.peak)
        shown = [] if self.target is None else [f"{sight.label} {sight.score:.0%}"]
        overlay.draw_lines(made, shown or [f"{label} {chance:.0%}" for label, chance in sight.top])
        return made
