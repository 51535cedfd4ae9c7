"""How good clusters of pictures are: on sets of fruits and photographs of shops, beside raw pixels and mean colour."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rtkit_cluster.clusters import Floats
from rtkit_cluster.command import write
from rtkit_cluster.encoder import Encoder
from rtkit_cluster.fit import PictureSet, choose, fit, k_means, space_of

from export.data.pictures import FRUITS, Fruits
from rtkit.core.items import Image
from rtkit.onnx.picture import PictureInput
from rtkit.video.size import to_grey

#: The sets of fruits that are told apart.
SETS = (
    ("Banana", "Blueberry"),
    ("Lemon", "Orange"),
    ("Apple", "Tomato"),
    ("Banana", "Blueberry", "Strawberry", "Orange"),
    FRUITS,
)
#: Every so many pixels are taken of a picture for the baseline that knows nothing but pixels.
PIXEL_STRIDE = 10

#: Pictures of any sizes, or ``[n, h, w, 3]``.
Images = Sequence[Image] | NDArray[np.uint8]
#: Makes features ``[n, d]`` of pictures, in colour or grey.
Encode = Callable[[Images, bool], Floats]


def write_clusters(fruits: Fruits, out: Path) -> None:
    """Find the clusters of fruits with the encoder in `out`, one for each kind, and write them beside that encoder."""
    encoder = Encoder(str(out))
    features = np.array([encoder(image) for image in fruits.train])
    shown = PictureSet(lambda number: fruits.train[number], fruits.kinds)
    write(fit(features, shown, encoder.sha256, k=len(set(fruits.kinds))), out, encoder.path)


def encoder_inputs(taken: PictureInput, images: Images, grey: bool) -> Floats:
    """Pictures as an encoder takes them, ``[n, h, w, c]``."""
    out = np.zeros((len(images), taken.height, taken.width, 1 if taken.grey else 3), np.float32)
    for index, image in enumerate(images):
        taken.fill(to_grey(image) if grey else image, out[index : index + 1])
    return out


@dataclass(frozen=True, slots=True)
class ClusterScores:
    """What came out for a set of fruits: accuracies on the test pictures, of the latent and of the baselines, and the k that was found."""

    kinds: tuple[str, ...]
    grey: bool
    accuracy: float
    pixels: float
    colour: float
    k: int
    count: int

    @property
    def title(self) -> str:
        """The set in words."""
        return ("/".join(self.kinds) if len(self.kinds) < len(FRUITS) else "ten fruits") + (", grey" if self.grey else ", colour")

    def metrics(self) -> list[dict[str, Any]]:
        """Rows for a card."""
        split = f"Fruits-360, {self.title}: clusters of train, pictures of test"
        beside = f"{split} (k-means on raw pixels {self.pixels:.3f}, on mean colour {self.colour:.3f})"
        return [
            {"metric": "accuracy", "value": round(self.accuracy, 4), "unit": "1", "split": beside, "count": self.count},
            {"metric": "clusters found", "value": self.k, "unit": "1", "split": f"{split}; right: {len(self.kinds)}", "count": self.count},
        ]


def evaluate(
    encode: Encode, fruits: Fruits, sets: Sequence[tuple[str, ...]] = SETS, greys: Sequence[bool] = (False, True)
) -> Iterator[ClusterScores]:
    """How well clusters of `SETS` are the kinds of fruit, in colour and grey."""
    for grey in greys:
        train, test = encode(fruits.train, grey), encode(fruits.test, grey)
        for kinds in sets:
            own, others = np.isin(fruits.kinds, kinds), np.isin(fruits.test_kinds, kinds)
            yield evaluate_set(kinds, grey, train[own], test[others], fruits.only(kinds))


def evaluate_set(kinds: tuple[str, ...], grey: bool, train: Floats, test: Floats, fruits: Fruits) -> ClusterScores:
    """The same for one set, of whose pictures the features are given."""
    space = space_of(train)
    latents, others = (space.latents(space.prepared(features)) for features in (train, test))
    right = [
        accuracy(k_means(seen, len(kinds)).predict(unseen), fruits.test_kinds)
        for seen, unseen in (
            (latents, others),
            *((of(fruits.train, grey), of(fruits.test, grey)) for of in (raw_pixels, mean_colour)),
        )
    ]
    return ClusterScores(kinds, grey, right[0], right[1], right[2], choose(latents).k, len(test))


def evaluate_groceries(encode: Encode, shops: Images, kinds: list[str]) -> list[dict[str, Any]]:
    """How much clusters of photographs in shops tell of the kind of fruit, beside those of mean colours, as rows for a card."""
    from sklearn.metrics import normalized_mutual_info_score

    rows, count = [], len(set(kinds))
    for grey in (False, True):
        features = encode(shops, grey)
        space = space_of(features)
        latents = space.latents(space.prepared(features))
        told, base = (
            float(normalized_mutual_info_score(kinds, k_means(values, count).labels_)) for values in (latents, mean_colour(shops, grey))
        )
        split = f"{count} kinds in shops, {'grey' if grey else 'colour'} (mean colour {base:.3f}; {choose(latents).k} clusters found)"
        rows.append({"metric": "NMI", "value": round(told, 4), "unit": "1", "split": split, "count": len(kinds)})
    return rows


def raw_pixels(images: Images, grey: bool) -> Floats:
    """Some pixels of each picture, in a row."""
    return np.array([_seen(image[::PIXEL_STRIDE, ::PIXEL_STRIDE], grey).ravel() for image in images], np.float64)


def mean_colour(images: Images, grey: bool) -> Floats:
    """The mean colour of each picture."""
    return np.array([_seen(image, grey).mean(axis=(0, 1)) for image in images], np.float64)


def _seen(image: Image, grey: bool) -> NDArray[Any]:
    return image @ np.array([[0.114], [0.587], [0.299]]) if grey else image


def accuracy(clusters: NDArray[Any], kinds: Sequence[str]) -> float:
    """Share of pictures that are in the cluster of their kind, clusters and kinds matched as well as can be."""
    from scipy.optimize import linear_sum_assignment

    found, numbers = np.unique(np.asarray(kinds), return_inverse=True)
    table = np.zeros((max(int(clusters.max()) + 1, len(found)), len(found)))
    np.add.at(table, (clusters, numbers), 1)
    rows, columns = linear_sum_assignment(-table)
    return float(table[rows, columns].sum() / len(kinds))
