"""Clusters: where they are among the features of an encoder, how far they reach, what they are called, and how they look."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Image, InputError, make_folder, read_arrays, write_arrays
from rtkit.models import CARD_FILE, MODEL_FILE, publish, read_card
from rtkit_cluster.encoder import Encoder

Array = NDArray[Any]
Floats = NDArray[np.floating[Any]]

ARRAYS, NAMES = "clusters.npz", "names.txt"
#: Label of a picture that is beyond the reach of every cluster.
UNKNOWN = "unknown"
#: Typical pictures of a cluster, and their side (pixels).
TYPICAL, SIDE = 8, 64
#: The membership of a cluster falls with this power of the distance, as in fuzzy c-means.
MEMBERSHIP_POWER = 8


@dataclass(frozen=True, slots=True)
class Assignment:
    """The cluster that a picture belongs to.

    Parameters
    ----------
    cluster : int
        The nearest one.
    known : bool
        Whether the picture is within the reach of the cluster, a distance of at most 1.
    score : float
        Membership, 0 to 1: of the cluster, or, where not known, of none.
    distance : float
        From the most similar example of the cluster, in units of the cluster's reach.
    latent : ndarray
        ``[p]``.
    """

    cluster: int
    known: bool
    score: float
    distance: float
    latent: Floats


@dataclass(frozen=True, slots=True)
class Space:
    """From features to normalised latents.

    Many features go on a sphere, as their length says little; then along their principal axes, and on a sphere again. Few, such as the two
    of an autoencoder, are each brought to mean 0 and deviation 1.

    Parameters
    ----------
    sphere : bool
        Which of the two.
    mean : ndarray
        ``[d]``.
    axes : ndarray
        ``[d, p]``.
    """

    sphere: bool
    mean: Floats
    axes: Floats

    def prepared(self, features: Floats) -> Floats:
        """What pictures are compared in one by one, ``[…, d]``: nothing is left out that makes an unknown picture another one."""
        return unit(features) if self.sphere else (features - self.mean) @ self.axes

    def latents(self, prepared: Floats) -> Floats:
        """What clusters are found in, ``[…, p]``."""
        return unit((prepared - self.mean) @ self.axes) if self.sphere else prepared


@dataclass(frozen=True, slots=True)
class Clusters:
    """All that a processor needs beside the encoder.

    Parameters
    ----------
    encoder : str
        Hash of the file of the encoder that they hold for.
    grey : bool
        Whether pictures are made grey first.
    space : Space
        Where latents lie.
    centres : ndarray
        ``[k, p]``.
    examples : ndarray
        ``[m, …]``: prepared features of some pictures of each cluster.
    owners : ndarray
        ``[m]``: whose they are.
    reach : ndarray
        ``[k]``: how far a picture of the cluster may be from the nearest of its examples.
    typical : ndarray
        uint8 ``[k, TYPICAL, SIDE, SIDE, 3]``: some of its pictures, black where there are fewer.
    names : tuple of str
        Of the k clusters.
    """

    encoder: str
    grey: bool
    space: Space
    centres: Floats
    examples: Floats
    owners: NDArray[np.intp]
    reach: Floats
    typical: NDArray[np.uint8]
    names: tuple[str, ...]

    def assign(self, features: Floats) -> Assignment:
        """The cluster of the picture with these features ``[d]``."""
        prepared = self.space.prepared(features)
        latent = self.space.latents(prepared)
        away = np.linalg.norm(self.centres - latent, axis=1)
        cluster = int(np.argmin(away))
        distance = float(np.linalg.norm(self.examples[self.owners == cluster] - prepared, axis=1).min() / self.reach[cluster])
        shares = (max(float(away[cluster]), 1e-9) / np.maximum(away, 1e-9)) ** MEMBERSHIP_POWER
        beyond = min(distance, 1e9) ** MEMBERSHIP_POWER
        known = distance <= 1
        return Assignment(cluster, known, float((1 if known else beyond) / (shares.sum() + beyond)), distance, latent)

    def write(self, folder: Path, encoder: Path) -> None:
        """Write them into a folder beside a copy of their encoder; what is read first is gone first and written last.

        Raises
        ------
        InputError
            The folder cannot be written.
        """
        arrays = {
            "encoder": np.array(self.encoder),
            "grey": np.array(self.grey),
            "sphere": np.array(self.space.sphere),
            "mean": self.space.mean.astype(np.float32),
            "axes": self.space.axes.astype(np.float32),
            "centres": self.centres.astype(np.float32),
            "examples": self.examples.astype(np.float16),
            "owners": self.owners.astype(np.int32),
            "reach": self.reach.astype(np.float32),
            "typical": self.typical,
        }
        make_folder(folder)
        try:
            (folder / ARRAYS).unlink(missing_ok=True)
            if encoder.resolve() != (folder / MODEL_FILE).resolve():
                _copy(encoder, folder)
            (folder / NAMES).write_text("".join(f"{name}\n" for name in self.names), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{folder}: the clusters cannot be written: {error.strerror}") from None
        write_arrays(folder / ARRAYS, arrays, compressed=True)


def _copy(encoder: Path, folder: Path) -> None:
    card = encoder.with_name(CARD_FILE)
    if encoder.name == MODEL_FILE and card.is_file():
        publish(read_card(card), encoder.parent, folder)
        return
    (folder / CARD_FILE).unlink(missing_ok=True)
    shutil.copyfile(encoder, folder / MODEL_FILE)


def read(encoder: Encoder) -> Clusters:
    """The clusters that lie beside an encoder.

    Raises
    ------
    InputError
        There are none, they are damaged, or belong to another encoder.
    """
    path = encoder.path.with_name(ARRAYS)
    arrays = read_arrays(path, "clusters, as `rtkit cluster fit` writes them")
    _check(path, arrays, encoder)
    names = _read_names(encoder.path.with_name(NAMES), len(arrays["centres"]))
    return Clusters(
        encoder.sha256,
        bool(arrays["grey"]),
        Space(bool(arrays["sphere"]), arrays["mean"], arrays["axes"]),
        arrays["centres"],
        arrays["examples"].astype(np.float32),
        arrays["owners"].astype(np.intp),
        arrays["reach"],
        arrays["typical"],
        names,
    )


def _check(path: Path, arrays: dict[str, Array], encoder: Encoder) -> None:
    """Every array must be there, of its type and shape, and finite."""
    sizes = {"d": encoder.width, "side": SIDE, "typical": TYPICAL, "colours": 3}
    if "sphere" in arrays and "axes" in arrays and arrays["axes"].ndim == 2:
        sizes["e"] = arrays["axes"].shape[0 if arrays["sphere"].any() else 1]
    layout = {
        "encoder": ("U", ""), "grey": ("b", ""), "sphere": ("b", ""), "mean": ("f", "d"), "axes": ("f", "d p"), "centres": ("f", "k p"),
        "examples": ("f", "m e"), "owners": ("i", "m"), "reach": ("f", "k"), "typical": ("u", "k typical side side colours"),
    }  # fmt: skip
    for name, (kind, axes) in layout.items():
        if name not in arrays:
            raise InputError(f"{path}: has no {name}; `rtkit cluster fit` makes such files")
        array, wanted = arrays[name], axes.split()
        fits = array.dtype.kind == kind and array.ndim == len(wanted) and 0 not in array.shape
        if not (fits and all(sizes.setdefault(axis, size) == size for axis, size in zip(wanted, array.shape, strict=True))):
            expected = [sizes.get(axis, axis) for axis in wanted]
            raise InputError(f"{path}: {name} is {array.dtype} {list(array.shape)}; expected shape {expected}")
        if kind == "f" and not np.isfinite(array).all():
            raise InputError(f"{path}: {name} is not finite")
    if arrays["encoder"] != encoder.sha256:
        raise InputError(f"{path}: found with another encoder than {encoder.path}; fit again")
    if set(arrays["owners"].tolist()) != set(range(len(arrays["centres"]))) or not (arrays["reach"] > 0).all():
        raise InputError(f"{path}: a cluster without examples or reach; fit again")


def _read_names(path: Path, count: int) -> tuple[str, ...]:
    try:
        names = tuple(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no names there: {getattr(error, 'strerror', None) or error}; expected a line for each cluster") from None
    if len(names) != count or not all(name.strip() for name in names):
        raise InputError(f"{path}: {len(names)} lines; expected a name for each of {count} clusters")
    return names


def unit(values: Floats) -> Floats:
    """Rows ``[…, d]`` at length 1; a row of zeros stays."""
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    scaled: Floats = values / np.where(length > 0, length, 1)
    return scaled


def thumbnail(image: Image) -> Image:
    """A picture at ``[SIDE, SIDE, 3]``, undistorted, on black."""
    from rtkit.images import fit, to_colour

    return fit(to_colour(image), SIDE, SIDE)
