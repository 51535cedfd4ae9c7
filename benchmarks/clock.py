"""Timing of calls."""

import statistics
import time
from collections.abc import Callable


def cpu_seconds(call: Callable[[], object], repeat: int = 5) -> tuple[float, float]:
    """Processor seconds (minimum, median) of a call, after one that is not counted."""
    call()
    times = []
    for _ in range(repeat):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times), statistics.median(times)
