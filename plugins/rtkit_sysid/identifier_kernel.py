"""The kernel that both identifiers share: from raw predictions to what goes out."""

from __future__ import annotations

import math

import numba

from rtkit_sysid.kernel import Floats

# places in `levels`
HELD, SQUARES, JUDGED = range(3)
LEVELS = 3
# places in `totals`: predictions judged, and after the warm-up: how many, their squared errors, the first output, sums of outputs less it
PREDICTED, WARM, SQUARED_ERRORS, FIRST, SUM, SUM_OF_SQUARES = range(6)
TOTALS = 6


@numba.njit(nogil=True, cache=True, error_model="numpy")
def finish(raw: Floats, y: Floats, error: Floats, levels: Floats, totals: Floats, warm_up: int) -> None:
    """Hold the last prediction where there is none, and judge the others.

    Parameters
    ----------
    raw : ndarray
        Predictions ``[n]``, not finite where there is none; these are overwritten.
    y : ndarray
        What was measured ``[n]``; NaN where it is missing or not to be judged by.
    error : ndarray
        ``[n]``; filled with y - prediction, 0 where that is not known.
    levels : ndarray
        What is remembered, at the places named above: the prediction held, squared errors since the last event, and how many. They
        are summed sample by sample, so that the sum does not depend on how the stream is cut.
    totals : ndarray
        Sums over the run, at the places named above.
    warm_up : int
        Predictions that are not summed, as a new model has nothing to predict from yet.
    """
    for k in range(raw.size):
        error[k] = 0.0
        if not math.isfinite(raw[k]):
            raw[k] = levels[HELD]
            continue
        levels[HELD] = raw[k]
        if not math.isnan(y[k]):
            error[k] = y[k] - raw[k]
            levels[SQUARES] += error[k] * error[k]
            levels[JUDGED] += 1.0
            totals[PREDICTED] += 1.0
            if totals[PREDICTED] > warm_up:
                if totals[WARM] == 0.0:
                    totals[FIRST] = y[k]
                totals[WARM] += 1.0
                totals[SQUARED_ERRORS] += error[k] * error[k]
                totals[SUM] += y[k] - totals[FIRST]
                totals[SUM_OF_SQUARES] += (y[k] - totals[FIRST]) ** 2
