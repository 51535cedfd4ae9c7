"""Variational autoencoders: bounds on the test pictures, strange pictures told from clothes, and frames a second."""

import os
from pathlib import Path

import cv2
import numpy as np
from rtkit_vae.network import Autoencoder
from rtkit_vae.vae import Vae

from benchmarks.clock import frames_a_second
from export.data.fashion_mnist import FashionMnist
from export.evaluation.impostors import impostor_auroc
from export.families.vae import evaluate, unit_range
from tests.rtkit_vae.clothes import VISION

DATA = Path(os.environ.get("RTKIT_VISION_DATA", VISION))
MODELS = ("designed", "2d", "16d")


def rows():
    cv2.setNumThreads(1)
    fashion = FashionMnist.read(DATA)
    networks = {model: Autoencoder(model) for model in MODELS}
    yield "test, nats", "-ELBO, one sample a picture", "the processor's points", "reconstruction", "divergence", "entropy of the pixels"
    for model, network in networks.items():
        one, fixed = (evaluate(network, unit_range(fashion.test), points) for points in (1, None))
        values = (one.negative_elbo, fixed.negative_elbo, one.reconstruction, one.divergence, one.entropy)
        yield model, *(f"{np.mean(value):.2f}" for value in values)
    tables = [impostor_auroc(network, DATA, fashion.test) for network in networks.values()]
    yield "AUROC", *MODELS
    for same in zip(*tables, strict=True):
        yield (
            f"{same[0]['metric'].removeprefix('AUROC of ')}, {same[0]['split'].removeprefix('test; ')}",
            *(f"{row['value']:.3f}" for row in same),
        )
    for model in MODELS:
        yield f"frames/s, 640 x 480, one thread, {model}", round(frames_a_second(Vae(model)))
