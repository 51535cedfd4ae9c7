"""Video files to write."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from rtkit.core.errors import InputError
from rtkit.core.items import Frame, FrameSpec, Item, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Options
from rtkit.video.size import fit, to_colour

#: Each second is a fragment of its own, and on the disk when the next one begins: that is what a killed process leaves.
FLUSH_OPTIONS, FRAGMENT_OPTIONS = {"flush_packets": "1"}, {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
#: Time base of the frames in a file; that of video by custom.
TICK_S = Fraction(1, 90000)
#: Close to the original at 2 ms a frame of 640 x 480; no frame is held back, which a killed process would lose.
CODEC, CODEC_OPTIONS = "libx264", {"preset": "superfast", "crf": "21", "tune": "zerolatency"}


class Movie(Sink):
    """A video file (H.264), written by FFmpeg through PyAV, in which each frame has its own time.

    It plays after Ctrl-C, and after ``kill -9`` up to the last second: OpenCV's writer can do neither that nor H.264 as it is
    installed. A side of an odd number of pixels loses its last one; frames of another size than the first are fitted into it.
    """

    takes = (FrameSpec,)

    def __init__(self, path: str, options: Options) -> None:
        self.name = path
        self._failed = False

    def open(self, spec: Spec) -> None:
        """Create the file.

        Raises
        ------
        InputError
            It cannot be written, or frames of this size cannot be encoded.
        """
        import av

        assert isinstance(spec, FrameSpec)
        self._size = (max(2, spec.width // 2 * 2), max(2, spec.height // 2 * 2))
        try:
            self._file = av.open(
                self.name, "w", options=FLUSH_OPTIONS if self.name.lower().endswith(".mkv") else FLUSH_OPTIONS | FRAGMENT_OPTIONS
            )
        except OSError as error:  # PyAV's errors are kinds of it
            raise self._refusal(error) from None
        try:
            stream: Any = self._file.add_stream(CODEC, rate=Fraction(spec.fps).limit_denominator(1001), options=CODEC_OPTIONS)
            stream.width, stream.height = self._size
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = TICK_S
            stream.codec_context.gop_size = max(1, round(spec.fps))
            stream.codec_context.open()
        except OSError as error:
            self._file.close()
            raise self._refusal(error) from None
        self._stream, self._last = stream, -1

    def write(self, item: Item) -> None:
        """Encode one frame; raises InputError on a full disk."""
        import av

        assert isinstance(item, Frame)
        width, height = self._size
        image = to_colour(item.image)
        if (image.shape[1] // 2 * 2, image.shape[0] // 2 * 2) != self._size:
            image = fit(image, width, height)
        frame = av.VideoFrame.from_ndarray(image[:height, :width], format="bgr24")
        self._last = max(self._last + 1, round(item.time / TICK_S))
        frame.pts, frame.time_base = self._last, TICK_S
        self._write(frame)

    def _write(self, frame: Any) -> None:
        try:
            self._file.mux(self._stream.encode(frame))
        except OSError as error:
            self._failed = True
            raise self._refusal(error) from None

    def close(self) -> None:
        """Finish the file. What could not be written has been told by then."""
        try:
            if not self._failed:
                self._write(None)
            self._file.close()
        except OSError as error:
            if not self._failed:
                raise self._refusal(error) from None

    def _refusal(self, error: OSError) -> InputError:
        return InputError(f"{self.name}: cannot be written: {error.strerror or error}")
