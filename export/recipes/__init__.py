"""Recipes: one module a model, each a `Recipe`; `cam`, which trains nothing, has a command of its own."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from rtkit.core.errors import UsageError

if TYPE_CHECKING:
    from export.pipeline.release import TrainedModel


class Entry(NamedTuple):
    """A line of the list of models: what it does, and the plug-in that ships it."""

    does: str
    plugin: str


#: Every model that is trained, by its name; the recipe is the module of this name.
MODELS = {
    "aami": Entry("class of a heartbeat (N, S, V, F, Q) in its rhythm: Dense + LSTM across beats (MIT-BIH)", "rtkit_ecg"),
    "cluster_designed": Entry("clusters of pictures, as designed: encoder of an autoencoder with two values (Fruits-360)", "rtkit_cluster"),
    "cluster_designed_grey": Entry("the same of grey pictures", "rtkit_cluster"),
    "cluster_fruits": Entry("clusters of pictures: EfficientNet-Lite0's averaged features, and ten fruits found in them", "rtkit_cluster"),
    "colorize_chroma": Entry("colours of a grey picture, as chroma: EfficientNet-Lite0 and a way back up (fruit)", "rtkit_colorize"),
    "colorize_designed": Entry("colours of a grey picture, as designed: autoencoder of 452,803 parameters (Fruits-360)", "rtkit_colorize"),
    "echo_suppressor": Entry(
        "how the gains of echo's residual echo suppressor should change: LSTM over blocks (LibriSpeech)", "rtkit_echo"
    ),
    "faces": Entry("whose face it is, of people in a folder: 200, 50 and 1 (or n) units on principal components", "rtkit_faces"),
    "heartbeat": Entry("normal or abnormal, from one heartbeat: LSTM 50 + Dense 1 (ECG5000)", "rtkit_ecg"),
    "narx": Entry("the next output of a device: NARX with 20 sigmoid units (Silverbox)", "rtkit_onnx"),
    "vae_16d": Entry("clothes in sixteen values: variational autoencoder (Fashion-MNIST)", "rtkit_vae"),
    "vae_2d": Entry("clothes in two values: variational autoencoder whose decoder folds the plane (Fashion-MNIST)", "rtkit_vae"),
    "vae_designed": Entry("clothes in two values, as designed: variational autoencoder of convolutions (Fashion-MNIST)", "rtkit_vae"),
}


class Recipe(Protocol):
    """What a module of this package has. It may also have ``complete(folder, out)``, which writes further files beside a released model."""

    def build(self) -> Any:
        """The network in Keras, not trained. One that stands on pretrained weights takes them as an argument."""

    def make(self, folder: Path, epochs: int | None, seed: int, work: Path) -> TrainedModel:
        """Train the model and measure how good it is.

        Parameters
        ----------
        folder : Path
            Holds the data, perhaps in folders below it; which, the recipe says.
        epochs : int, optional
            Of each training, instead of the recipe's own number.
        seed : int
            Of everything random: the same gives the same model.
        work : Path
            Folder for what a later run goes on from, if this one is cut off.

        Raises
        ------
        InputError
            Data are missing or damaged.
        """


def load_recipe(name: str) -> Recipe:
    """The recipe of a model; imports Keras.

    Raises
    ------
    UsageError
        No such model.
    """
    if name not in MODELS:
        raise UsageError(f"no model is called {name!r}; known: {', '.join(MODELS)}")
    return cast(Recipe, importlib.import_module(f"{__name__}.{name}"))
