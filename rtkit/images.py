"""Pictures for plug-ins: reading and writing them, sizes, colours, text, scene cuts, temporal smoothing. OpenCV loads at the first use."""

from __future__ import annotations

from rtkit.core.items import Image
from rtkit.video.opencv import opencv
from rtkit.video.scene import SceneCutDetector
from rtkit.video.size import MAX_SIDE_PX, colour_copy, fit, to_colour, to_grey
from rtkit.video.smoothing import TemporalSmoother, smoothing_weight
from rtkit.video.stills import read_picture, write_picture
from rtkit.video.suffixes import PICTURE as PICTURE_SUFFIXES
from rtkit.video.text import write_line, write_lines

__all__ = [
    "MAX_SIDE_PX",
    "PICTURE_SUFFIXES",
    "Image",
    "SceneCutDetector",
    "TemporalSmoother",
    "colour_copy",
    "fit",
    "opencv",
    "read_picture",
    "smoothing_weight",
    "to_colour",
    "to_grey",
    "write_line",
    "write_lines",
    "write_picture",
]
