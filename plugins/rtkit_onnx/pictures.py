"""A model on frames: a picture in, and a class, numbers or another picture out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.errors import InputError, SpecError
from rtkit.items import Frame, FrameSpec, Image
from rtkit.onnx import Call, Model
from rtkit.onnx.card import Normalisation, Shape
from rtkit.processor import FrameProcessor
from rtkit_onnx.answers import find_label, plain
from rtkit_onnx.normalising import NAMED


class Pictures(FrameProcessor):
    """Runs a model on the frames of a stream.

    Parameters
    ----------
    model : Model
        What to run.
    normalisation : Normalisation, optional
        What to do to a picture; to 0..1 when not given, if the model takes floats.
    """

    def __init__(self, model: Model, normalisation: Normalisation | None) -> None:
        self._model = model
        self._normalisation = normalisation or NAMED["unit"]

    def open(self, spec: FrameSpec) -> FrameSpec:
        """Fit the model to the size of the frames; one that takes any size gets them as they are.

        Raises
        ------
        SpecError
            A model that takes no picture.
        InputError
            A normalisation of other colours than the model's, or frames on which it does not run.
        """
        super().open(spec)
        model = self._model
        if model.states or len(model.inputs) != 1:
            raise SpecError(f"{model.path}: takes no picture but {', '.join(map(str, model.inputs))}, got {spec}")
        tensor = model.inputs[0]
        colours = picture_axis(tensor.shape)
        if colours is None:
            raise SpecError(f"{model.path}: {tensor} is no picture ([n, 3, h, w] or [n, h, w, 3], 1 for grey), got {spec}")
        self._colours_last = colours == 3
        across = tensor.shape[2:4] if colours == 1 else tensor.shape[1:3]
        self._height, self._width = (
            size if isinstance(size, int) else given for size, given in zip(across, (spec.height, spec.width), strict=True)
        )
        if across[0] == across[1]:  # one name for both, or one number
            self._width = self._height
        sizes = {name: 1 for name in tensor.shape if isinstance(name, str)}
        sizes |= {name: size for name, size in zip(across, (self._height, self._width), strict=True) if isinstance(name, str)}
        self._grey = tensor.shape[colours] == 1
        self._call = Call(model, sizes)
        self._into = self._call.inputs[tensor.name]
        kind = self._normalisation
        counts = {len(kind.mean), len(kind.std)} - {1}
        if counts - {3 - 2 * self._grey}:
            raise InputError(f"{model.path}: normalisation has {max(counts)} values a pixel; the model takes {tensor}")
        if self._into.dtype == np.uint8 and kind.kind == "pixels":
            self._normalisation = kind = Normalisation(colour=kind.colour)  # such a model has it inside
        self._factor = np.float32(kind.scale) / np.array(kind.std, np.float32)
        self._offset = np.array(kind.mean, np.float32) / np.array(kind.std, np.float32)
        self._call()  # the first call is slow, and a live stream cannot wait
        return FrameSpec(spec.width, spec.height, spec.fps)

    def process(self, frame: Frame) -> Frame:
        """Run the model on one frame."""
        self._fill(frame.image)
        answers = self._call()
        first = self._model.outputs[0]
        value = answers[first.name]
        if is_picture(value):
            return frame.with_data(self._picture(value, frame.image))
        card = self._model.card
        label, score = find_label(value.reshape(-1), card.labels if card else ())
        self.emit(frame.time, "onnx", label, score, **plain(answers, {}))
        return frame

    def _fill(self, image: Image) -> None:
        """Bring a frame to the size, order and range of the input."""
        import cv2

        colour: NDArray[Any] = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image
        if colour.shape[:2] != (self._height, self._width):
            shrinks = colour.shape[0] > self._height
            colour = cv2.resize(colour, (self._width, self._height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        if self._grey:
            colour = cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)[..., None]
        elif self._normalisation.colour == "rgb":
            colour = colour[..., ::-1]
        if self._normalisation.kind == "pixels":
            colour = colour * self._factor - self._offset
        self._into[0] = colour if self._colours_last else colour.transpose(2, 0, 1)

    def _picture(self, value: NDArray[Any], image: Image) -> Image:
        """A picture that came out, as a frame of the size of the one that went in."""
        import cv2

        made: NDArray[Any] = value[0] if picture_axis(value.shape) == 3 else value[0].transpose(1, 2, 0)
        if made.dtype != np.uint8:
            if self._normalisation.kind == "pixels":
                factor, offset = (self._factor, self._offset) if made.shape[2] == 3 else (self._factor.mean(), self._offset.mean())
                made = np.asarray((made + offset) / factor, np.float32)
            made = np.clip(np.nan_to_num(np.asarray(made, np.float32)), 0, 255).round().astype(np.uint8)
        if made.shape[2] == 1:
            made = cv2.cvtColor(np.ascontiguousarray(made), cv2.COLOR_GRAY2BGR)
        elif self._normalisation.colour == "rgb":
            made = made[..., ::-1]
        return np.asarray(cv2.resize(np.ascontiguousarray(made), (image.shape[1], image.shape[0])), np.uint8)


def picture_axis(shape: Shape) -> int | None:
    """The axis of colours of a batch of pictures, 1 or 3; None for what is no picture."""
    if len(shape) != 4:
        return None
    return next((axis for axis in (3, 1) if shape[axis] in (1, 3)), None)


def is_picture(value: NDArray[Any]) -> bool:
    """Whether an answer is a picture, and not numbers with axes of size 1 left over, as of global pooling."""
    axis = picture_axis(value.shape)
    return axis is not None and min(value.shape[2:] if axis == 1 else value.shape[1:3]) > 1
