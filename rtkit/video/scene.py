"""Where one scene ends and another begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit.core.errors import InputError
from rtkit.core.items import Image

#: Mean difference (grey levels, 0 to 255) of the thumbnails of two frames beyond which they show different scenes.
CUT_LEVELS = 25.0
#: Side (pixels) of the grey thumbnail that is compared.
THUMBNAIL_SIDE = 32

_NO_THUMBNAIL: Image = np.zeros((0, 0), np.uint8)


class SceneCutDetector:
    """Scene cuts: compares each frame with the one before."""

    def __init__(self) -> None:
        self._last = _NO_THUMBNAIL

    def is_new(self, image: Image) -> bool:
        """Whether this frame ``[h, w, 3]`` or ``[h, w]`` shows another scene than the last one; so does the first frame of all."""
        import cv2

        small = cv2.resize(image, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)
        before, self._last = self._last, np.asarray(small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
        return not before.size or float(cv2.absdiff(before, self._last).mean()) > CUT_LEVELS

    def state(self) -> dict[str, NDArray[Any]]:
        """The thumbnail of the last frame, ``[0, 0]`` before the first one."""
        return {"scene": self._last}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Put back what `state` gave.

        Raises
        ------
        InputError
            It is no state of scenes.
        """
        last = state.get("scene")
        if last is None or last.shape not in ((0, 0), (THUMBNAIL_SIDE, THUMBNAIL_SIDE)) or last.dtype != np.uint8:
            raise InputError(f"state: scene should be a picture uint8 of {THUMBNAIL_SIDE} x {THUMBNAIL_SIDE} pixels")
        self._last = last.copy()
