"""Variational autoencoders (D. P. Kingma, M. Welling, 2014) of Fashion-MNIST: how they are trained and judged."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rtkit_vae import reference
from rtkit_vae.network import DECODER, Autoencoder, Encoded

from export.data import Floats
from export.data.fashion_mnist import SIDE_PX, Clothes, FashionMnist
from export.evaluation.impostors import impostor_auroc
from export.evaluation.latent_plots import latent_map, manifold_sheet, plot_latents, plot_losses
from export.pipeline.conversion import convert
from export.pipeline.release import TensorInfo, TrainedModel
from export.pipeline.training import TrainingPlan, fit, losses_of, warm_up_cosine
from rtkit.models import load
from rtkit.onnx.card import Normalisation
from rtkit.onnx.find import MODEL_FILE
from rtkit.video.stills import write_picture

ops = keras.ops
#: Samples of z around each mean for the bound with many, and pictures in a batch.
MANY_SAMPLES, BATCH = 16, 100
#: What lies beside a model to look at.
LATENTS_FILE, MANIFOLD_FILE, LOSSES_FILE = "latents.png", "manifold.png", "training.png"
#: Units of the dense layers.
WIDTH = 512
UNIT = Normalisation("pixels", 1 / 255)


@dataclass(frozen=True, slots=True)
class Networks:
    """The two halves.

    Parameters
    ----------
    encoder : keras.Model
        Picture ``[n, 28, 28, 1]`` (0 to 1) → mean and log variance of z, ``[n, d]`` each.
    decoder : keras.Model
        z ``[n, d]`` → logits of the pixels ``[n, 28, 28, 1]``.
    """

    encoder: keras.Model
    decoder: keras.Model


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """How a network is trained.

    Parameters
    ----------
    epochs, batch : int
        As of `export.pipeline.training.TrainingPlan`.
    learning_rate : float
        Largest of Adam.
    hidden : float
        Share of the pixels that the encoder is not told while it learns: it is the encoder that overfits.
    """

    epochs: int
    batch: int
    learning_rate: float
    hidden: float = 0.0


def dense_encoder(latent: int, policy: str) -> keras.Model:
    """Dense layers from picture to mean and log variance, not trained."""
    layers = keras.layers
    picture = keras.Input((SIDE_PX, SIDE_PX, 1), name="picture")
    x = residual(layers.Dense(WIDTH, dtype=policy)(layers.Flatten(dtype=policy)(picture)), policy)
    x = layers.Activation("silu", dtype=policy)(layers.LayerNormalization()(x))
    mean, log_variance = (layers.Dense(latent, name=name, dtype="float32")(x) for name in ("mean", "log_variance"))
    return keras.Model(picture, [mean, log_variance], name="encoder")


def residual(x: Any, policy: str) -> Any:
    """Two dense layers whose output is added to their input."""
    layers = keras.layers
    y = layers.Activation("silu", dtype=policy)(layers.LayerNormalization()(x))
    y = layers.Dense(WIDTH, activation="silu", dtype=policy)(y)
    return layers.Add(dtype=policy)([x, layers.Dense(WIDTH, dtype=policy)(y)])


def dense_logits(y: Any, policy: str) -> Any:
    """The end of a decoder of dense layers: logits of the pixels."""
    layers = keras.layers
    y = layers.Activation("silu", dtype=policy)(layers.LayerNormalization()(y))
    return layers.Reshape((SIDE_PX, SIDE_PX, 1), name="logits", dtype="float32")(layers.Dense(SIDE_PX * SIDE_PX, dtype="float32")(y))


@keras.saving.register_keras_serializable("rtkit")
class Sampling(keras.layers.Layer):  # type: ignore[misc]
    """Draw z from the normal distribution with a mean and a log variance."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.seed_generator = keras.random.SeedGenerator(0)

    def call(self, inputs: list[Any]) -> Any:
        """Z ``[n, d]`` of mean and log variance."""
        mean, log_variance = inputs
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise


