"""Classes of heartbeats (AAMI: N, S, V, F, Q), one beat after another, by a stateful network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import InputError


class Classifier:
    """Classifies the beats of one lead, from the signal around them and what came before.

    Parameters
    ----------
    rate : float
        Samples a second (Hz) of the lead.
    """

    def __init__(self, rate: float) -> None:
        from rtkit import models
        from rtkit_ecg.beats import BeatContext

        model = models.load("aami/step")
        self._labels = model.card.labels if model.card is not None else ()
        self._step = models.Stepper(model)
        self._answer = self._step.outputs[0].name
        self._context = BeatContext(rate)

    def __call__(self, window: NDArray[np.floating[Any]], rr_s: float, noisy: bool = False) -> tuple[str, float]:
        """Classify a beat.

        Parameters
        ----------
        window : ndarray
            The signal around it; see `rtkit_ecg.beats.BeatContext.describe`.
        rr_s : float
            Seconds since the beat before; NaN if that is not known.
        noisy : bool
            The signal is bad: nothing is learned from it.

        Returns
        -------
        label : str
            ``N``, ``S``, ``V``, ``F`` or ``Q``.
        score : float
            Probability of the class, as the network has it.
        """
        described = self._context.describe(window, rr_s, noisy)
        probabilities = self._step(described[None, None])[self._answer][0, 0]
        best = int(np.argmax(probabilities))
        return self._labels[best], float(probabilities[best])

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that is carried from beat to beat, as arrays."""
        network = {f"network_{name}": array.copy() for name, array in self._step.state.items()}
        return self._context.state() | network

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            An array is missing or of another shape.
        """
        for name, array in self._step.state.items():
            kept = state.get(f"network_{name}")
            if kept is None or kept.shape != array.shape:
                raise InputError(f"state of the classifier: network_{name} should have shape {array.shape}")
        self._context.load_state(state)
        for name, array in self._step.state.items():
            array[...] = state[f"network_{name}"]
