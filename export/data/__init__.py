"""Readers of training data, simulation and augmentation of examples; what each reader gives comes with its `Origin`."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
