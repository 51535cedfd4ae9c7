"""Rows of numbers, as a learner of arrays takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtkit import InputError


def as_rows(values: ArrayLike, what: str, width: int | None) -> NDArray[Any]:
    """Values ``[n, width]`` or ``[width]`` as rows ``[n, width]``, float32 where that holds them exactly, else float64.

    Raises
    ------
    InputError
        They are not numbers, or of another shape; `what` names them.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputError(f"pca: {what} should be of equal length") from None
    if array.dtype.kind not in "fiub":
        raise InputError(f"pca: {what} should be numbers, found {array.dtype}")
    expected = f"[n, {width}] or [{width}]" if width is not None else "[n, d] or [d]"
    if array.ndim not in (1, 2) or array.shape[-1] == 0 or width not in (None, array.shape[-1]):
        raise InputError(f"pca: {what} should be {expected}, found {list(array.shape)}")
    exact = np.can_cast(array.dtype, np.float32)
    return np.ascontiguousarray(np.atleast_2d(array), np.float32 if exact else np.float64)
