"""An encoder: a network that gives the features of a picture, its embedding."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from rtkit import Image, InputError
from rtkit.images import to_grey
from rtkit.models import UNIT_INTERVAL, Call, Loader, PictureInput, Pool, choose_normalisation, find, load, qualified_model_name

Floats = NDArray[np.float32]

#: Side (pixels) of the picture for an encoder that takes any.
SIDE = 128


class Encoder:
    """Gives the features of pictures, the whole picture squeezed to the size that the network takes.

    Parameters
    ----------
    name : str
        A shipped model, with or without ``cluster_``, an ONNX file, or a folder with ``model.onnx``.
    load : callable
        Loads it, as `rtkit.onnx.load`.

    Attributes
    ----------
    path : Path
        Its ONNX file.
    sha256 : str
        Hash of that file: clusters hold for one encoder only.
    width : int
        How many features it gives.

    Raises
    ------
    InputError
        No such model, or one that does not make a row of numbers of a picture.
    """

    def __init__(self, name: str, load: Loader = load) -> None:
        self.path = find(qualified_model_name("cluster", name))
        self._model = model = load(self.path)
        self.sha256 = hashlib.sha256(self.path.read_bytes()).hexdigest()
        if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
            raise InputError(f"{self.path}: expected an encoder, one picture in and one row of features out; found {model!r}")
        self._output = model.outputs[0].name
        self._input = PictureInput(model.inputs[0], choose_normalisation("auto", "rgb", model.card) or UNIT_INTERVAL, SIDE, SIDE, self.path)
        self._calls = Pool(self._new_call)
        with self._calls.borrow() as call:
            self.width = call()[self._output].shape[1]

    def _new_call(self) -> Call:
        sizes = {name: 1 for name in self._model.outputs[0].shape if isinstance(name, str)}
        return Call(self._model, sizes | self._input.sizes)

    def __call__(self, image: Image, grey: bool = False) -> Floats:
        """The features ``[width]`` of a picture ``[h, w, 3]`` (BGR) or ``[h, w]``, made grey first if that is asked for.

        Several threads may call at once.
        """
        with self._calls.borrow() as call:
            (picture,) = call.inputs.values()
            self._input.fill(to_grey(image) if grey else image, picture)
            return np.array(call()[self._output][0], np.float32)
