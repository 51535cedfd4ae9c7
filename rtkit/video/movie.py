"""Video files to write."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from rtkit.core.items import Frame, FrameSpec, Item, Spec
from rtkit.files.sink import FileSink
from rtkit.video.size import fit, to_colour

#: Each second is a fragment of its own, and on the disk when the next one begins: that is what a killed process leaves.
FLUSH_OPTIONS, FRAGMENT_OPTIONS = {"flush_packets": "1"}, {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
#: Time base of the frames in a file; that of video by custom.
TICK_S = Fraction(1, 90000)
#: Close to the original at 2 ms a frame of 640 x 480; no frame is held back, which a killed process would lose.
CODEC, CODEC_OPTIONS = "libx264", {"preset": "superfast", "crf": "21", "tune": "zerolatency"}


class Movie(FileSink):
    """A video file (H.264), written by FFmpeg through PyAV, in which each frame has its own time.

    It plays after Ctrl-C, and after ``kill -9`` up to the last second: OpenCV's writer can do neither that nor H.264 as it is
    installed. A side of an odd number of pixels loses its last one; frames of another size than the first are fitted into it.
    """

    takes = (FrameSpec,)

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
        flags = FLUSH_OPTIONS if self.name.lower().endswith(".mkv") else FLUSH_OPTIONS | FRAGMENT_OPTIONS
        with self.writing():  # PyAV's errors are kinds of OSError
            self.file = av.open(self.name, "w", options=flags)
            try:
                stream: Any = self.file.add_stream(CODEC, rate=Fraction(spec.fps).limit_denominator(1001), options=CODEC_OPTIONS)
                stream.width, stream.height = self._size
                stream.pix_fmt = "yuv420p"
                stream.codec_context.time_base = TICK_S
                stream.codec_context.gop_size = max(1, round(spec.fps))
                stream.codec_context.open()
            except OSError:
                self.file.close()
                raise
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
        with self.writing():
            self._encode(frame)

    def _encode(self, frame: Any) -> None:
        self.file.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder still holds, and close the file."""
        if not self.failed:
            self._encode(None)
        self.file.close()
