"""A frame as the input of a model that takes a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import InputError
from rtkit.core.items import Image
from rtkit.onnx.card import Normalisation, Shape, Tensor


def picture_axis(shape: Shape) -> int | None:
    """The axis of colours of a batch of pictures, 1 or 3; None for what is no picture."""
    if len(shape) != 4:
        return None
    return next((axis for axis in (3, 1) if shape[axis] in (1, 3)), None)


class PictureInput:
    """Brings frames to the size, layout, order of colours and range that a model takes.

    Parameters
    ----------
    tensor : Tensor
        The model's input, ``[n, 3, h, w]`` or ``[n, h, w, 3]`` (1 for grey).
    normalisation : Normalisation
        What it needs; of a model of bytes only the order of colours, as such a model has the rest inside.
    width, height : int
        Size (pixels) for a model that takes any; one that takes only one size gets that.
    place : object
        What errors name.

    Attributes
    ----------
    width, height : int
        Size of the model's picture.
    sizes : dict of str to int
        A number for each size of the input that may vary, as `rtkit.models.Call` needs it.

    Raises
    ------
    InputError
        The input is no picture, or the normalisation is one of other colours.
    """

    def __init__(self, tensor: Tensor, normalisation: Normalisation, width: int, height: int, place: object) -> None:
        colours = picture_axis(tensor.shape)
        if colours is None:
            raise InputError(f"{place}: {tensor} is no picture ([n, 3, h, w] or [n, h, w, 3], 1 for grey)")
        self.colours_last = colours == 3
        self.grey = tensor.shape[colours] == 1
        across = tensor.shape[1:3] if self.colours_last else tensor.shape[2:4]
        fixed = [size if isinstance(size, int) else given for size, given in zip(across, (height, width), strict=True)]
        if across[0] == across[1]:  # one name for both, or one number
            fixed[1] = fixed[0]
        self.height, self.width = fixed
        self.sizes = {name: 1 for name in tensor.shape if isinstance(name, str)}
        self.sizes |= {name: size for name, size in zip(across, fixed, strict=True) if isinstance(name, str)}
        counts = {len(normalisation.mean), len(normalisation.std)} - {1}
        if counts - {3 - 2 * self.grey}:
            raise InputError(f"{place}: normalisation has {max(counts)} values a pixel; the model takes {tensor}")
        if tensor.dtype == "uint8" and normalisation.kind == "pixels":
            normalisation = Normalisation(colour=normalisation.colour)
        self.normalisation = normalisation
        self._as_it_is = tensor.dtype == "uint8" and self.colours_last and normalisation.kind != "pixels"
        self.factor = np.float32(normalisation.scale) / np.array(normalisation.std, np.float32)
        self.offset = np.array(normalisation.mean, np.float32) / np.array(normalisation.std, np.float32)

    def fill(self, image: Image, into: NDArray[Any]) -> None:
        """Put a frame (BGR ``[h, w, 3]`` or grey ``[h, w]``) into the array of the model's input, ``[1, …]``."""
        import cv2

        picture = self._resized(image)
        if self.grey:
            picture = (picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))[..., None]
        elif picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        elif self.normalisation.colour == "rgb":
            if self._as_it_is:
                cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, dst=into[0])
                return
            picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        if self.normalisation.kind == "pixels":
            picture = picture * self.factor - self.offset
        into[0] = picture if self.colours_last else picture.transpose(2, 0, 1)

    def _resized(self, image: Image) -> NDArray[Any]:
        """The frame at the model's size. Linear interpolation leaves out pixels beyond a half, so that is averaged, by halves where it can.

        Averaging takes ten times as long as linear interpolation, but for exact halves.
        """
        import cv2

        picture: NDArray[Any] = image
        while picture.shape[0] >= 2 * self.height and picture.shape[1] >= 2 * self.width and not (picture.shape[0] | picture.shape[1]) & 1:
            picture = cv2.resize(picture, (picture.shape[1] // 2, picture.shape[0] // 2), interpolation=cv2.INTER_AREA)
        if picture.shape[:2] == (self.height, self.width):
            return picture
        averages = picture.shape[0] > 2 * self.height or picture.shape[1] > 2 * self.width
        return cv2.resize(picture, (self.width, self.height), interpolation=cv2.INTER_AREA if averages else cv2.INTER_LINEAR)
