"""The autoencoder with a bottleneck of two values, as `cluster` was designed, for colour and for grey: network, training, accuracies."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rtkit_cluster.clusters import Floats
from rtkit_cluster.fit import k_means, space_of

from export.data.pictures import FRUITS, Fruits
from export.evaluation.clusters import SETS, Images, accuracy, encoder_inputs, write_clusters
from export.pipeline.release import TensorInfo, TrainedModel
from export.pipeline.training import ResultCache, TrainingPlan, fit, make_deterministic
from rtkit.models import Tensor
from rtkit.onnx.card import Normalisation
from rtkit.onnx.picture import PictureInput

SIDE_PX = 100
#: Filters of the encoder, the other way round in the decoder. The design tells the kinds of layers and how many parameters they have
#: in colour; these widths have exactly so many.
WIDTHS = (72, 48, 60)
#: Parameters of the autoencoder, by the number of colours.
PARAMETERS = {3: 204_857, 1: 199_959}
#: The set whose encoder is shipped: of two values, ten fruits are too many.
SHIPPED_SET = SETS[3]
#: Epochs, by the number of fruits.
EPOCHS = {2: 15, 4: 30, 10: 12}
BATCH, LEARNING_RATE = 16, 1e-3
UNIT = Normalisation("pixels", 1 / 255)


def build_autoencoder(colours: int) -> keras.Model:
    """The autoencoder, not trained, for pictures of 3 colours or 1; its layer ``latent`` gives the two values."""
    layers = keras.layers
    x = picture = keras.Input((SIDE_PX, SIDE_PX, colours), name="picture")
    for filters, kernel in zip(WIDTHS, (5, 3, 3), strict=True):
        x = layers.Conv2D(filters, kernel, strides=2, padding="same", activation="relu")(x)
    _, height, width, depth = x.shape
    latent = layers.Dense(2, name="latent")(layers.Flatten()(x))
    x = layers.Dense(height * width * depth, activation="relu")(latent)
    x = layers.Reshape((height, width, depth))(x)
    for filters in reversed(WIDTHS):
        x = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2D(colours, 3, padding="same", activation="sigmoid")(x)
    return keras.Model(picture, layers.Cropping2D(2)(x), name="bottleneck")  # from 104 to 100 pixels


@dataclass(frozen=True, slots=True)
class BottleneckRecipe:
    """A recipe of this family, of pictures of 3 colours or 1; see `export.recipes.Recipe`."""

    name: str
    colours: int

    def build(self) -> keras.Model:
        """The autoencoder, not trained."""
        return build_autoencoder(self.colours)

    def make(self, folder: Path, epochs: int | None, seed: int, work: Path) -> TrainedModel:
        """Train an autoencoder for each set of fruits, judge the clusters of its latents, and take the encoder of `SHIPPED_SET`.

        Data: ``fruits360_subset.zip``. See `export.recipes.Recipe.make`.
        """
        fruits = Fruits.read(folder)
        done = ResultCache(work, f"{fruits.origin.sha256} {self.name} {epochs} {seed}")
        metrics = []
        for kinds in (kinds for kinds in SETS if kinds != SHIPPED_SET):
            of_kinds, title = fruits.only(kinds), self._title(kinds)
            value = done.once(title, functools.partial(self._train_and_judge, of_kinds, epochs, seed, done, title))
            metrics.append(_row(title, value, of_kinds))
        title, chosen = self._title(SHIPPED_SET), fruits.only(SHIPPED_SET)
        encoder = self._train(chosen, epochs, seed, done, title)
        metrics.append(_row(title, self._accuracy(encoder, chosen), chosen))
        return TrainedModel(
            name=self.name,
            does=(
                "Two values of a picture, by the encoder of an autoencoder, in which k-means finds clusters; "
                "beside it, those of four fruits."
            ),
            limits=f"Made for comparison: it knows {', '.join(SHIPPED_SET)} on white, and says little of other pictures.",
            licence="MIT as the pictures: Fruits-360",
            model=encoder,
            parameters=encoder.count_params(),
            tensors={
                "picture": TensorInfo(f"the whole picture; {'RGB' if self.colours == 3 else 'grey'}", "", (0.0, 1.0)),
                "latent": TensorInfo("the bottleneck"),
            },
            examples=self._inputs(chosen.train[::9]),
            data=[fruits.origin],
            metrics=metrics,
            normalisation=UNIT,
            made_by={
                "epochs": epochs or EPOCHS[len(SHIPPED_SET)],
                "autoencoder_parameters": PARAMETERS[self.colours],
                "trained_on": list(SHIPPED_SET),
            },
        )

    def complete(self, folder: Path, out: Path) -> None:
        """Find the clusters of the four fruits with the encoder in `out`, and write them beside it."""
        write_clusters(Fruits.read(folder).only(SHIPPED_SET), out)

    def _title(self, kinds: tuple[str, ...]) -> str:
        return f"{', '.join(kinds) if len(kinds) < len(FRUITS) else 'ten fruits'}, {'colour' if self.colours == 3 else 'grey'}"

    def _train_and_judge(self, fruits: Fruits, epochs: int | None, seed: int, done: ResultCache, title: str) -> float:
        return self._accuracy(self._train(fruits, epochs, seed, done, title), fruits)

    def _train(self, fruits: Fruits, epochs: int | None, seed: int, done: ResultCache, title: str) -> keras.Model:
        """The encoder of an autoencoder that was trained on the training pictures."""
        make_deterministic(seed)
        pictures = self._inputs(fruits.train)
        model = self.build()
        assert model.count_params() == PARAMETERS[self.colours]
        model.compile(keras.optimizers.Adam(LEARNING_RATE), "mse")

        def examples(random: np.random.Generator) -> tuple[Floats, Floats]:
            shuffled = pictures[random.permutation(len(pictures))]
            return shuffled, shuffled

        plan = TrainingPlan(title, epochs or EPOCHS[len(set(fruits.kinds))], BATCH, seed)
        model, _ = fit(model, examples, None, plan, done.folder)
        return keras.Model(model.input, model.get_layer("latent").output)

    def _accuracy(self, encoder: keras.Model, fruits: Fruits) -> float:
        """Accuracy on the test pictures of clusters that were found in the latents of the training pictures."""
        train, test = (np.asarray(encoder.predict(self._inputs(images), verbose=0)) for images in (fruits.train, fruits.test))
        space = space_of(train)
        seen, unseen = (space.latents(space.prepared(features)) for features in (train, test))
        return accuracy(k_means(seen, len(set(fruits.kinds))).predict(unseen), fruits.test_kinds)

    def _inputs(self, images: Images) -> Floats:
        taken = PictureInput(Tensor("picture", "float32", ("n", SIDE_PX, SIDE_PX, self.colours)), UNIT, SIDE_PX, SIDE_PX, "bottleneck")
        return encoder_inputs(taken, images, False)


def _row(title: str, value: float, fruits: Fruits) -> dict[str, Any]:
    """An accuracy, as it stands on the card."""
    return {"metric": "accuracy", "value": round(value, 4), "unit": "1", "split": f"Fruits-360 test, {title}", "count": len(fruits.test)}