@keras.saving.register_keras_serializable("rtkit")
class NegativeElbo(keras.layers.Layer):  # type: ignore[misc]
    """The negative evidence lower bound (nats) of each picture: cross entropy of its pixels, and divergence of z."""

    def call(self, inputs: list[Any]) -> Any:
        """``[n, 2]``, the two parts, of picture, mean, log variance and logits."""
        picture, mean, log_variance, logits = inputs
        entropy = ops.sum(ops.softplus(logits) - picture * logits, axis=(1, 2, 3))
        divergence = 0.5 * ops.sum(ops.exp(log_variance) + ops.square(mean) - 1 - log_variance, axis=1)
        return ops.stack([entropy, divergence], axis=1)


@keras.saving.register_keras_serializable("rtkit")  # type: ignore[untyped-decorator]
def sum_of_parts(_: Any, parts: Any) -> Any:
    """The loss of a model whose output is the loss in parts."""
    return ops.sum(parts, axis=-1)


def training_model(networks: Networks, hidden: float) -> keras.Model:
    """The two halves as one model from picture to the parts of its bound; of the share `hidden` of the pixels, the encoder is not told."""
    picture = keras.Input((SIDE_PX, SIDE_PX, 1), name="picture")
    seen = keras.layers.Dropout(hidden, dtype="float32")(picture) if hidden else picture
    mean, log_variance = networks.encoder(seen)
    logits = networks.decoder(Sampling(dtype="float32")([mean, log_variance]))
    return keras.Model(picture, NegativeElbo(dtype="float32")([picture, mean, log_variance, logits]))


