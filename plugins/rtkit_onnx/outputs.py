"""Outputs of a model, as an event carries them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Largest output (values) that an event carries whole.
MAX_VALUES = 1000


def find_label(output: NDArray[Any], labels: Sequence[str]) -> tuple[str | None, float | None]:
    """The class and its probability: of one number between two classes, or the largest of one number a class.

    The score is None where the numbers are no probabilities.
    """
    if len(labels) == 2 and len(output) == 1:
        probability = float(output[0])
        second = probability >= 0.5
        return labels[second], round(probability if second else 1 - probability, 6)
    if len(labels) != len(output) or not len(labels):
        return None, None
    best = int(np.argmax(output))
    are_probabilities = output.min() >= 0 and abs(float(output.sum()) - 1) < 0.01
    return labels[best], round(float(output[best]), 6) if are_probabilities else None


def to_json(outputs: Mapping[str, NDArray[Any]], states: Mapping[str, str]) -> dict[str, Any]:
    """Outputs by name as JSON can hold them, with 0 for what is not finite; not the states, and of a large one only its shape."""
    return {
        name: np.nan_to_num(np.round(value.astype(float), 6), nan=0.0, posinf=0.0, neginf=0.0).squeeze().tolist()
        if value.size <= MAX_VALUES
        else {"shape": list(value.shape)}
        for name, value in outputs.items()
        if name not in states.values()
    }
