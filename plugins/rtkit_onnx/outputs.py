"""What a model answered, as an event says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Largest answer, in numbers, that an event carries whole.
LARGEST = 1000


def find_label(answer: NDArray[Any], labels: Sequence[str]) -> tuple[str | None, float | None]:
    """The class and its probability: of one number between two classes, or the largest of one number a class.

    The score is None where the numbers are no probabilities.
    """
    if len(labels) == 2 and len(answer) == 1:
        probability = float(answer[0])
        second = probability >= 0.5
        return labels[second], round(probability if second else 1 - probability, 6)
    if len(labels) != len(answer) or not len(labels):
        return None, None
    best = int(np.argmax(answer))
    are_probabilities = answer.min() >= 0 and abs(float(answer.sum()) - 1) < 0.01
    return labels[best], round(float(answer[best]), 6) if are_probabilities else None


def plain(answers: Mapping[str, NDArray[Any]], states: Mapping[str, str]) -> dict[str, Any]:
    """Answers by name as JSON can hold them, with 0 for what is not finite; not the states, and of a large one only its shape."""
    return {
        name: np.nan_to_num(np.round(value.astype(float), 6), nan=0.0, posinf=0.0, neginf=0.0).squeeze().tolist()
        if value.size <= LARGEST
        else {"shape": list(value.shape)}
        for name, value in answers.items()
        if name not in states.values()
    }
