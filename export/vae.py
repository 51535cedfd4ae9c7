"""Variational autoencoders (D. P. Kingma, M. Welling, 2014) of Fashion-MNIST: how they are trained and judged."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rtkit_vae import reference
from rtkit_vae.network import DECODER, Autoencoder, Encoded

from export.conversion import convert
from export.data import Floats
from export.fashion import SIDE, Clothes, Fashion
from export.latents import curves, manifold, plane, scatter
from export.road import Trained, Words
from export.strangers import told_apart
from export.training import Plan, fit, losses
from rtkit.onnx.card import Normalisation
from rtkit.onnx.find import MODEL

ops = keras.ops
#: Points around each mean for the bound with many samples, and pictures that are looked at at once.
MANY, TOGETHER = 16, 100
#: What lies beside a model to look at.
SCATTER, MANIFOLD, CURVES = "latents.png", "manifold.png", "training.png"
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
class Recipe:
    """How a network is trained.

    Parameters
    ----------
    epochs, batch : int
        As of `export.training.Plan`.
    step : float
        Largest step of Adam.
    hidden : float
        Share of the pixels that the encoder is not told while it learns: it is the encoder that overfits.
    """

    epochs: int
    batch: int
    step: float
    hidden: float = 0.0


@keras.saving.register_keras_serializable("rtkit")
class Draw(keras.layers.Layer):  # type: ignore[misc]
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
class Bound(keras.layers.Layer):  # type: ignore[misc]
    """The negative evidence lower bound (nats) of each picture: cross entropy of its pixels, and divergence of z."""

    def call(self, inputs: list[Any]) -> Any:
        """``[n, 2]``, the two parts, of picture, mean, log variance and logits."""
        picture, mean, log_variance, logits = inputs
        entropy = ops.sum(ops.softplus(logits) - picture * logits, axis=(1, 2, 3))
        divergence = 0.5 * ops.sum(ops.exp(log_variance) + ops.square(mean) - 1 - log_variance, axis=1)
        return ops.stack([entropy, divergence], axis=1)


@keras.saving.register_keras_serializable("rtkit")  # type: ignore[untyped-decorator]
def summed(_: Any, parts: Any) -> Any:
    """The loss of a model whose output is the loss in parts."""
    return ops.sum(parts, axis=-1)


def joined(networks: Networks, hidden: float) -> keras.Model:
    """The two halves as one model from picture to the parts of its bound; of the share `hidden` of the pixels, the encoder is not told."""
    picture = keras.Input((SIDE, SIDE, 1), name="picture")
    seen = keras.layers.Dropout(hidden, dtype="float32")(picture) if hidden else picture
    mean, log_variance = networks.encoder(seen)
    logits = networks.decoder(Draw(dtype="float32")([mean, log_variance]))
    return keras.Model(picture, Bound(dtype="float32")([picture, mean, log_variance, logits]))


def trained(networks: Networks, fashion: Fashion, plan: Plan, recipe: Recipe, work: Path) -> Networks:
    """Train two halves together, by Adam with a step that warms up over an epoch and falls as a cosine."""
    model = joined(networks, recipe.hidden)
    pictures = unit(fashion.train)
    steps = -(-len(pictures) // plan.batch)
    rate = keras.optimizers.schedules.CosineDecay(
        recipe.step / 10, max((plan.epochs - 1) * steps, 1), 0.002, warmup_target=recipe.step, warmup_steps=steps
    )
    model.compile(keras.optimizers.Adam(rate, clipnorm=100.0), summed)

    def examples(random: np.random.Generator) -> tuple[Floats, Floats]:
        shuffled = pictures[random.permutation(len(pictures))]
        return shuffled, np.zeros((len(shuffled), 2), np.float32)

    seen = unit(fashion.held_out)
    model, _ = fit(model, examples, (seen, np.zeros((len(seen), 2), np.float32)), plan, work, fashion.origin.sha256)
    return Networks(model.get_layer(networks.encoder.name), model.get_layer(networks.decoder.name))


def unit(clothes: Clothes) -> Floats:
    """Pixels of 0 to 255 as 0 to 1."""
    return clothes.pictures * np.float32(1 / 255)


def make(
    name: str, does: str, build: Any, parameters: int, recipe: Recipe, folder: Path, epochs: int | None, seed: int, work: Path
) -> Trained:
    """Train a network on the first 55,000 training pictures, and judge it on the test pictures.

    Parameters
    ----------
    name, does : str
        As on the card.
    build : callable
        Gives the `Networks`, not trained, with inner layers of a precision.
    parameters : int
        How many they have.
    recipe : Recipe
        How to train.
    folder : Path
        Holds Fashion-MNIST and ``fruits360_subset.zip``.
    epochs : int, optional
        Instead of the recipe's.
    seed : int
        Of everything random.
    work : Path
        Folder for what a later run goes on from.
    """
    fashion = Fashion.read(folder)
    keras.utils.set_random_seed(seed)
    short = name.removeprefix("vae_")
    plan = Plan(short, epochs or recipe.epochs, recipe.batch, seed)
    networks = trained(
        build(policy="mixed_bfloat16"), fashion, plan, recipe, work / "training"
    )  # half the time, where the processor has it
    plain = _plain(networks, build())
    with _as_onnx(plain) as network:
        metrics = _bounds(network, fashion) + told_apart(network, folder, fashion.test)
    size = plain.decoder.inputs[0].shape[1]
    return Trained(
        name=name,
        does=does,
        limits="Knows clothes as Fashion-MNIST shows them: 28 x 28, grey, light on black, upright. Plain pictures have a high bound.",
        licence="MIT, as the data",
        model=plain.encoder,
        parts={DECODER: plain.decoder},
        parameters=parameters,
        words={
            "picture": Words("greys, light on black", "", (0.0, 1.0)),
            "mean": Words("of the latent z of the picture"),
            "log_variance": Words("logarithm of the variances of z"),
            "z": Words(f"latent of {size} values, standard normal"),
            "logits": Words("of the picture's pixels"),
        },
        examples=unit(fashion.train),
        data=[fashion.origin],
        metrics=metrics,
        normalisation=UNIT,
        made_by={"epochs": plan.epochs, "batch": recipe.batch, "step": recipe.step, "hidden": recipe.hidden}
        | {"losses": [[round(value, 3) for value in pair if value is not None] for pair in losses(work / "training")]},
    )


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
        convert(networks.encoder, folder / MODEL)
        convert(networks.decoder, folder / DECODER)
        yield Autoencoder(str(folder))


def looked_at(network: Autoencoder, pictures: Floats, points: int | None = None) -> Encoded:
    """Bounds of many pictures, each with random points of its own, or with those of the processor."""
    random, found = np.random.default_rng(0), []
    for start in range(0, len(pictures), TOGETHER):
        some = pictures[start : start + TOGETHER]
        drawn = None if points is None else random.standard_normal((len(some), points, network.decoder.size), np.float32)
        found.append(network(some, drawn))
    return Encoded(*(np.concatenate([getattr(one, part) for one in found]) for part in Encoded.__slots__))


def _bounds(network: Autoencoder, fashion: Fashion) -> list[dict[str, Any]]:
    """Negative bounds of the three splits, as rows for a card."""
    rows = []
    for split, clothes in (("train, the first", fashion.train), ("held out", fashion.held_out), ("test", fashion.test)):
        pictures = unit(clothes)[:10_000]
        for title, points in (("one sample a picture", 1), (f"{MANY} samples", MANY), ("the processor's points", None)):
            if split != "test" and points != 1:
                continue
            bounds = looked_at(network, pictures, points)
            parts = f"reconstruction {bounds.reconstruction.mean():.2f}, divergence {bounds.divergence.mean():.2f}"
            beside = f"{split}, {title}: {parts}; the pixels' own entropy is {bounds.entropy.mean():.2f}"
            value = round(float(bounds.negative_elbo.mean()), 3)
            rows.append({"metric": "-ELBO", "value": value, "unit": "nats", "split": beside, "count": len(pictures)})
    return rows


def complete(folder: Path, out: Path) -> None:
    """Write beside the networks in `out` what is known of pictures, and pictures to look at."""
    from rtkit.onnx import load
    from rtkit.video.stills import write_picture

    fashion, network = Fashion.read(folder), Autoencoder(str(out))
    held_out = looked_at(network, unit(fashion.held_out))
    latents, _ = network.encode(unit(fashion.train)[:10_000])
    classes = fashion.train.classes[: len(latents)]
    two = network.decoder.size == 2
    reference.write(out, network, held_out.negative_elbo, held_out.excess, plane(latents, classes) if two else None)
    scatter(latents, classes, out / SCATTER)
    if two:
        write_picture(str(out / MANIFOLD), manifold(network.decoder))
    card = load(out).card
    assert card is not None
    curves(card.made_by["losses"], out / CURVES)
