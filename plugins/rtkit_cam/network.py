"""A network whose class activation maps can be read off: the model, cut between features and head, fitted to the frames."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import FrameSpec, Image, InputError, SpecError
from rtkit.models import UNIT_INTERVAL, Loader, Model, PictureInput, Pool, bind, choose_normalisation, load, picture_axis, single_shape
from rtkit_cam.affinity import Affinity
from rtkit_cam.cut import cut

Floats = NDArray[np.float32]

#: Outputs of a network that is cut: logits ``[n, K]``, features ``[n, C, h, w]``, and the weights ``[C, K]`` and bias ``[K]`` between them.
LOGITS, FEATURES, WEIGHTS, BIAS = FORM = ("logits", "features", "cam_weights", "cam_bias")
#: A further output that some have: an earlier and finer tensor ``[n, G, y, x]``.
GUIDE = "guide"
#: Sides of the network's picture are multiples of this (pixels): what most networks halve their input by, five times.
STRIDE = 32


class ForwardPass:
    """What the network gave for one frame, in arrays that are used again and again.

    Attributes
    ----------
    logits : ndarray
        ``[K]``.
    features : ndarray
        ``[C, h, w]``.
    """

    def __init__(self, model: Model, inputs: Mapping[str, NDArray[Any]], outputs: Mapping[str, Floats]) -> None:
        self._model = model
        self._bound = bind(model, inputs, outputs)
        self._arrays = dict(inputs), dict(outputs)  # the binding does not keep them
        (self.picture,) = inputs.values()
        self.logits = outputs[LOGITS][0]
        self.features = outputs[FEATURES][0]
        self._guide = outputs[GUIDE][0] if GUIDE in outputs else None
        self._affinity = None if self._guide is None else Affinity(self._guide.shape)
        self._is_compared = False

    def run(self) -> None:
        """Run the network on what is in `picture`."""
        self._model.run_bound(self._bound)
        self._is_compared = False

    def affinity(self) -> Affinity | None:
        """The affinity of the places, computed once a run; None for a network without a guide."""
        if self._affinity is not None and self._guide is not None and not self._is_compared:
            self._affinity.compare(self._guide)
            self._is_compared = True
        return self._affinity


class CamNetwork:
    """A network that ends in global average pooling and one dense layer.

    Parameters
    ----------
    name : str
        A shipped model, an ONNX file, or a folder with ``model.onnx``.
    load : callable
        Loads it, as `rtkit.onnx.load`.
    normalise, colour : str
        What to do to a picture, as in `rtkit.onnx.normalising.choose`.
    labels : str, optional
        A text file with a class a line, for a model whose card names none.

    Attributes
    ----------
    weights : ndarray
        ``[K, C]``: what each feature counts for each class.
    bias : ndarray
        ``[K]``.
    labels : list of str
        Names of the K classes; their numbers where nothing names them.
    shapes : dict of str to tuple of int
        Of `logits` and `features` of one frame, after `open`.

    Raises
    ------
    InputError
        No such model, one that does not end in such a head, or labels that do not fit.
    """

    def __init__(
        self,
        name: str,
        load: Loader = load,
        normalise: str = "auto",
        colour: str = "rgb",
        labels: str | None = None,
    ) -> None:
        model = load(name)
        if not {*FORM} <= {tensor.name for tensor in model.outputs}:
            model = model.with_graph(cut(model.path.read_bytes(), str(model.path)))
        if len(model.inputs) != 1 or picture_axis(model.inputs[0].shape) is None:
            raise InputError(f"{model.path}: expected one picture as input ([n, 3, h, w] or [n, h, w, 3]); found {model.inputs}")
        self.path = model.path
        self._model = model
        self._wanted = [LOGITS, FEATURES, *(tensor.name for tensor in model.outputs if tensor.name == GUIDE)]
        self._normalisation = choose_normalisation(normalise, colour, model.card) or UNIT_INTERVAL
        tensor = model.inputs[0]
        probe = {
            tensor.name: np.zeros(
                [7 * STRIDE if size == 1 and axis else size for axis, size in enumerate(single_shape(tensor.shape))], tensor.dtype
            )
        }
        weights, self.bias = self._run([WEIGHTS, BIAS], probe)
        self.weights = np.ascontiguousarray(weights.T)
        self.labels = self._name_classes(labels)

    def _run(self, outputs: list[str], inputs: dict[str, NDArray[Any]]) -> list[Floats]:
        try:
            found: list[Floats] = self._model.session.run(outputs, inputs)
        except Exception as error:  # ONNX Runtime has kinds of its own
            raise InputError(f"{self.path}: the model does not run on a picture: {' '.join(str(error).split())}") from None
        return found

    def _name_classes(self, path: str | None) -> list[str]:
        count = len(self.bias)
        if path is not None:
            try:
                labels = Path(path).read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"{path}: no labels there: {getattr(error, 'strerror', error)}") from None
        else:
            labels = list(self._model.card.labels) if self._model.card else []
            labels = labels or [str(number) for number in range(count)]
        if len(labels) != count:
            raise InputError(f"{path or self.path}: {len(labels)} labels; the network has {count} classes")
        return labels

    def class_number(self, name: str) -> int:
        """The number of a class, from its number or name (in any case).

        Raises
        ------
        InputError
            None, or several, have it in their name.
        """
        if name.isdecimal() and int(name) < len(self.labels):
            return int(name)
        wanted = name.casefold()
        exact = [number for number, label in enumerate(self.labels) if label.casefold() == wanted]
        found = exact or [number for number, label in enumerate(self.labels) if wanted in label.casefold()]
        if len(found) == 1:
            return found[0]
        several = ", ".join(f"{number} {self.labels[number]}" for number in found[:8])
        raise InputError(
            f"{self.path}: target={name}: {f'several classes: {several}' if found else f'none of its {len(self.labels)} classes'}"
        )

    def open(self, spec: FrameSpec, size: float) -> None:
        """Fit the network to frames; runs it once.

        Parameters
        ----------
        spec : FrameSpec
            Of the frames.
        size : float
            Its picture has as many pixels as a square of this side, but no more than the frame, and the frame's proportions, if the
            network takes any size.

        Raises
        ------
        SpecError
            The network does not run on a picture of that size.
        """
        size = min(size, math.sqrt(spec.width * spec.height))  # an enlarged frame costs more, and shows no more
        aspect = math.sqrt(spec.width / spec.height)
        width, height = (max(1, round(side / STRIDE)) * STRIDE for side in (size * aspect, size / aspect))
        tensor = self._model.inputs[0]
        self._input = PictureInput(tensor, self._normalisation, width, height, self.path)
        shape = [self._input.sizes[side] if isinstance(side, str) else side for side in tensor.shape]
        self._picture = tensor.name, shape, tensor.dtype
        try:
            found = self._run(self._wanted, {tensor.name: np.zeros(shape, tensor.dtype)})
        except InputError as error:
            raise SpecError(f"{error}; {spec} became {self._input.width} x {self._input.height}") from None
        self._shapes = {name: value.shape for name, value in zip(self._wanted, found, strict=True)}
        self.shapes = {name: self._shapes[name][1:] for name in (LOGITS, FEATURES)}
        self._passes = Pool(self._new_pass)

    def _new_pass(self) -> ForwardPass:
        name, shape, dtype = self._picture
        outputs = {name: np.zeros(shape, np.float32) for name, shape in self._shapes.items()}
        return ForwardPass(self._model, {name: np.zeros(shape, dtype)}, outputs)

    def run(self, image: Image) -> ForwardPass:
        """Run the network on a frame; what it gives is the caller's until `give_back`. Several threads may call at once."""
        made = self._passes.take()
        self._input.fill(image, made.picture)
        made.run()
        return made

    def give_back(self, made: ForwardPass) -> None:
        """Let the arrays of a forward pass be used again."""
        self._passes.give_back(made)
