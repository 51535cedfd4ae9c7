"""A virtual camera: other programs see the frames as if they came from a camera."""

from __future__ import annotations

from typing import Any

from rtkit.core.errors import DeviceError
from rtkit.core.extras import not_installed
from rtkit.core.items import Frame, FrameSpec, Item, Spec
from rtkit.core.sink import Sink
from rtkit.core.source import Options
from rtkit.video.size import fit, to_colour


class VirtualCamera(Sink):
    """A virtual camera through pyvirtualcam: v4l2loopback on Linux, OBS on macOS and Windows.

    Parameters
    ----------
    device : str
        Its device, as ``/dev/video2``; the first that is free if empty.
    options : Options
        None holds.
    """

    takes = (FrameSpec,)

    def __init__(self, device: str, options: Options) -> None:
        self.name = f"vcam:{device}" if device else "vcam"
        self._device = device or None

    def open(self, spec: Spec) -> None:
        """Open the virtual camera.

        Raises
        ------
        DeviceError
            There is none.
        UsageError
            The package pyvirtualcam is not installed.
        """
        assert isinstance(spec, FrameSpec)
        try:
            import pyvirtualcam
        except ModuleNotFoundError as error:
            raise not_installed(error, self.name) from None
        try:
            self._camera: Any = pyvirtualcam.Camera(
                spec.width, spec.height, spec.fps, fmt=pyvirtualcam.PixelFormat.BGR, device=self._device
            )
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise DeviceError(f"{self.name}: no virtual camera opens (Linux: modprobe v4l2loopback): {reason}") from None

    def write(self, item: Item) -> None:
        """Send one frame at once."""
        assert isinstance(item, Frame)
        self._camera.send(fit(to_colour(item.image), self._camera.width, self._camera.height))

    def close(self) -> None:
        """Close the virtual camera."""
        self._camera.close()
