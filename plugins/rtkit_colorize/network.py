"""A network that colours grey pictures, fitted to the frames."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import FrameSpec, Image, InputError, SpecError
from rtkit.models import Loader, Normalisation, PictureInput, load, picture_axis, qualified_model_name

#: Chroma ``[y, x, 2]`` float32, -1 to 1, or a picture ``[h, w, 3]`` uint8 of the size of the frame.
Colours = NDArray[Any]

#: Side (pixels) of the square that has as many pixels as the picture of a network that gives chroma, when nothing else is said.
DEFAULT_SIDE = 224
#: Sides of the network's picture are multiples of these (pixels): it is halved five times where chroma comes out, twice where colours do.
CHROMA_STRIDE, COLOURS_STRIDE = 32, 4


class ColorizeNetwork:
    """A network that takes a grey picture and gives chroma ``[n, y, x, 2]``, or colours ``[n, h, w, 3]`` (RGB, in its input's range).

    Parameters
    ----------
    name : str
        A shipped model, with or without ``colorize_``, an ONNX file, or a folder with ``model.onnx``.
    load : callable
        Loads it, as `rtkit.onnx.load`.

    Attributes
    ----------
    gives_chroma : bool
        Whether chroma comes out; else whole pictures.

    Raises
    ------
    InputError
        No such model, or one of another form.
    """

    def __init__(self, name: str, load: Loader = load) -> None:
        self._model = model = load(qualified_model_name("colorize", name))
        taken = model.inputs[0]
        values = model.outputs[0].shape[-1] if len(model.outputs[0].shape) == 4 else None
        if len(model.inputs) != 1 or picture_axis(taken.shape) != 3 or taken.shape[3] != 1 or values not in (2, 3):
            found = f"{', '.join(map(str, model.inputs))} and {', '.join(map(str, model.outputs))}"
            raise InputError(
                f"{model.path}: expected a grey picture [n, h, w, 1] in, chroma [n, y, x, 2] or colours [n, h, w, 3] out; found {found}"
            )
        self.gives_chroma = values == 2
        self._normalisation = model.card.normalisation if model.card else Normalisation()

    def open(self, spec: FrameSpec, size: int) -> None:
        """Fit the network to frames; runs it once.

        Parameters
        ----------
        spec : FrameSpec
            Of the frames.
        size : int
            Its picture has as many pixels as a square of this side; 0 for the default.

        Raises
        ------
        SpecError
            The network does not run on a picture of that size.
        """
        own = math.sqrt(spec.width * spec.height)
        scale = (size or (DEFAULT_SIDE if self.gives_chroma else own)) / own
        grid = CHROMA_STRIDE if self.gives_chroma else COLOURS_STRIDE
        width, height = (max(1, round(side * scale / grid)) * grid for side in (spec.width, spec.height))
        self._input = PictureInput(self._model.inputs[0], self._normalisation, width, height, self._model.path)
        self._shape = (spec.height, spec.width)
        try:
            self.run(np.zeros(self._shape, np.uint8))  # the first call is slow, and a live stream cannot wait
        except InputError as error:
            raise SpecError(f"{error}; {spec} became {self._input.width} x {self._input.height}") from None

    def run(self, image: Image) -> Colours:
        """Run the network on a frame; several threads may do so at once."""
        picture = np.empty((1, self._input.height, self._input.width, 1), np.float32)
        self._input.fill(image, picture)
        value: NDArray[np.float32] = self._model.run({self._model.inputs[0].name: picture})[0][0]
        return value if self.gives_chroma else self._picture(value)

    def _picture(self, value: NDArray[np.float32]) -> Image:
        import cv2

        pixels = (np.nan_to_num(value) + self._input.offset) / self._input.factor
        made = np.ascontiguousarray(np.clip(pixels, 0, 255).round().astype(np.uint8)[..., ::-1])
        return np.asarray(cv2.resize(made, self._shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
