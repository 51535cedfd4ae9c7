"""The two halves of a variational autoencoder: `model.onnx` encodes pictures, `decoder.onnx` beside it makes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Image, InputError
from rtkit.models import UNIT_INTERVAL, Loader, Model, PictureInput, find, load, qualified_model_name
from rtkit_vae.elbo import Floats, cross_entropy, entropy, kl_divergence, normal_points

#: The file of the decoder.
DECODER = "decoder.onnx"
#: Side (pixels) of the picture for a network that takes any.
SIDE = 28
#: Pairs of points at which the expectation in the ELBO is taken.
PAIRS = 8


class Decoder:
    """Decodes latents into pictures.

    Parameters
    ----------
    name : str
        A shipped model, with or without ``vae_``, or a folder with ``decoder.onnx``.
    load : callable
        Loads it, as `rtkit.onnx.load`.

    Attributes
    ----------
    path : Path
        Its ONNX file.
    size : int
        How many values a latent has.

    Raises
    ------
    InputError
        No such model, or one that is no decoder.
    """

    def __init__(self, name: str, load: Loader = load) -> None:
        self.path = find(qualified_model_name("vae", name)).with_name(DECODER)
        self._model = model = load(self.path)
        names = {tensor.name: tensor for tensor in model.outputs}
        shapes = [model.inputs[0].shape, *(names[name].shape for name in ("picture", "logits") if name in names)]
        fits = len(model.inputs) == 1 and [len(shape) for shape in shapes] == [2, 4, 4]
        if not (fits and isinstance(shapes[0][1], int) and all(shape[3] == 1 for shape in shapes[1:])):
            raise InputError(f"{self.path}: expected a decoder, z [n, d] in, picture and logits [n, h, w, 1] out; found {model!r}")
        self.size = int(shapes[0][1])

    def __call__(self, z: Floats) -> tuple[Floats, Floats]:
        """Pictures (0 to 1) and logits, ``[n, h, w, 1]`` each, of latents ``[n, d]``."""
        return _named(self._model, np.asarray(z, np.float32), ("picture", "logits"))


@dataclass(frozen=True, slots=True)
class Encoded:
    """Latents, reconstructions and ELBO of n pictures.

    Parameters
    ----------
    mean : ndarray
        ``[n, d]``: of the latents.
    reconstruction, divergence : ndarray
        ``[n]`` (nats): the two parts of the negative evidence lower bound.
    entropy : ndarray
        ``[n]`` (nats): of their pixels, the least that the reconstruction costs.
    made : ndarray
        ``[n, h, w, 1]``, 0 to 1: their reconstructions, decoded from the means.
    """

    mean: Floats
    reconstruction: Floats
    divergence: Floats
    entropy: Floats
    made: Floats

    @property
    def negative_elbo(self) -> Floats:
        """``[n]`` (nats)."""
        return self.reconstruction + self.divergence

    @property
    def excess(self) -> Floats:
        """``[n]`` (nats): by how much the negative ELBO is above the entropy; a plain picture has little of both."""
        return self.negative_elbo - self.entropy


class Autoencoder:
    """Encodes and decodes pictures, and computes their ELBO.

    Parameters
    ----------
    name, load
        As of `Decoder`; the folder holds ``model.onnx`` as well.

    Attributes
    ----------
    path : Path
        Of the encoder.
    decoder : Decoder
        The other half.
    sha256 : str
        Hash of the two files: reference statistics hold for these alone.

    Raises
    ------
    InputError
        No such model, or one that is no variational autoencoder of grey pictures.
    """

    def __init__(self, name: str, load: Loader = load) -> None:
        self.path = find(qualified_model_name("vae", name))
        self._model = model = load(self.path)
        self.decoder = Decoder(name, load)
        size = self.decoder.size
        widths = {tensor.name: tensor.shape[1:] for tensor in model.outputs}
        if len(model.inputs) != 1 or widths != dict.fromkeys(("mean", "log_variance"), (size,)):
            raise InputError(
                f"{self.path}: expected an encoder, a picture in, mean and log_variance [n, {size}] out, as its decoder; found {model!r}"
            )
        self._input = PictureInput(model.inputs[0], UNIT_INTERVAL, SIDE, SIDE, self.path)
        if not (self._input.grey and self._input.colours_last):
            raise InputError(f"{self.path}: expected an encoder of grey pictures [n, h, w, 1]; found {model!r}")
        self.sha256 = _hash(self.path, self.decoder.path)
        self._points = normal_points(size, PAIRS)

    def picture(self, image: Image) -> Floats:
        """A frame ``[h, w, 3]`` (BGR) or ``[h, w]`` as the network takes it, ``[h, w, 1]``, 0 to 1."""
        out = np.empty((1, self._input.height, self._input.width, 1), np.float32)
        self._input.fill(image, out)
        picture: Floats = out[0]
        return picture

    def encode(self, pictures: Floats) -> tuple[Floats, Floats]:
        """Means and log variances, ``[n, d]`` each, of pictures ``[n, h, w, 1]`` of 0 to 1."""
        return _named(self._model, np.asarray(pictures, np.float32), ("mean", "log_variance"))

    def __call__(self, pictures: Floats, points: Floats | None = None) -> Encoded:
        """Encode and decode pictures ``[n, h, w, 1]`` of 0 to 1.

        Parameters
        ----------
        pictures : ndarray
            Greys.
        points : ndarray, optional
            ``[k, d]`` or ``[n, k, d]``, standard normal: where around its mean each picture is decoded to take the expectation; some that
            are the same each time when not given.
        """
        mean, log_variance = self.encode(pictures)
        around = mean[:, None] + np.exp(0.5 * log_variance)[:, None] * (self._points if points is None else points)
        every = np.concatenate([mean[:, None], around], axis=1)
        made, logits = (part.reshape(*every.shape[:2], *part.shape[1:]) for part in self.decoder(every.reshape(-1, every.shape[2])))
        costs = cross_entropy(pictures[:, None], logits[:, 1:])
        return Encoded(mean, costs.mean(axis=1), kl_divergence(mean, log_variance), entropy(pictures), made[:, 0])


def _named(model: Model, values: NDArray[np.float32], names: tuple[str, str]) -> tuple[Floats, Floats]:
    """Two outputs of a model with one input."""
    found: dict[str, Any] = dict(zip((tensor.name for tensor in model.outputs), model.run({model.inputs[0].name: values}), strict=True))
    return found[names[0]], found[names[1]]


def _hash(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
