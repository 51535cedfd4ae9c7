"""A model on frames: a picture in, and a class, numbers or another picture out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Frame, FrameProcessor, FrameSpec, Image, SpecError
from rtkit.models import UNIT_INTERVAL, Call, Model, Normalisation, PictureInput, picture_axis
from rtkit_onnx.outputs import find_label, to_json


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
        self._normalisation = normalisation or UNIT_INTERVAL

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
        if picture_axis(tensor.shape) is None:
            raise SpecError(f"{model.path}: {tensor} is no picture ([n, 3, h, w] or [n, h, w, 3], 1 for grey), got {spec}")
        self._input = PictureInput(tensor, self._normalisation, spec.width, spec.height, model.path)
        self._call = Call(model, self._input.sizes)
        self._into = self._call.inputs[tensor.name]
        self._call()  # the first call is slow, and a live stream cannot wait
        return FrameSpec(spec.width, spec.height, spec.fps)

    def process(self, frame: Frame) -> Frame:
        """Run the model on one frame."""
        self._input.fill(frame.image, self._into)
        outputs = self._call()
        first = self._model.outputs[0]
        value = outputs[first.name]
        if is_picture(value):
            return frame.with_data(self._picture(value, frame.image))
        card = self._model.card
        label, score = find_label(value.reshape(-1), card.labels if card else ())
        self.emit(frame.time, "onnx", label, score, **to_json(outputs, {}))
        return frame

    def _picture(self, value: NDArray[Any], image: Image) -> Image:
        """A picture that came out, as a frame of the size of the one that went in."""
        import cv2

        made: NDArray[Any] = value[0] if picture_axis(value.shape) == 3 else value[0].transpose(1, 2, 0)
        if made.dtype != np.uint8:
            taken = self._input
            if taken.normalisation.kind == "pixels":
                factor, offset = (taken.factor, taken.offset) if made.shape[2] == 3 else (taken.factor.mean(), taken.offset.mean())
                made = np.asarray((made + offset) / factor, np.float32)
            made = np.clip(np.nan_to_num(np.asarray(made, np.float32)), 0, 255).round().astype(np.uint8)
        if made.shape[2] == 1:
            made = cv2.cvtColor(np.ascontiguousarray(made), cv2.COLOR_GRAY2BGR)
        elif self._input.normalisation.colour == "rgb":
            made = made[..., ::-1]
        return np.asarray(cv2.resize(np.ascontiguousarray(made), (image.shape[1], image.shape[0])), np.uint8)


def is_picture(value: NDArray[Any]) -> bool:
    """Whether an output is a picture, and not numbers with axes of size 1 left over, as of global pooling."""
    axis = picture_axis(value.shape)
    return axis is not None and min(value.shape[2:] if axis == 1 else value.shape[1:3]) > 1
