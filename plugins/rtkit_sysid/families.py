"""The forms that a search tries: linear, polynomial and neural ones, each of several orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb
from typing import Literal

import numpy as np

from rtkit_sysid.predictor import Form, products
from rtkit_sysid.regressors import Order

#: Lags that are tried.
LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
#: Lags and units of networks; lags up to which all regressors are multiplied with each other; lags with products of the newest few.
NETWORK_LAGS, UNITS = (1, 2, 3, 5, 8, 12, 16), (1, 2, 3, 4, 8)
PRODUCT_LAGS, LONG_LAGS, NEWEST = (1, 2, 3, 4), (4, 8, 16), (1, 2, 3)
#: Random beginnings of each network.
SEEDS = 3
#: A form has at most one parameter for so many samples, and at most so many.
MIN_SAMPLES_PER_PARAMETER, MAX_PARAMETERS = 5, 260


@dataclass(frozen=True, slots=True)
class Candidate:
    """A form to try: its family (what kind of function it is), and where its units begin."""

    family: Literal["linear", "powers of inputs", "products", "newest products", "network"]
    form: Form
    seed: int = 0


def candidates(kind: Literal["arx", "narx"], inputs: int, samples: int, order: Order | None, delay: int) -> list[Candidate]:
    """What to try on a record.

    Parameters
    ----------
    kind : str
        arx: linear forms; narx: the others as well.
    inputs : int
        Number of inputs.
    samples : int
        To learn from; forms with too many parameters for them are left out.
    order : Order, optional
        The only one to try; several when not given.
    delay : int
        Samples after which the inputs act, for orders of our own choice.
    """

    def orders(lags: tuple[int, ...]) -> list[Order]:
        return [order] if order else [Order(lag, lag + 1, delay) for lag in lags]

    most = max(3, min(MAX_PARAMETERS, samples // MIN_SAMPLES_PER_PARAMETER))

    def all_products(one: Order, degree: int, among: list[int]) -> Iterator[Form]:
        """The form with all products of some regressors, if it is not too large; it is counted first, as it may be huge."""
        size = 1 + one.width(inputs) + sum(comb(len(among) + power - 1, power) for power in range(2, degree + 1))
        if size <= most:
            yield Form(one, inputs, products(one.width(inputs), degree, among))

    linear = [Candidate("linear", Form(one, inputs, products(one.width(inputs), 1))) for one in orders(LAGS)]
    made = []
    if kind == "narx":
        for degree in (2, 3):
            for one in orders(PRODUCT_LAGS):
                made += [Candidate("products", form) for form in all_products(one, degree, list(range(one.width(inputs))))]
            for one in orders(LONG_LAGS):
                for count in NEWEST:
                    made += [Candidate("newest products", form) for form in all_products(one, degree, _newest(one, inputs, count))]
            short = [order] if order else [Order(na, nb, delay) for na in (1, 2, 3, 4, 6, 8) for nb in (1, 2, 4, 8)]
            made += [Candidate("powers of inputs", Form(one, inputs, _powers(one, inputs, degree))) for one in short]
        made += [
            Candidate("network", Form(one, inputs, products(one.width(inputs), 1), hidden), seed)
            for one in orders(NETWORK_LAGS)
            for hidden in UNITS
            for seed in range(SEEDS)
        ]
    return [one for one in linear if order or one.form.size <= most] + [one for one in made if one.form.size <= most]


def _newest(order: Order, inputs: int, count: int) -> list[int]:
    """Numbers of the regressors of the newest `count` lags (and the present inputs)."""
    of_inputs = [number * order.nb + back for number in range(inputs) for back in range(min(count + 1, order.nb))]
    return of_inputs + [inputs * order.nb + back for back in range(min(count, order.na))]


def _powers(order: Order, inputs: int, degree: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """The linear terms, and powers of each input regressor: a bent input before linear dynamics (Hammerstein)."""
    linear = products(order.width(inputs), 1)
    more = [(number + 1,) * power + (0,) * (3 - power) for power in range(2, degree + 1) for number in range(inputs * order.nb)]
    return np.concatenate([linear, np.array(more, np.int64).reshape(-1, 3)])
