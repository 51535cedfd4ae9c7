"""Video files: every frame, in order, with its time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rtkit.core.errors import InputError
from rtkit.core.items import Frame, FrameSpec
from rtkit.core.source import Options, Source
from rtkit.video.capture import frame_rate, open_video
from rtkit.video.opencv import opencv
from rtkit.video.rate import FrameRateLimiter
from rtkit.video.size import fit, parse_size

#: Fraction of the frames that a header promises which may be missing: some count what no player shows.
MISSING_FRAMES_TOLERANCE = 0.02


class VideoFile(Source):
    """A video file, read frame by frame by OpenCV (FFmpeg).

    Parameters
    ----------
    path : str
        The file.
    options : Options
        `size` (the file's own) and `fps` (all frames) hold.
    """

    gives = "frames"

    def __init__(self, path: str, options: Options) -> None:
        self.name = path
        self._requested_size = parse_size(options.size)
        self._fps = options.fps

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> FrameSpec:
        """Open the file and decode its first frame.

        Raises
        ------
        InputError
            It is missing, empty, or no video that FFmpeg reads.
        """
        cv2 = opencv()
        self._capture = open_video(self.name)
        image: Any = self._capture.read()[1] if self._capture.isOpened() else None
        if image is None:
            raise InputError(f"{self.name}: not readable as a video: expected a file that FFmpeg decodes, with at least one frame")
        self._first = image, self._position()
        fps = frame_rate(self._capture)
        promised = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._promised = promised if 0 < promised < 2**31 else 0
        self._period = 1 / fps
        self._size: tuple[int, int] = self._requested_size or (image.shape[1], image.shape[0])
        self.length = self._promised or None
        return FrameSpec(*self._size, min(fps, self._fps or fps))

    def __iter__(self) -> Iterator[Frame]:
        """Its frames, each with the time (s) at which the file shows it.

        Raises
        ------
        InputError
            The file ends before it should; the frames before that have been handed on.
        """
        due, (image, position) = FrameRateLimiter(self._fps), self._first
        begin, index, time, read = position, 0, 0.0, True
        while read:
            if due(time):
                yield Frame(fit(image, *self._size), index, time)
            index += 1
            read, image = self._capture.read()
            # a clock that stands still or goes back, as in files without times, is not believed
            time = max(now, time + 0.01 * self._period) if (now := self._position() - begin) > time else time + self._period
        # where frames come unevenly, FFmpeg guesses their number from the duration: both must fall short
        if max(index, time / self._period) < (1 - MISSING_FRAMES_TOLERANCE) * self._promised - 1:
            raise InputError(
                f"{self.name}: damaged or truncated: ends at frame {index} ({time:.2f} s) where its header promises {self._promised}"
            )

    def _position(self) -> float:
        """Time (s) of the frame that was read last."""
        return float(self._capture.get(opencv().CAP_PROP_POS_MSEC)) / 1e3

    def close(self) -> None:
        """Close the file."""
        if hasattr(self, "_capture"):
            self._capture.release()
