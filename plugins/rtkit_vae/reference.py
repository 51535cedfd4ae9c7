"""Reference statistics of the pictures that a network learned from: negative ELBO of held-out ones, and a map of the latents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Image, InputError, read_arrays, write_arrays
from rtkit_vae.elbo import Floats
from rtkit_vae.network import Autoencoder

#: The file of reference statistics beside a model.
ARRAYS = "known.npz"
#: The map shows latents of -MAP_EXTENT to MAP_EXTENT, to the right and upwards.
MAP_EXTENT = 3.5
_EXPECTED = "what `python -m export` leaves beside a model of `vae`"


@dataclass(frozen=True, slots=True)
class CostDistribution:
    """Distribution of the costs of held-out pictures, negative ELBO or excess, by which another picture is ranked.

    Parameters
    ----------
    costs : ndarray
        ``[n]`` (nats), rising.
    """

    costs: Floats

    def __call__(self, cost: float) -> float:
        """The share of the held-out pictures that cost less, 0 to 1: their empirical distribution function, linear between them.

        Beyond the highest, what is left of 1 falls with the inverse of the cost, so that of two anomalous pictures the one that
        costs more is still ranked above.
        """
        count, top = len(self.costs), float(self.costs[-1])
        if cost > top:
            return 1 - max(top, 1e-9) / max(cost, 1e-9) / (count + 1)
        return float(np.interp(cost, self.costs, np.arange(1, count + 1))) / (count + 1) if cost >= self.costs[0] else 0.0


@dataclass(frozen=True, slots=True)
class ReferenceStatistics:
    """All that a processor needs beside the network.

    Parameters
    ----------
    negative_elbo, excess : CostDistribution
        Of held-out pictures.
    map : ndarray, optional
        ``[side, side, 3]``: held-out pictures in the plane, coloured by class; of a network with two values alone.
    """

    negative_elbo: CostDistribution
    excess: CostDistribution
    map: Image | None


def write(folder: Path, network: Autoencoder, negative_elbo: Floats, excess: Floats, drawn: Image | None) -> None:
    """Write reference statistics beside a network.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {
        "network": np.array(network.sha256),
        "negative_elbo": np.sort(negative_elbo).astype(np.float32),
        "excess": np.sort(excess).astype(np.float32),
    }
    if drawn is not None:
        arrays["map"] = drawn
    write_arrays(folder / ARRAYS, arrays, compressed=True)


def read(network: Autoencoder) -> ReferenceStatistics:
    """The reference statistics beside a network.

    Raises
    ------
    InputError
        There are none, or they are damaged, or belong to another network.
    """
    path = network.path.with_name(ARRAYS)
    arrays = read_arrays(path, _EXPECTED)
    if str(arrays.get("network", "")) != network.sha256:
        raise InputError(f"{path}: made for another network than {network.path}; expected {_EXPECTED}")
    costs = {}
    for name in ("negative_elbo", "excess"):
        array = arrays.get(name, np.empty(0))
        if array.dtype.kind != "f" or array.ndim != 1 or len(array) < 2 or not np.isfinite(array).all() or (np.diff(array) < 0).any():
            raise InputError(f"{path}: {name} is {array.dtype} {list(array.shape)}; expected rising finite numbers")
        costs[name] = CostDistribution(array.astype(np.float64))
    drawn = arrays.get("map")
    if drawn is not None and (drawn.dtype != np.uint8 or drawn.ndim != 3 or drawn.shape[2] != 3 or 0 in drawn.shape):
        raise InputError(f"{path}: map is {drawn.dtype} {list(drawn.shape)}; expected a picture, uint8 [side, side, 3]")
    if drawn is not None and network.decoder.size != 2:
        raise InputError(f"{path}: has a map, but the latent has {network.decoder.size} values; expected 2 or no map")
    return ReferenceStatistics(**costs, map=drawn)
