"""The network of `echo:suppressor=neural`: it refines the gains of the rule."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit_echo import refiner_kernel
from rtkit_echo.kalman_kernel import Floats
from rtkit_echo.spectra import BlockSpectra


class FeatureExtractor:
    """The network's input: features of each block.

    Parameters
    ----------
    bins : int
        Of a spectrum.
    """

    def __init__(self, bins: int) -> None:
        self.place, self.share = refiner_kernel.triangles(bins)
        self.bands = len(refiner_kernel.centres(bins))

    def __call__(self, spectra: BlockSpectra) -> Floats:
        """Features ``[blocks, features]``."""
        out = np.empty((len(spectra.gain), self.bands * refiner_kernel.RATIOS + refiner_kernel.EXTRAS), np.float32)
        refiner_kernel.extract(
            spectra.real,
            spectra.imaginary,
            spectra.noise,
            spectra.residual_by_leak,
            spectra.expected,
            spectra.gain,
            spectra.double_talk,
            spectra.activity,
            self.place,
            self.share,
            out,
        )
        return out


class Refiner:
    """Changes the rule's gains by the output of a stateful network, block by block.

    Parameters
    ----------
    bins : int
        Of a spectrum.
    """

    def __init__(self, bins: int) -> None:
        from rtkit import models

        self._extract = FeatureExtractor(bins)
        self._step = models.Stepper(models.load("echo_suppressor/step"))
        self._answer = self._step.outputs[0].name

    def __call__(self, spectra: BlockSpectra) -> None:
        """Change the gains."""
        features = self._extract(spectra)
        answers = np.empty((len(features), self._extract.bands), np.float32)
        for block, row in enumerate(features):  # one by one, so that it does not matter how a stream is cut
            answers[block] = self._step(row[None, None])[self._answer][0, 0]
        refiner_kernel.refine(spectra.gain, answers, spectra.double_talk, self._extract.place, self._extract.share)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of its state, as views."""
        return dict(self._step.state)