def train(networks: Networks, fashion: FashionMnist, plan: TrainingPlan, hyperparameters: Hyperparameters, work: Path) -> Networks:
    """Train two halves together, by Adam with a step that warms up over an epoch."""
    model = training_model(networks, hyperparameters.hidden)
    pictures = unit_range(fashion.train)
    steps, peak = -(-len(pictures) // plan.batch), hyperparameters.learning_rate
    rate = warm_up_cosine(peak, plan.epochs * steps, steps, start=peak / 10, floor=0.002)
    model.compile(keras.optimizers.Adam(rate, clipnorm=100.0), sum_of_parts)

    def examples(random: np.random.Generator) -> tuple[Floats, Floats]:
        shuffled = pictures[random.permutation(len(pictures))]
        return shuffled, np.zeros((len(shuffled), 2), np.float32)

    seen = unit_range(fashion.held_out)
    model, _ = fit(model, examples, (seen, np.zeros((len(seen), 2), np.float32)), plan, work, fashion.origin.sha256)
    return Networks(model.get_layer(networks.encoder.name), model.get_layer(networks.decoder.name))


@dataclass(frozen=True, slots=True)
class VaeRecipe:
    """A recipe of this family; see `export.recipes.Recipe`.

    Parameters
    ----------
    name, does : str
        As on the card.
    networks : callable
        Gives the `Networks`, not trained, with inner layers of a precision.
    parameters : int
        How many they have.
    hyperparameters : Hyperparameters
        How to train.
    """

    name: str
    does: str
    networks: Callable[..., Networks]
    parameters: int
    hyperparameters: Hyperparameters

    def build(self) -> keras.Model:
        """The encoder, not trained."""
        return self.networks().encoder

    def make(self, folder: Path, epochs: int | None, seed: int, work: Path) -> TrainedModel:
        """Train on the first 55,000 training pictures of Fashion-MNIST, judge on the test pictures and on pictures of other things.

        Data: the four files of Fashion-MNIST, and ``fruits360_subset.zip``. See `export.recipes.Recipe.make`.
        """
        fashion, how = FashionMnist.read(folder), self.hyperparameters
        keras.utils.set_random_seed(seed)
        plan = TrainingPlan(self.name.removeprefix("vae_"), epochs or how.epochs, how.batch, seed)
        fast = self.networks(policy="mixed_bfloat16")  # half the time, where the processor has it
        plain = _plain(train(fast, fashion, plan, how, work / "training"), self.networks())
        with _as_onnx(plain) as network:
            metrics = _elbo_rows(network, fashion) + impostor_auroc(network, folder, fashion.test)
        size = plain.decoder.inputs[0].shape[1]
        return TrainedModel(
            name=self.name,
            does=self.does,
            limits="Knows clothes as Fashion-MNIST shows them: 28 x 28, grey, light on black, upright. Plain pictures have a high bound.",
            licence="MIT, as the data",
            model=plain.encoder,
            parts={DECODER: plain.decoder},
            parameters=self.parameters,
            tensors={
                "picture": TensorInfo("greys, light on black", "", (0.0, 1.0)),
                "mean": TensorInfo("of the latent z of the picture"),
                "log_variance": TensorInfo("logarithm of the variances of z"),
                "z": TensorInfo(f"latent of {size} values, standard normal"),
                "logits": TensorInfo("of the picture's pixels"),
            },
            examples=unit_range(fashion.train),
            data=[fashion.origin],
            metrics=metrics,
            normalisation=UNIT,
            made_by={"epochs": plan.epochs, "batch": how.batch, "step": how.learning_rate, "hidden": how.hidden}
            | {"losses": [[round(value, 3) for value in pair if value is not None] for pair in losses_of(work / "training")]},
        )

    def complete(self, folder: Path, out: Path) -> None:
        """Write the reference statistics of pictures beside the networks in `out`, and plots to look at."""
        fashion, network = FashionMnist.read(folder), Autoencoder(str(out))
        held_out = evaluate(network, unit_range(fashion.held_out))
        latents, _ = network.encode(unit_range(fashion.train)[:10_000])
        classes = fashion.train.classes[: len(latents)]
        two = network.decoder.size == 2
        reference.write(out, network, held_out.negative_elbo, held_out.excess, latent_map(latents, classes) if two else None)
        plot_latents(latents, classes, out / LATENTS_FILE)
        if two:
            write_picture(str(out / MANIFOLD_FILE), manifold_sheet(network.decoder))
        card = load(out).card
        assert card is not None
        plot_losses(card.made_by["losses"], out / LOSSES_FILE)


def unit_range(clothes: Clothes) -> Floats:
    """Pixels of 0 to 255 as 0 to 1."""
    return clothes.pictures * np.float32(1 / 255)


def _plain(networks: Networks, built: Networks) -> Networks:
    """Trained weights in networks of float32, whose decoder gives a picture as well."""
    built.encoder.set_weights(networks.encoder.get_weights())
    built.decoder.set_weights(networks.decoder.get_weights())
    logits = built.decoder.output
    picture = keras.layers.Activation("sigmoid", name="picture")(logits)
    return Networks(built.encoder, keras.Model(built.decoder.input, [picture, logits], name="decoder"))


@contextlib.contextmanager
def _as_onnx(networks: Networks) -> Iterator[Autoencoder]:
    """The networks in ONNX Runtime, for as long as the context lasts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        convert(networks.encoder, folder / MODEL_FILE)
        convert(networks.decoder, folder / DECODER)
        yield Autoencoder(str(folder))


def evaluate(network: Autoencoder, pictures: Floats, points: int | None = None) -> Encoded:
    """What the network finds in many pictures, each with random points of its own, or with those of the processor."""
    random, found = np.random.default_rng(0), []
    for start in range(0, len(pictures), BATCH):
        some = pictures[start : start + BATCH]
        drawn = None if points is None else random.standard_normal((len(some), points, network.decoder.size), np.float32)
        found.append(network(some, drawn))
    return Encoded(*(np.concatenate([getattr(one, part) for one in found]) for part in Encoded.__slots__))


def _elbo_rows(network: Autoencoder, fashion: FashionMnist) -> list[dict[str, Any]]:
    """Negative bounds of the three splits, as rows for a card."""
    rows = []
    for split, clothes in (("train, the first", fashion.train), ("held out", fashion.held_out), ("test", fashion.test)):
        pictures = unit_range(clothes)[:10_000]
        for title, points in (("one sample a picture", 1), (f"{MANY_SAMPLES} samples", MANY_SAMPLES), ("the processor's points", None)):
            if split != "test" and points != 1:
                continue
            bounds = evaluate(network, pictures, points)
            parts = f"reconstruction {bounds.reconstruction.mean():.2f}, divergence {bounds.divergence.mean():.2f}"
            beside = f"{split}, {title}: {parts}; the pixels' own entropy is {bounds.entropy.mean():.2f}"
            value = round(float(bounds.negative_elbo.mean()), 3)
            rows.append({"metric": "-ELBO", "value": value, "unit": "nats", "split": beside, "count": len(pictures)})
    return rows
