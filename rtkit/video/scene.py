"""Where one scene ends and another begins."""

from __future__ import annotations

import numpy as np

from rtkit.core.items import Image

#: Mean difference (0 to 255) of the small grey pictures of two frames beyond which they show different scenes.
CUT = 25.0
#: Side (pixels) of that picture.
SIDE = 32


class Scenes:
    """Compares each frame with the one before."""

    def __init__(self) -> None:
        self._last: Image | None = None

    def is_new(self, image: Image) -> bool:
        """Whether this frame ``[h, w, 3]`` or ``[h, w]`` shows another scene than the last one; so does the first frame of all."""
        import cv2

        small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        before, self._last = self._last, np.asarray(small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
        return before is None or float(cv2.absdiff(before, self._last).mean()) > CUT
