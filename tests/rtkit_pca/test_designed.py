"""The one-at-a-time autoencoder as it was designed: Adam 0.1 on the mean absolute error, 30 epochs a unit, rows not centred."""

import numpy as np
import pytest
from rtkit_pca.demo import PICTURES

import rtkit

from .rows import error, exact, faces, in_passes, ratio

UNITS, EPOCHS, BATCH, STEP = 6, 30, 32, 0.1


@pytest.fixture(scope="module")
def clothes():
    with np.load(PICTURES) as file:
        return file["pictures"].reshape(len(file["pictures"]), -1).astype(np.float32) / 255


class Adam:
    """D. P. Kingma, J. Ba (2015), with the constants of Keras."""

    def __init__(self, weights):
        self.weights, self.first, self.second, self.steps = weights, np.zeros_like(weights), np.zeros_like(weights), 0

    def step(self, gradient):
        self.steps += 1
        self.first += 0.1 * (gradient - self.first)
        self.second += 0.001 * (gradient**2 - self.second)
        first, second = self.first / (1 - 0.9**self.steps), self.second / (1 - 0.999**self.steps)
        self.weights -= STEP * first / (np.sqrt(second) + 1e-7)


def designed_unit(rows, random):
    """What a linear encoder and decoder of one unit, trained as designed, leave of the rows."""
    d = rows.shape[1]
    limit = np.sqrt(6 / (d + 1))  # Glorot, as Keras begins
    encoder, decoder = (Adam(random.uniform(-limit, limit, d).astype(np.float32)) for _ in range(2))
    for _ in range(EPOCHS):
        order = random.permutation(len(rows))
        for start in range(0, len(rows), BATCH):
            batch = rows[order[start : start + BATCH]]
            codes = batch @ encoder.weights
            signs = np.sign(np.outer(codes, decoder.weights) - batch) / batch.size
            of_encoder, of_decoder = batch.T @ (signs @ decoder.weights), signs.T @ codes
            encoder.step(of_encoder)
            decoder.step(of_decoder)
    return rows - np.outer(rows @ encoder.weights, decoder.weights)


def designed(rows, units):
    """Mean square of what is left of the rows after each unit."""
    random, left, errors = np.random.default_rng(0), rows, []
    for _ in range(units):
        left = designed_unit(left, random)
        errors.append(float((left**2).mean()))
    return errors


def about_mean(rows):
    return float(rows.var(axis=0).mean())


def test_on_faces_ten_units_are_worse_than_the_mean_alone():
    rows = faces("yalefaces", "*", (80, 61))
    errors = designed(rows, 10)
    assert min(errors) > about_mean(rows)
    assert np.diff(errors).max() > 0  # a unit may even add to what is left


def test_on_clothes_it_is_far_from_exact_and_the_shipped_form_is_not(clothes):
    errors = designed(clothes, UNITS)
    components, _, mean = exact(clothes, UNITS)
    assert errors[0] > 0.9 * about_mean(clothes)  # rounding decides whether the first unit is of a little use, or of none
    assert errors[-1] > 1.7 * error(clothes, components, mean)
    assert ratio(clothes, in_passes(rtkit.create("pca", components=UNITS, rule="autoencoder"), clothes, 5)) < 1.01
