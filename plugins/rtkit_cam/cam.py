"""`cam`: what a network sees in a frame, and where."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from rtkit import Frame, FrameSpec, Image, InputError, Range, read_state
from rtkit.images import TemporalSmoother, to_colour
from rtkit.models import OnnxFrameProcessor
from rtkit_cam import maps, overlay
from rtkit_cam.regions import locate

if TYPE_CHECKING:
    from rtkit_cam.network import CamNetwork, ForwardPass

#: Mean of the highest probability below which a run is warned of: what a network gives to pictures of another kind.
LOW_PROBABILITY = 0.05


@dataclass(frozen=True, slots=True)
class Detection:
    """What was found in a frame: class, probability, most probable classes, where, and the maps to draw with their titles."""

    label: str
    score: float
    top: list[list[Any]]
    peak: list[int]
    box: list[int]
    heats: list[Image]
    titles: list[str]

    def arrays(self) -> dict[str, Any]:
        """The detection as arrays, for a state."""
        return {
            "label": np.array([self.label]),
            "score": np.array([self.score]),
            "top_labels": np.array([label for label, _ in self.top], np.str_),
            "top_scores": np.array([score for _, score in self.top], np.float64),
            "peak": np.array(self.peak),
            "box": np.array(self.box),
            "heats": np.array(self.heats),
            "titles": np.array(self.titles, np.str_),
        }

    @classmethod
    def of(cls, arrays: dict[str, Any]) -> Detection:
        """From what `arrays` gave."""
        top = [list(pair) for pair in zip(arrays["top_labels"].tolist(), arrays["top_scores"].tolist(), strict=True)]
        label, score = arrays["label"].tolist()[0], arrays["score"].tolist()[0]
        return cls(label, score, top, arrays["peak"].tolist(), arrays["box"].tolist(), list(arrays["heats"]), arrays["titles"].tolist())


#: A state before the first detection.
_NONE = Detection("", 0.0, [], [0, 0], [0, 0, 0, 0], [np.zeros((0, 0), np.uint8)], [])


@dataclass(eq=False)
class Cam(OnnxFrameProcessor):
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
        The network's picture has as many pixels as a square of this side (pixels), but no more than the frame, and the frame's
        proportions; larger is finer and slower.
    top : int
        Classes to name.
    colormap : str
        Any of OpenCV's, as jet, turbo, viridis.
    alpha : float
        Weight of the map over the frame, from 0, the frame alone, to 1.
    box : bool
        Whether to draw box and peak.
    threshold : float
        Part of the peak from which on a place belongs to the box.
    smooth : float
        Time constant (s) of the temporal smoothing of map and classes, begun anew when the scene changes; 0 for none.
    frame_interval : int
        Run the network on every so many frames; those between show the last map.
    emit_on : str
        frame: an event for each frame on which the network ran; change: when the class changes.
    normalise : str
        What to do to the picture: auto (as the model's card says; without one, to 0..1 for floats), raw, unit (0 to 1), symmetric (-1 to
        1), imagenet.
    colour : str
        Order of colours that a model without a card takes.
    labels : str
        A text file with the name of a class a line, for a model without a card.

    Raises
    ------
    InputError
        By `open`: no such model, one without such a head, or no such class.
    UsageError
        By `open`: no such colormap.
    """

    live: ClassVar[tuple[str, ...]] = (
        "mode", "target", "layout", "top", "colormap", "alpha", "box", "threshold", "smooth", "frame_interval", "emit_on",
    )  # fmt: skip
    renamed: ClassVar[dict[str, str]] = {"every": "frame_interval", "tell": "emit_on"}
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"size": 96, "mode": "filters", "frame_interval": 2},
        {"size": 96, "mode": "eigen", "smooth": 0.2},
        {"size": 96, "target": "water bottle", "box": True, "smooth": 0.5, "frame_interval": 3, "colormap": "viridis", "emit_on": "change"},
    )

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
    frame_interval: Annotated[int, Range(1, 1000)] = 1
    emit_on: Literal["frame", "change"] = "frame"
    normalise: Literal["auto", "raw", "unit", "symmetric", "imagenet"] = "auto"
    colour: Literal["rgb", "bgr"] = "rgb"
    labels: str | None = None

    def open(self, spec: FrameSpec) -> FrameSpec:
        """Load the network and fit it to the frames."""
        from rtkit_cam.network import CamNetwork

        super().open(spec)
        self._network = CamNetwork(self.model, self.load_model, self.normalise, self.colour, self.labels)
        self._network.open(spec, self.size)
        self._resolve(self._network)
        self._smoother = TemporalSmoother("logits", "features")
        self._detection: Detection | None = None
        self._count = 0
        self._classes: Counter[str] = Counter()
        self._probability = self._highest = 0.0  # of the class that was shown and the most probable one, summed over frames
        return FrameSpec(spec.width, spec.height, spec.fps)

    def set(self, **values: Any) -> None:
        """Change live parameters while running; a class or colormap that does not exist changes nothing."""
        before = {name: getattr(self, name) for name in values if name in self.live}
        super().set(**values)
        network: CamNetwork | None = getattr(self, "_network", None)
        if network is None:  # `open` looks up the names
            return
        try:
            self._resolve(network)
        except Exception:
            super().set(**before)
            raise

    def _resolve(self, network: CamNetwork) -> None:
        """Look up the numbers of colormap and target."""
        colormap = overlay.colormap_number(self.colormap)
        self._target = None if self.target is None else network.class_number(self.target)
        self._colormap = colormap

    def should_infer(self, frame: Frame) -> bool:
        """Whether it is this frame's turn."""
        self._count += 1
        return (self._count - 1) % self.frame_interval == 0

    def infer(self, frame: Frame) -> ForwardPass:
        """Run the network."""
        made = self._network.run(frame.image)
        if self.mode == "class":
            made.affinity()
        return made

    def render(self, frame: Frame, found: ForwardPass | None) -> Frame:
        """Compute the map, emit the event, and draw both on the frame."""
        if found is not None:
            before, self._detection = self._detection, self._detect(frame, found)
            self._network.give_back(found)
            detection = self._detection
            self._classes[detection.label] += 1
            self._probability += detection.score
            self._highest += detection.top[0][1]
            if self.emit_on == "frame" or before is None or before.label != detection.label:
                self.emit(frame.time, "class", detection.label, detection.score, top=detection.top, peak=detection.peak, box=detection.box)
        assert self._detection is not None  # the network ran on the first frame
        return frame.with_data(self._draw(frame.image, self._detection))

    def _detect(self, frame: Frame, found: ForwardPass) -> Detection:
        network, own = self._network, {"logits": found.logits, "features": found.features}
        smooth = self._smoother(own, frame.image, frame.time, self.smooth)
        logits, features = smooth["logits"], smooth["features"]
        probabilities = maps.softmax(logits)
        best = np.argsort(-probabilities)[: self.top]
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
            evidence = maps.evidence_weights(probabilities, network.weights) if self._target is None else speaks_for
            where = maps.class_map(features, evidence)
            affinity = found.affinity()
            extent = affinity.refine(where) if affinity else where
        peak, box = locate(where, extent, frame.image.shape[1], frame.image.shape[0], self.threshold)
        return Detection(
            network.labels[shown],
            round(float(probabilities[shown]), 6),
            [[network.labels[number], round(float(probabilities[number]), 6)] for number in best],
            peak,
            box,
            heats or [overlay.as_bytes(heat)],
            titles,
        )

    def _draw(self, image: Image, detection: Detection) -> Image:
        image = to_colour(image)
        if detection.titles:
            return overlay.mosaic(image, detection.heats, detection.titles, self._colormap, self.alpha)
        made = overlay.blend(image, detection.heats[0], self._colormap, self.alpha)
        if self.box:
            overlay.draw_box(made, detection.box, detection.peak)
        shown = [] if self.target is None else [f"{detection.label} {detection.score:.0%}"]
        overlay.draw_lines(made, shown or [f"{label} {probability:.0%}" for label, probability in detection.top])
        return made

    def state(self) -> dict[str, Any]:
        """Frames so far, the last detection, and what the temporal smoothing remembers."""
        smoother = {f"smoother.{name}": array for name, array in self._smoother.state().items()}
        return {"count": np.array(self._count), **(self._detection or _NONE).arrays(), **smoother}

    def load_state(self, state: dict[str, Any]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            An array is missing or of another shape: the state is of another model.
        """
        layout: dict[str, tuple[int | None, ...]] = {
            "count": (), "label": (1,), "score": (1,), "top_labels": (None,), "top_scores": (None,), "peak": (2,), "box": (4,),
            "heats": (None, None, None), "titles": (None,),
        }  # fmt: skip
        arrays = read_state("cam", layout, state)
        if len(arrays["top_labels"]) != len(arrays["top_scores"]) or (arrays["count"] > 0) != bool(arrays["heats"].size):
            raise InputError("state of cam: count, top_labels, top_scores and heats do not fit together")
        own = {name.removeprefix("smoother."): array for name, array in state.items() if name.startswith("smoother.")}
        self._smoother.load_state(own, self._network.shapes)
        self._count = int(arrays["count"])
        self._detection = Detection.of(arrays) if self._count else None

    def summary(self) -> dict[str, Any]:
        """`classes`, frames by the label that was shown; the `top_class`, and the `mean_probability` of what was shown."""
        frames = self._classes.total()
        if not frames:
            return {}
        highest = self._highest / frames
        found: dict[str, Any] = {
            "classes": dict(self._classes.most_common()),
            "top_class": self._classes.most_common(1)[0][0],
            "mean_probability": round(self._probability / frames, 4),
        }
        if highest < LOW_PROBABILITY:
            found["warnings"] = [f"No class is probable ({highest:.1%} on average): are these pictures of the kind that the model knows?"]
        return found
