"""Faces made comparable: turned upright at one size, and with the light taken out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rtkit import Image
from rtkit.images import opencv, to_grey
from rtkit_faces.detector import Points
from rtkit_faces.warping import warp

#: Size (pixels) of an upright face, what is around it included, and pixels in it.
WIDE, HIGH = 48, 56
PIXELS = WIDE * HIGH
#: Distance of the eyes, and their height from above (pixels).
EYES, ABOVE = 18.0, 22.0
#: Where the five points lie in a face: right from the middle and down from the eyes, in distances of the eyes.
PLACES = np.array([[-0.5, 0], [0.5, 0], [0, 0.58], [-0.41, 1.12], [0.41, 1.12]])
#: Deviation of the neighbourhood that light is judged by, in widths of the face.
NEAR = 0.25
#: What is added to a pixel (0 to 255) before its logarithm, and to the deviation of the logarithms, so that noise in the dark stays small.
DARK, FLAT = 10.0, 0.3
#: A face whose contrast is less than this is rounding, and counts as none.
FAINT = 1e-2


def upright(image: Image, points: Points) -> Image:
    """The face with these points ``[5, 2]`` in a picture, uint8 ``[HIGH, WIDE]``: eyes level and at a fixed distance.

    The similarity that brings the points nearest to `PLACES`: S. Umeyama, "Least-squares estimation of transformation parameters between
    two point patterns", IEEE Transactions on Pattern Analysis and Machine Intelligence 13 (1991).
    """
    targets = PLACES * EYES + [WIDE / 2, ABOVE]
    here, there = ((values - values.mean(axis=0)) @ [1, 1j] for values in (points, targets))
    turn = np.vdot(here, there) / max(np.vdot(here, here).real, 1e-9)  # a complex number turns and scales
    matrix = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    move = np.column_stack([matrix, targets.mean(axis=0) - matrix @ points.mean(axis=0)])
    return warp(to_grey(image), move, (WIDE, HIGH))


def whole(image: Image) -> Image:
    """A picture that is a face already, uint8 ``[HIGH, WIDE]``."""
    cv2 = opencv()
    smaller = image.shape[0] > HIGH or image.shape[1] > WIDE
    grey = to_grey(image)
    return np.asarray(cv2.resize(grey, (WIDE, HIGH), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR), np.uint8)


def level(face: Image) -> NDArray[np.float32]:
    """An upright face without its light, a row ``[PIXELS]`` of mean 0 and length 1.

    Light multiplies what the skin reflects and changes slowly across a face: of the logarithm, the local mean is taken away, and what is
    left is divided by its local deviation. That is local contrast normalisation; X. Tan, B. Triggs, "Enhanced local texture feature sets
    for face recognition under difficult lighting conditions", IEEE Transactions on Image Processing 19 (2010), compare such ways.
    """
    cv2 = opencv()
    deviation = NEAR * WIDE
    logs = np.log(face.astype(np.float32) + DARK)
    detail = logs - cv2.GaussianBlur(logs, (0, 0), deviation)
    contrast = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), deviation))
    row = (detail / (contrast + FLAT)).ravel()
    row -= row.mean()
    length = float(np.linalg.norm(row))
    return np.asarray(row / length if length > FAINT else np.zeros_like(row), np.float32)


def sharpness(face: Image) -> float:
    """How sharp an upright face is: the deviation of its Laplacian over that of its pixels."""
    cv2 = opencv()
    pixels = face.astype(np.float32)
    return float(cv2.Laplacian(pixels, cv2.CV_32F).std() / (pixels.std() + 1.0))
