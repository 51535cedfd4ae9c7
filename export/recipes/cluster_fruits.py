"""The encoder of `cluster`, EfficientNet-Lite0 up to the average of its last features, with the clusters of ten fruits beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
from rtkit_cluster.clusters import Floats
from rtkit_cluster.encoder import SIDE

from export.data.pictures import Fruits, read_groceries
from export.evaluation.clusters import Images, encoder_inputs, evaluate, evaluate_groceries, write_clusters
from export.families import efficientnet_lite0
from export.pipeline.release import TensorInfo, TrainedModel
from rtkit.models import Tensor
from rtkit.onnx.card import Normalisation
from rtkit.onnx.picture import PictureInput


def build(graph: Any) -> keras.Model:
    """The encoder, with the weights of a graph that `efficientnet_lite0.read` gave."""
    picture = keras.Input((SIDE, SIDE, 3), name="picture")
    (last,) = efficientnet_lite0.body(graph, picture, ["features"])
    return keras.Model(picture, keras.layers.GlobalAveragePooling2D(name="features")(last), name="cluster_fruits")


def make(folder: Path, epochs: int | None, seed: int, work: Path) -> TrainedModel:
    """Take the encoder as it is, and judge the clusters that are found in its features.

    Data: ``efficientnet_lite0_cam.onnx``, ``fruits360_subset.zip`` and ``grocery_fruit_photos.zip``. Nothing is trained, and k-means is the
    same each time: epochs, seed and work have no meaning here. See `export.recipes.Recipe.make`.
    """
    graph, origin = efficientnet_lite0.read(folder)
    model = build(graph)
    taken = PictureInput(Tensor("picture", "float32", ("n", SIDE, SIDE, 3)), Normalisation(), SIDE, SIDE, "cluster_fruits")

    def encode(images: Images, grey: bool) -> Floats:
        found: Floats = model.predict(encoder_inputs(taken, images, grey), batch_size=32, verbose=0)
        return found

    fruits = Fruits.read(folder)
    shops, kinds, shop_origin = read_groceries(folder)
    metrics = [row for scores in evaluate(encode, fruits) for row in scores.metrics()]
    metrics += evaluate_groceries(encode, shops, kinds)
    return TrainedModel(
        name="cluster_fruits",
        does="Makes 1280 features of a picture, in which k-means finds clusters; beside it, those of ten fruits.",
        limits="The clusters of fruits were found in pictures of single fruits on white, one of each kind.",
        licence="Apache-2.0",
        model=model,
        parameters=model.count_params(),
        tensors={
            "picture": TensorInfo("the whole picture, squeezed into a square; RGB", "", (0.0, 255.0)),
            "features": TensorInfo("the last features of EfficientNet-Lite0, averaged over the picture"),
        },
        examples=encoder_inputs(taken, fruits.train[::31], False),
        data=[origin, fruits.origin, shop_origin],
        metrics=metrics,
        made_by={"trained": "nothing: weights as they were; k-means on the training pictures"},
    )


def complete(folder: Path, out: Path) -> None:
    """Find the clusters of the ten fruits with the encoder in `out`, and write them beside it."""
    write_clusters(Fruits.read(folder), out)
