"""The network of `echo:suppressor=neural`: it refines the gains of the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rtkit_echo import refiner_kernel
from rtkit_echo.kalman_kernel import Floats

if TYPE_CHECKING:
    from rtkit_echo.suppressor import Heard


class Describer:
    """What the network is told of each block.

    Parameters
    ----------
    bins : int
        Of a spectrum.
    """

    def __init__(self, bins: int) -> None:
        self.place, self.share = refiner_kernel.triangles(bins)
        self.bands = len(refiner_kernel.centres(bins))

    def __call__(self, heard: Heard) -> Floats:
        """Features ``[blocks, features]``."""
        out = np.empty((len(heard.gain), self.bands * refiner_kernel.RATIOS + refiner_kernel.BESIDES), np.float32)
        refiner_kernel.describe(
            heard.real,
            heard.imaginary,
            heard.floor,
            heard.known,
            heard.expected,
            heard.gain,
            heard.talk,
            heard.notes,
            self.place,
            self.share,
            out,
        )
        return out


class Refiner:
    """Changes the rule's gains by what a stateful network answers, block by block.

    Parameters
    ----------
    bins : int
        Of a spectrum.
    """

    def __init__(self, bins: int) -> None:
        from rtkit import models

        self._describe = Describer(bins)
        self._step = models.Stepper(models.load("echo_suppressor/step"))
        self._answer = self._step.outputs[0].name

    def __call__(self, heard: Heard) -> None:
        """Change the gains."""
        features = self._describe(heard)
        answers = np.empty((len(features), self._describe.bands), np.float32)
        for block, row in enumerate(features):  # one by one, so that it does not matter how a stream is cut
            answers[block] = self._step(row[None, None])[self._answer][0, 0]
        refiner_kernel.refine(heard.gain, answers, heard.talk, self._describe.place, self._describe.share)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it remembers, as views."""
        return dict(self._step.state)
